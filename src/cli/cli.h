/* SPDX-License-Identifier: MIT
 * The program: one file per subcommand, and one line in the table of program.c. */
#ifndef OIKOS_CLI_CLI_H
#define OIKOS_CLI_CLI_H

#include <argp.h>
#include <mpi.h>
#include <stdio.h>

#include "cli/stop.h"
#include "oikos/oikos.h"
#include "store/checkpoint.h"

enum { OIKOS_MAX_SETS = 64 };

/** What a subcommand sees of the job. */
typedef struct oikos_cli {
  oikos_team team;
  oikos_stop *stop; /* requests to stop */
} oikos_cli;

typedef oikos_status oikos_command_function(oikos_cli *cli, int argc, char **argv,
                                            oikos_error *err);

struct oikos_launch;

typedef struct oikos_command {
  const char *name, *arguments, *help;
  oikos_command_function *run;
  bool writes; /* files, which are to be whole whether or not somebody reads its output */
} oikos_command;

oikos_command_function oikos_command_train, oikos_command_eval, oikos_command_recommend,
    oikos_command_inspect, oikos_command_import, oikos_command_config, oikos_command_gradcheck,
    oikos_command_bench, oikos_command_distill;

/**
 * Parse a subcommand's arguments by argp; rank 0 prints what is wrong, nobody exits.
 * @param[out] help  --help was asked for and printed: there is nothing more to do
 * @return OIKOS_USAGE if they are wrong
 */
oikos_status oikos_cli_parse(oikos_cli *cli, const struct argp *argp, int argc, char **argv,
                             void *input, bool *help, oikos_error *err);

/** For a parser: say what is wrong, and return what it returns then. */
error_t oikos_cli_wrong(struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A whole number of low .. 10^9 from an option's argument. */
error_t oikos_cli_number(struct argp_state *state, const char *option, const char *text,
                         int64_t low, int64_t *value);

/** Print what a run would take (train --dry-run). Not collective: rank 0 does it. */
oikos_status oikos_cli_plan(oikos_cli *cli, const oikos_config *config, int64_t ranks,
                            int64_t per_node, const char *out, oikos_error *err);

/** `--set key=value` options. */
typedef struct oikos_sets {
  int n;
  const char *assignment[OIKOS_MAX_SETS];
} oikos_sets;

/** Keep one `--set` argument. */
error_t oikos_cli_add_set(struct argp_state *state, oikos_sets *sets, const char *assignment);

/** The arguments of every command that reads a configuration: CONFIG and --set. A parser's last
 * resort. */
error_t oikos_cli_parse_config(int key, char *arg, struct argp_state *state, const char **config,
                               oikos_sets *sets);

/** Keep the one positional argument. */
error_t oikos_cli_only(struct argp_state *state, const char *name, const char **place,
                       const char *argument);

/** Say once, on rank 0, which keys were given by names of older versions; then check that each that
 * was given does something for the purpose. Not collective. */
oikos_status oikos_cli_check_used(const oikos_cli *cli, const oikos_config *config,
                                  oikos_reader purpose, oikos_error *err);

/** Defaults, then the file, then the --set options, each of which must do something for the
 * purpose; rank 0 reads the file. Collective. */
oikos_status oikos_cli_config(oikos_cli *cli, const char *path, const oikos_sets *sets,
                              oikos_reader purpose, oikos_config *config, oikos_error *err);

/** The configuration in a checkpoint, then the --set options, likewise. Collective. */
oikos_status oikos_cli_trained_config(oikos_cli *cli, const oikos_checkpoint *checkpoint,
                                      const oikos_sets *sets, oikos_reader purpose,
                                      oikos_config *config, oikos_error *err);

/** Open the checkpoint that an argument means: the file, or the newest whole one if it is a run
 * directory. Collective; a NULL team: this process alone. */
oikos_status oikos_cli_find_checkpoint(const oikos_team *team, const char *what,
                                       oikos_checkpoint **checkpoint, oikos_error *err);

/** Train as configured in the run directory @p out, with progress; then evaluate. Collective. */
oikos_status oikos_cli_train(oikos_cli *cli, const oikos_config *config, const char *out,
                             bool resume, oikos_error *err);

/** Print on rank 0. */
void oikos_cli_print(const oikos_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The tables of an evaluation, on rank 0. */
void oikos_cli_print_evaluation(const oikos_cli *cli, const oikos_trainer *trainer,
                                const oikos_evaluation *v);

/** What an evaluation says of ratings, on the rank that calls. */
void oikos_cli_print_rated(const oikos_evaluation *v);

/** Who of the learners lives where, where they are of hidden groups; on rank 0. Collective. */
void oikos_cli_print_census(const oikos_cli *cli, oikos_trainer *trainer,
                            const oikos_config *config);

/** Teacher and student side by side, on rank 0. */
void oikos_cli_print_comparison(const oikos_cli *cli, const oikos_trainer *teacher,
                                const oikos_evaluation *of_teacher, const oikos_trainer *student,
                                const oikos_evaluation *of_student);

/** What `oikos bench` measures, one indented line each. */
void oikos_bench_list(FILE *out);

/** What there is to say of level and kernel, on rank 0; that the kernel computes right products.
 * Collective. */
oikos_status oikos_kernel_check(const oikos_cli *cli, const struct oikos_launch *launch,
                                oikos_error *err);

#endif
