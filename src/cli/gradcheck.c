/* SPDX-License-Identifier: MIT
 * oikos gradcheck: the meta-gradient of the user's own configuration against finite differences.
 * Differences need double precision, so the launcher loads the library of doubles for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "run/gradcheck.h"

/* In double the differences are good to about 1e-9, so 1e-6 leaves no room for a wrong term; in
 * float only the dump is.
 */
static const double tolerance = 1e-6;

typedef struct gradcheck_options {
  const char *config, *dump;
  bool single;
  oikos_sets sets;
} gradcheck_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
  gradcheck_options *o = state->input;
  switch (key) {
  case 'd':
    o->dump = arg;
    return 0;
  case 'f':
    o->single = true;
    return 0;
  default:
    return oikos_cli_parse_config(key, arg, state, &o->config, &o->sets);
  }
}

static oikos_status check(const oikos_cli *cli, const gradcheck_options *o,
                          const oikos_config *config, oikos_error *err) {
  const oikos_observer observer = {.user = cli->stop, .stop = oikos_stop_asked};
  oikos_trainer *t;
  double worst = 0;
  if (sizeof(oikos_real) == sizeof(double) && config->distill.weight > 0 &&
      config->distill.teacher == OIKOS_TEACHER_MODEL)
    return oikos_fail(err, OIKOS_USAGE,
                      "distill.teacher is model, whose checkpoint is in float, and the check is in "
                      "double; the term is the same with any teacher: check it with --set "
                      "distill.teacher=peers");
  OIKOS_TRY(oikos_trainer_create(MPI_COMM_SELF, config, NULL, false, &observer, &t, err));
  oikos_status status = oikos_gradcheck(t, o->dump, stdout, &worst, err);
  oikos_trainer_destroy(t);
  OIKOS_TRY(status);
  if (sizeof(oikos_real) == sizeof(float)) {
    puts("in float the differences are rounding noise; without --float they are taken in double");
    return OIKOS_OK;
  }
  if (!(worst < tolerance))
    return oikos_fail(err, OIKOS_ERROR,
                      "the meta-gradient differs from finite differences by %.2g, more than %g",
                      worst, tolerance);
  printf("the meta-gradient agrees with finite differences: largest relative error %.2g (allowed "
         "%g)\n",
         worst, tolerance);
  return OIKOS_OK;
}

oikos_status oikos_command_gradcheck(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"dump", 'd', "FILE.h5", 0,
       "write start, episode, trained parameters and meta-gradient, by name", 0},
      {"float", 'f', NULL, 0, "compute in float, as training does (for the dump)", 0},
      {"set", 's', "KEY=VALUE", 0, "override a key of the configuration; may be repeated", 0},
      {0},
  };
  static const struct argp argp = {
      table,    parse,
      "CONFIG", "Check the meta-gradient of CONFIG against finite differences, in double.",
      NULL,     NULL,
      NULL};
  gradcheck_options o = {0};
  bool help;
  oikos_config *config;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_status status = oikos_cli_config(cli, o.config, &o.sets, OIKOS_FOR_GRADCHECK, config, err);
  if (status == OIKOS_OK && cli->team.rank == 0)
    status = check(cli, &o, config, err);
  free(config);
  return status;
}
