/* SPDX-License-Identifier: MIT
 * The program behind the launcher: finds the subcommand and runs it. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cblas.h>

#include "base/try.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/launch.h"
#include "store/hdf5_util.h"

static const oikos_command commands[] = {
    {"train", "CONFIG [--out DIR] [--resume] [--dry-run] [--set KEY=VALUE ...]",
     "train, with checkpoints; then evaluate", oikos_command_train, true},
    {"eval", "RUN|CHECKPOINT [--episodes N] [--steps S] [--predictions FILE.json]",
     "evaluate on unseen tasks", oikos_command_eval, true},
    {"recommend", "RUN|CHECKPOINT --user ID|--item ID|--ratings FILE|--all users|items [--top N]",
     "rank items for a user, or users for an item", oikos_command_recommend, false},
    {"distill", "RUN|CHECKPOINT --model SMALL.yaml --out DIR [--steps N]",
     "train a smaller network that imitates a trained one", oikos_command_distill, true},
    {"inspect", "FILE|RUN [--digest]", "show what a checkpoint or a data file holds",
     oikos_command_inspect, false},
    {"import", "KIND SOURCE ... -o FILE.h5", "make an HDF5 file of a data set",
     oikos_command_import, true},
    {"gradcheck", "CONFIG [--dump FILE.h5]", "check the meta-gradient against finite differences",
     oikos_command_gradcheck, true},
    {"config", "--explain | CONFIG", "explain every key, or show a configuration resolved",
     oikos_command_config, false},
    {"bench", "WHAT [ARGUMENT ...]", "measure this machine against its own bounds",
     oikos_command_bench, true},
    {NULL, NULL, NULL, NULL, false},
};

static void usage(FILE *out) {
  fputs("Usage: oikos COMMAND [ARGUMENTS]\n"
        "       mpirun -n RANKS oikos COMMAND [ARGUMENTS]\n\n"
        "Distributed meta-learning: learners find the task where they are at home, train there, "
        "and share what they "
        "learn.\n\n",
        out);
  for (const oikos_command *c = commands; c->name; c++) {
    fprintf(out, "  oikos %s %s\n        %s\n", c->name, c->arguments, c->help);
    if (c->run == oikos_command_bench)
      oikos_bench_list(out);
  }
  fputs("\n  oikos COMMAND --help      the options of a command\n"
        "  oikos --version           this build, its libraries, processor level and BLAS kernel\n\n"
        "Exit status: 0 done, 1 error, 2 wrong use, 75 stopped on request: run it again, 69 the "
        "run directory is in use by another job, 70 the job stood still or lost a rank.\n",
        out);
}

static void version(void) {
  char libraries[512], kernel[64];
  oikos_version_libraries(libraries, sizeof libraries);
  oikos_version_kernel(kernel, sizeof kernel);
  printf("oikos %s (%s)\n%s\nlevel %s\nBLAS kernel %s\n", oikos_version(),
         sizeof(oikos_real) == 4 ? "float" : "double", libraries, oikos_version_level(), kernel);
}

void oikos_cli_print(const oikos_cli *cli, const char *format, ...) {
  va_list args;
  if (cli->team.rank != 0)
    return;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  fflush(stdout);
}

static const oikos_command *find(const char *name) {
  for (const oikos_command *c = commands; c->name; c++)
    if (strcmp(c->name, name) == 0)
      return c;
  return NULL;
}

/* Output that could not be written is an error of the program. */
static oikos_status close_output(oikos_status status) {
  if ((fflush(stdout) == 0 && !ferror(stdout)) || status != OIKOS_OK)
    return status;
  fprintf(stderr, "oikos: standard output cannot be written: %s\n", strerror(errno));
  return OIKOS_ERROR;
}

/* After a failure, which rank 0 has told: where a rank could not close a file, all end without
 * MPI_Finalize. */
static void end_if_files_are_open(const oikos_team *team, oikos_status status) {
  int open = oikos_hdf5_holds_files();
  fflush(stdout);
  MPI_Allreduce(MPI_IN_PLACE, &open, 1, MPI_INT, MPI_MAX, team->world);
  if (open)
    _exit((int)status);
}

/* Run a subcommand. Only rank 0 prints the error, which is the same on all. */
static int run(const oikos_command *command, int argc, char **argv, const oikos_launch *launch) {
  oikos_cli cli = {0};
  oikos_error err = {0};
  oikos_status status = oikos_team_create(MPI_COMM_WORLD, &cli.team, &err);
  cli.stop = launch->stop;
  cli.team.pulse = &launch->stop->pulse;
  if (cli.team.size > 1 || command->writes)
    signal(SIGPIPE, SIG_IGN); // of a rank that was lost, its own end is what is to be reported
  if (status == OIKOS_OK)
    status = oikos_kernel_check(&cli, launch, &err);
  if (status == OIKOS_OK)
    status = oikos_agree(&cli.team, command->run(&cli, argc, argv, &err), &err);
  oikos_stop_set_status(cli.stop, (int)status);
  if (status != OIKOS_OK && cli.team.rank == 0 && err.message[0])
    fprintf(stderr, "oikos: %s\n", err.message);
  if (status == OIKOS_ERROR && cli.team.world != MPI_COMM_NULL)
    end_if_files_are_open(&cli.team, status);
  if (cli.team.rank == 0)
    status = close_output(status);
  oikos_team_destroy(&cli.team);
  return (int)status;
}

/* What needs no MPI: help and the version. */
static oikos_status speak(const char *name) {
  bool version_asked = strcmp(name, "--version") == 0;
  bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
  if (version_asked)
    version();
  else if (help || !*name)
    usage(help ? stdout : stderr);
  else
    fprintf(stderr, "oikos: unknown option %s; `oikos --help` lists what there is\n", name);
  return help || version_asked ? OIKOS_OK : OIKOS_USAGE;
}

static int unknown(const char *name) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0)
    fprintf(stderr, "oikos: unknown command %s; `oikos --help` lists them\n", name);
  return OIKOS_USAGE;
}

int oikos_program(int argc, char **argv, const oikos_launch *launch) {
  const char *name = argc > 1 ? argv[1] : "";
  openblas_set_num_threads(1);
  oikos_console was = oikos_console_begin();
  if (launch->alone) {
    oikos_status status = close_output(speak(name));
    oikos_console_end(&was);
    return (int)status;
  }
  const oikos_command *command = find(name);
  if (!command)
    return unknown(name);
  return run(command, argc - 1, argv + 1, launch);
}
