/* SPDX-License-Identifier: MIT
 * oikos train: train, with checkpoints, then evaluate on unseen tasks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "dist/reduce.h"
#include "learn/cohort.h"
#include "tasks/source.h"

typedef struct train_options {
  const char *config, *out;
  bool resume, dry;
  int64_t ranks, per_node; /* of the plan; 0: as many as there are */
  oikos_sets sets;
} train_options;

enum { DRY_RUN = 256, RANKS, PER_NODE };

static error_t parse(int key, char *arg, struct argp_state *state) {
  train_options *o = state->input;
  switch (key) {
  case 'o':
    o->out = arg;
    return 0;
  case 'r':
    o->resume = true;
    return 0;
  case DRY_RUN:
    o->dry = true;
    return 0;
  case RANKS:
    return oikos_cli_number(state, "--ranks", arg, 1, &o->ranks);
  case PER_NODE:
    return oikos_cli_number(state, "--ranks-per-node", arg, 1, &o->per_node);
  default:
    return oikos_cli_parse_config(key, arg, state, &o->config, &o->sets);
  }
}

/* runs/<name of the configuration without .yaml>, where --out is not given */
static void default_out(const char *config, char *out, size_t size) {
  const char *base = strrchr(config, '/'), *end;
  base = base ? base + 1 : config;
  end = strrchr(base, '.');
  bool yaml = end && end > base && (strcmp(end, ".yaml") == 0 || strcmp(end, ".yml") == 0);
  snprintf(out, size, "runs/%.*s", (int)(yaml ? (size_t)(end - base) : strlen(base)), base);
}

static void announce(const oikos_cli *cli, const oikos_trainer *t, const oikos_config *c,
                     const char *out) {
  char kernel[64];
  if (cli->team.rank != 0)
    return;
  oikos_version_kernel(kernel, sizeof kernel);
  oikos_task_shape shape = oikos_source_shape(oikos_trainer_source(t));
  printf("oikos %s: %s to %s, %d ranks, level %s, BLAS kernel %s\n", oikos_version(), c->file, out,
         cli->team.size, oikos_version_level(), kernel);
  printf("network of %zu parameters, input %lld x %lld x %lld:\n",
         oikos_network_parameters(oikos_trainer_network(t)), (long long)shape.input.height,
         (long long)shape.input.width, (long long)shape.input.channels);
  oikos_network_describe(oikos_trainer_network(t), stdout);
  printf("%lld%s learners, ", (long long)c->learners.count,
         c->learners.persist ? " persistent" : "");
  if (oikos_cohort_size(c) < c->learners.count)
    printf("%lld in a step, ", (long long)oikos_cohort_size(c));
  if (shape.varies) {
    printf("up to ");
    shape.support = (size_t)c->task.support;
    shape.query = (size_t)c->task.query;
  }
  printf("%zu support and %zu query examples each, %lld inner steps, %lld homes, %lld steps\n",
         shape.support, shape.query, (long long)c->inner.steps, (long long)c->home.count,
         (long long)c->steps);
  fflush(stdout);
}

/* The teacher on the episodes that the student was evaluated on. */
static oikos_status compare(oikos_cli *cli, oikos_trainer *student, const oikos_evaluation *v,
                            const oikos_config *c, oikos_error *err) {
  oikos_trainer *teacher = oikos_trainer_teacher(student);
  oikos_evaluation of_teacher;
  OIKOS_TRY(oikos_trainer_evaluate(teacher,
                                   c->eval.split == OIKOS_EVAL_TEST ? OIKOS_TEST : OIKOS_VALIDATION,
                                   c->eval.episodes, c->eval.steps, &of_teacher, err));
  oikos_cli_print_comparison(cli, teacher, &of_teacher, student, v);
  oikos_evaluation_destroy(&of_teacher);
  return OIKOS_OK;
}

static oikos_status evaluate(oikos_cli *cli, oikos_trainer *t, const oikos_config *c,
                             oikos_error *err) {
  oikos_evaluation v;
  if (c->eval.episodes == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_trainer_evaluate(t,
                                   c->eval.split == OIKOS_EVAL_TEST ? OIKOS_TEST : OIKOS_VALIDATION,
                                   c->eval.episodes, c->eval.steps, &v, err));
  oikos_cli_print_evaluation(cli, t, &v);
  oikos_status status = oikos_trainer_teacher(t) ? compare(cli, t, &v, c, err) : OIKOS_OK;
  oikos_evaluation_destroy(&v);
  return status;
}

/* The evaluation after the last step: training is done, whatever becomes of that. */
static oikos_status evaluate_trained(oikos_cli *cli, oikos_trainer *t, const oikos_config *c,
                                     const char *out, oikos_error *err) {
  char words[OIKOS_PATH + 256];
  snprintf(words, sizeof words,
           " in the evaluation: training is done, with all %lld steps and a checkpoint; `%s eval "
           "%s` or --resume makes the evaluation",
           (long long)c->steps, program_invocation_short_name, out);
  atomic_store(&cli->stop->words, words);
  oikos_stop_enter(cli->stop, OIKOS_STOP_SOON);
  oikos_status status = evaluate(cli, t, c, err);
  oikos_stop_set_status(cli->stop, (int)status);
  atomic_store(&cli->stop->words, NULL);
  return status == OIKOS_STOPPED ? oikos_fail(err, status, "stopped on request%s", words) : status;
}

