/* SPDX-License-Identifier: MIT
 * oikos distill: train a smaller network that imitates a trained one. The student's configuration
 * is the teacher's, with the keys of the given file over it; what follows is ordinary training. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "store/checkpoint_config.h"

typedef struct distill_options {
  const char *run, *model, *out;
  int64_t steps; /* -1: as configured */
  oikos_sets sets;
} distill_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
  distill_options *o = state->input;
  switch (key) {
  case 'm':
    o->model = arg;
    return 0;
  case 'o':
    o->out = arg;
    return 0;
  case 'n':
    return oikos_cli_number(state, "--steps", arg, 0, &o->steps);
  case 's':
    return oikos_cli_add_set(state, &o->sets, arg);
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "RUN or CHECKPOINT", &o->run, arg);
  case ARGP_KEY_END:
    return !o->run     ? oikos_cli_wrong(state, "RUN or CHECKPOINT of the teacher is missing")
           : !o->model ? oikos_cli_wrong(state, "--model SMALL.yaml, the student, is missing")
           : !o->out   ? oikos_cli_wrong(state, "--out DIR is missing")
                       : 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* The distill section before the student's own keys. */
static oikos_status set_standards(oikos_config *c, oikos_error *err) {
  static const char *const standard[] = {"distill.weight=0.5", "distill.temperature=2",
                                         "distill.in=query", "distill.teacher_steps=-1"};
  for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
    OIKOS_TRY(oikos_config_set(c, standard[i], err));
  return OIKOS_OK;
}

/* The teacher's configuration, the student's file over it, --set over that. */
static oikos_status configure(oikos_cli *cli, const distill_options *o,
                              const oikos_checkpoint *teacher, oikos_config *c, oikos_error *err) {
  char *text;
  size_t length;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_read_config(teacher, c, err), err));
  OIKOS_TRY(oikos_read_file(&cli->team, o->model, &text, &length, err));
  oikos_status status = set_standards(c, err);
  oikos_config_forget_given(c);
  if (status == OIKOS_OK)
    status = oikos_config_parse(c, o->model, text, length, err);
  free(text);
  for (int i = 0; status == OIKOS_OK && i < o->sets.n; i++)
    status = oikos_config_set(c, o->sets.assignment[i], err);
  if (status == OIKOS_OK)
    status = oikos_cli_check_used(cli, c, OIKOS_FOR_DISTILL, err);
  c->distill.teacher = OIKOS_TEACHER_MODEL;
  c->steps = o->steps >= 0 ? o->steps : c->steps;
  if (status == OIKOS_OK && c->distill.weight == 0)
    status = oikos_fail(err, OIKOS_USAGE,
                        "distill.weight is 0, so nothing would be learned from the teacher; give "
                        "more, or use `oikos train`");
  if (snprintf(c->distill.model, OIKOS_PATH, "%s", oikos_checkpoint_file(teacher)) >= OIKOS_PATH &&
      status == OIKOS_OK)
    status = oikos_fail(err, OIKOS_USAGE, "the path of the teacher is longer than %d bytes",
                        OIKOS_PATH - 1);
  return oikos_agree(&cli->team, status, err);
}

oikos_status oikos_command_distill(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"model", 'm', "SMALL.yaml", 0,
       "the student: its network (model.layers), and any other key that is not to be the teacher's",
       0},
      {"out", 'o', "DIR", 0, "the student's run directory", 0},
      {"steps", 'n', "N", 0, "outer steps (default: steps)", 0},
      {"set", 's', "KEY=VALUE", 0, "override a key of the configuration; may be repeated", 0},
      {0},
  };
  static const struct argp argp = {
      table,
      parse,
      "RUN|CHECKPOINT",
      "Train a smaller network to imitate a trained one on the same tasks, then evaluate both.\v"
      "distill.weight is 0.5 unless given. DIR is a run like any other, and holds its own copy of "
      "the teacher: a stopped one goes on with `oikos train DIR/config.yaml --out DIR --resume`.",
      NULL,
      NULL,
      NULL};
  distill_options o = {.steps = -1};
  oikos_config *config;
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_checkpoint *teacher;
  oikos_status status = oikos_cli_find_checkpoint(&cli->team, o.run, &teacher, err);
  if (status == OIKOS_OK)
    status = configure(cli, &o, teacher, config, err);
  oikos_checkpoint_close(teacher);
  if (status == OIKOS_OK)
    status = oikos_cli_train(cli, config, o.out, false, err);
  free(config);
  return status;
}
