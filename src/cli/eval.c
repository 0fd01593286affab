/* SPDX-License-Identifier: MIT
 * oikos eval: evaluate a run or a checkpoint on unseen tasks. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "run/open.h"
#include "store/checkpoint_config.h"

typedef struct eval_options {
  const char *what, *predictions;
  int64_t episodes, steps;
  oikos_sets sets;
} eval_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
  eval_options *o = state->input;
  switch (key) {
  case 'n':
    return oikos_cli_number(state, "--episodes", arg, 1, &o->episodes);
  case 'k':
    return oikos_cli_number(state, "--steps", arg, 0, &o->steps);
  case 'p':
    o->predictions = arg;
    return 0;
  case 's':
    return oikos_cli_add_set(state, &o->sets, arg);
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "RUN or CHECKPOINT", &o->what, arg);
  case ARGP_KEY_END:
    return o->what ? 0 : oikos_cli_wrong(state, "RUN or CHECKPOINT is missing");
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* The checkpoint that is meant, and the configuration in it. */
static oikos_status find(oikos_cli *cli, const eval_options *o, oikos_checkpoint **checkpoint,
                         oikos_config *config, oikos_error *err) {
  OIKOS_TRY(oikos_cli_find_checkpoint(&cli->team, o->what, checkpoint, err));
  return oikos_cli_trained_config(cli, *checkpoint, &o->sets, OIKOS_FOR_EVAL, config, err);
}

static oikos_status evaluate(oikos_cli *cli, const eval_options *o, const oikos_config *c,
                             const oikos_checkpoint *checkpoint, oikos_error *err) {
  oikos_trainer *t;
  oikos_evaluation v;
  oikos_progress progress;
  oikos_observer observer = oikos_progress_observer(&progress, cli, c);
  OIKOS_TRY(oikos_trainer_open_for(MPI_COMM_WORLD, NULL, c, checkpoint, &observer, &t, err));
  oikos_cli_print(cli, "%s, step %lld\n", oikos_checkpoint_file(checkpoint),
                  (long long)oikos_trainer_steps(t));
  oikos_split split = c->eval.split == OIKOS_EVAL_TEST ? OIKOS_TEST : OIKOS_VALIDATION;
  int64_t episodes = o->episodes ? o->episodes : c->eval.episodes,
          steps = o->steps >= 0 ? o->steps : c->eval.steps;
  oikos_status status = OIKOS_OK;
  if (o->predictions) // first, since a path may be wrong
    status = oikos_trainer_predict(t, split, episodes, steps, o->predictions, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_evaluate(t, split, episodes, steps, &v, err);
  if (status == OIKOS_OK) {
    oikos_cli_print_evaluation(cli, t, &v);
    oikos_evaluation_destroy(&v);
    if (o->predictions)
      oikos_cli_print(cli, "predictions are in %s\n", o->predictions);
  }
  oikos_trainer_destroy(t);
  return status;
}

oikos_status oikos_command_eval(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"episodes", 'n', "N", 0, "unseen episodes (default: eval.episodes)", 0},
      {"steps", 'k', "S", 0, "inner steps (default: eval.steps)", 0},
      {"predictions", 'p', "FILE.json", 0,
       "also write what is predicted in each episode (few --episodes will do), and where each home "
       "starts, as JSON; for functions only",
       0},
      {"set", 's', "KEY=VALUE", 0,
       "override a key that leaves training as it was, such as eval.split or task.file", 0},
      {0},
  };
  static const struct argp argp = {
      table,
      parse,
      "RUN|CHECKPOINT",
      "Evaluate the newest checkpoint of a run, or a checkpoint file, on unseen tasks.",
      NULL,
      NULL,
      NULL};
  eval_options o = {.steps = -1};
  oikos_checkpoint *checkpoint = NULL;
  oikos_config *config;
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_status status = find(cli, &o, &checkpoint, config, err);
  if (status == OIKOS_OK)
    status = evaluate(cli, &o, config, checkpoint, err);
  oikos_checkpoint_close(checkpoint);
  free(config);
  return status;
}