static void print_privacy(const oikos_cli *cli, const oikos_trainer *t) {
  double epsilon, delta;
  if (oikos_trainer_privacy(t, &epsilon, &delta))
    oikos_cli_print(cli, "privacy spent by the weights: epsilon %.4g at delta %g, per learner\n",
                    epsilon, delta);
}

/* Of the rank that took most. */
static void print_memory(const oikos_cli *cli) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double kib = (double)used.ru_maxrss;
  oikos_largest(&cli->team, 1, &kib);
  oikos_cli_print(cli, "peak memory of a rank: %.0f MiB\n", kib / 1024);
}

/* What one may do with the run. */
static void print_next(const oikos_cli *cli, const oikos_config *c, const char *out) {
  const char *program = program_invocation_name;
  if (oikos_source_type_of(c)->rated)
    oikos_cli_print(cli, "next: %s recommend %s --user ID\n", program, out);
  else
    oikos_cli_print(cli, "next: %s eval %s --steps %lld --episodes %lld\n", program, out,
                    (long long)(c->inner.steps ? 2 * c->inner.steps : 0),
                    (long long)(c->eval.episodes ? c->eval.episodes : 1000));
}

oikos_status oikos_cli_train(oikos_cli *cli, const oikos_config *c, const char *out, bool resume,
                             oikos_error *err) {
  oikos_trainer *t;
  oikos_progress progress;
  oikos_observer observer = oikos_progress_observer(&progress, cli, c);
  OIKOS_TRY(oikos_trainer_create(MPI_COMM_WORLD, c, out, resume, &observer, &t, err));
  int64_t first = oikos_trainer_steps(t);
  announce(cli, t, c, out);
  oikos_progress_start(&progress, first);
  double start = oikos_wall_clock();
  oikos_stop_enter(cli->stop, OIKOS_STOP_PATIENT);
  oikos_status status = oikos_trainer_run(t, err);
  double seconds = oikos_wall_clock() - start, now;
  oikos_progress_end(&progress);
  if (status == OIKOS_STOPPED && progress.unread)
    oikos_fail_prefix(err, "nobody reads standard output any more: ");
  if (status == OIKOS_OK) {
    int64_t episodes = (oikos_trainer_steps(t) - first) * oikos_cohort_size(c);
    oikos_cli_print(cli, "\ntrained on %lld episodes in %.1f s: %.0f tasks/s\n",
                    (long long)episodes, seconds, (double)episodes / seconds);
    if (oikos_progress_diverged(&progress, &now))
      fprintf(stderr,
              "oikos: warning: training has diverged: its query loss was %.4g in the first step "
              "and is %.4g now; lower shared.rate (and home.rate), or set outer.clip\n",
              progress.first, now);
    print_memory(cli);
    print_privacy(cli, t);
    oikos_cli_print_census(cli, t, c);
    status = evaluate_trained(cli, t, c, out, err);
  }
  if (status == OIKOS_OK) {
    oikos_cli_print(cli, "the run is in %s: config.yaml, metrics.jsonl, checkpoints/\n", out);
    print_next(cli, c, out);
  }
  oikos_trainer_destroy(t);
  return status;
}

oikos_status oikos_command_train(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"out", 'o', "DIR", 0, "run directory (default: runs/NAME of the configuration)", 0},
      {"resume", 'r', NULL, 0,
       "continue from the newest whole checkpoint in DIR, on any number of ranks", 0},
      {"set", 's', "KEY=VALUE", 0, "override a key of the configuration; may be repeated", 0},
      {"dry-run", DRY_RUN, NULL, 0,
       "print what the run would take: memory of a rank, bytes of a step, files", 0},
      {"ranks", RANKS, "N", 0, "dry-run: on so many ranks, which need not be there", 0},
      {"ranks-per-node", PER_NODE, "N", 0,
       "dry-run: so many of them on a node (default: as there are)", 0},
      {0},
  };
  static const struct argp argp = {
      table, parse, "CONFIG", "Train as the YAML file CONFIG says, then evaluate on unseen tasks.",
      NULL,  NULL,  NULL};
  train_options o = {0};
  char out[OIKOS_PATH];
  oikos_config *config;
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  if (!o.dry && (o.ranks || o.per_node))
    return oikos_fail(err, OIKOS_USAGE,
                      "--ranks and --ranks-per-node are for --dry-run; mpirun or srun start ranks");
  default_out(o.config, out, sizeof out);
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_status status = oikos_cli_config(cli, o.config, &o.sets, OIKOS_FOR_TRAIN, config, err);
  if (status == OIKOS_OK && o.dry)
    status =
        oikos_cli_plan(cli, config, o.ranks ? o.ranks : cli->team.size,
                       o.per_node ? o.per_node : cli->team.node_size, o.out ? o.out : out, err);
  else if (status == OIKOS_OK)
    status = oikos_cli_train(cli, config, o.out ? o.out : out, o.resume, err);
  free(config);
  return status;
}
