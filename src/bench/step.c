/* SPDX-License-Identifier: MIT
 * The whole outer step against the time of its matrix products alone, in turns; then once more with
 * a profile, for the shares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "bench/bench.h"
#include "bench/folder.h"
#include "bench/products.h"
#include "bench/table.h"
#include "bench/works.h"
#include "net/derivatives.h"
#include "net/network_impl.h"
#include "run/trainer_impl.h"
#include "store/sync.h"

enum { ROUNDS = 5 };

static const double round_seconds = 0.5;

/* What was measured of a work, in all rounds. */
typedef struct result {
  double learners;         /* a step trains so many on all ranks, */
  double share;            /* and so many on the busiest thread */
  double step[ROUNDS];     /* seconds, of the slowest rank */
  double products[ROUNDS]; /* seconds of a learner's products */
  double flops;            /* of a learner's products */
  double profiled;         /* seconds of the round with the profile */
} result;

/* Seconds of a step: the mean over a round, of the slowest rank. */
static oikos_status time_steps(oikos_trainer *t, const oikos_team *team, long steps,
                               double *seconds, oikos_error *err) {
  double start = oikos_bench_start(team);
  for (long i = 0; i < steps; i++)
    OIKOS_TRY(oikos_trainer_step(t, err));
  *seconds = (oikos_wall_clock() - start) / (double)steps;
  oikos_largest(team, 1, seconds);
  return OIKOS_OK;
}

/* Steps that fill a round. */
static oikos_status count_steps(oikos_trainer *t, const oikos_team *team, long *steps,
                                oikos_error *err) {
  double once;
  for (int warm = 0; warm < 2; warm++)
    OIKOS_TRY(time_steps(t, team, 1, &once, err));
  *steps = once < round_seconds ? (long)(round_seconds / once) + 1 : 1;
  return OIKOS_OK;
}

static oikos_status measure(oikos_trainer *t, const oikos_team *team, oikos_products *products,
                            oikos_profile *profiles, result *r, oikos_error *err) {
  long steps;
  OIKOS_TRY(count_steps(t, team, &steps, err));
  oikos_products_seconds(products); // finds the fastest ways
  for (int k = 0; k < ROUNDS; k++) {
    oikos_bench_start(team);
    r->products[k] = oikos_products_seconds(products);
    oikos_largest(team, 1, &r->products[k]);
    OIKOS_TRY(time_steps(t, team, steps, &r->step[k], err));
  }
  t->profiles = profiles;
  for (int k = 0; k < t->n_threads; k++)
    oikos_workspace_measure(oikos_path_workspace(t->workers[k].path), &profiles[k]);
  OIKOS_TRY(time_steps(t, team, steps, &r->profiled, err));
  r->profiled *= (double)steps;
  return OIKOS_OK;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_speed(const char *name, const oikos_team *team, int threads, result *r) {
  double ratio[ROUNDS], step[ROUNDS];
  for (int k = 0; k < ROUNDS; k++) {
    step[k] = r->step[k];
    ratio[k] = r->share * r->products[k] / r->step[k];
  }
  qsort(step, ROUNDS, sizeof *step, ascending);
  qsort(ratio, ROUNDS, sizeof *ratio, ascending);
  double rate = r->learners / step[ROUNDS / 2], gflop = r->flops / 1e9;
  printf("%s; %d rank%s, %d thread%s each\n", name, team->size, team->size > 1 ? "s" : "", threads,
         threads > 1 ? "s" : "");
  printf("  step      %12.1f tasks/s %9.1f GFLOP/s (median of %d rounds; best %.1f tasks/s)\n",
         rate, rate * gflop, ROUNDS, r->learners / step[0]);
  printf(
      "  bound     %12.1f tasks/s: the same matrix products alone, the best %cgemm of each shape\n",
      rate / ratio[ROUNDS / 2], sizeof(oikos_real) == 4 ? 's' : 'd');
  printf("  ratio     %12.2f of the bound (%.2f to %.2f)\n", ratio[ROUNDS / 2], ratio[0],
         ratio[ROUNDS - 1]);
}

static void print_phases(const oikos_profile *p, double seconds) {
  static const char *const names[OIKOS_PHASES] = {
      "draw the episode",  "find the home",   "inner steps", "query gradient",
      "back through them", "add to the sums", "all-reduce",  "update"};
  double rest = seconds;
  printf("  share of the step by phase (rank 0, first thread)\n");
  for (int i = 0; i < OIKOS_PHASES; i++) {
    printf("    %-27s %5.1f %%\n", names[i], 100 * p->phase[i] / seconds);
    rest -= p->phase[i];
  }
  printf("    %-27s %5.1f %%\n", "rest, waiting", 100 * rest / seconds);
}

static void print_layers(const oikos_network *net, const oikos_profile *p, double seconds) {
  printf("  and by layer                forward  tangent  backward  tangent of backward\n");
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    char name[64];
    snprintf(name, sizeof name, "%s%s%s", l->type->kind, l->relu ? " + relu" : "",
             l->pool > 1 ? " + pool" : "");
    printf("    %-27s", name);
    for (int f = 0; f < OIKOS_FUNCTIONS; f++)
      printf(f < OIKOS_BACKWARD ? " %5.1f %% " : "  %5.1f %%", 100 * p->layer[i][f] / seconds);
    putchar('\n');
  }
}

static oikos_status run(const oikos_bench_job *job, const char *name, const oikos_config *config,
                        oikos_error *err) {
  oikos_trainer *t;
  oikos_products *products = NULL;
  OIKOS_TRY(oikos_trainer_create(job->team->world, config, NULL, false, NULL, &t, err));
  oikos_task_shape shape = oikos_source_shape(t->source);
  size_t judged =
      config->model.loss == OIKOS_LOSS_PROTOTYPES ? shape.support + shape.query : shape.query;
  oikos_status status =
      oikos_products_create(&t->config, t->net, shape.support, judged, &products, err);
  oikos_profile *profiles = NULL;
  if (status == OIKOS_OK)
    status = oikos_alloc(&profiles, (size_t)t->n_threads, sizeof *profiles, "profiles", err);
  status = oikos_agree(job->team, status, err);
  double busiest = (double)((t->learners.count + t->n_threads - 1) / t->n_threads);
  oikos_largest(job->team, 1, &busiest);
  result r = {.learners = (double)config->learners.count, .share = busiest};
  if (status == OIKOS_OK) {
    r.flops = oikos_products_flops(products);
    status = oikos_agree(job->team, measure(t, job->team, products, profiles, &r, err), err);
  }
  if (status == OIKOS_OK && job->team->rank == 0) {
    print_speed(name, job->team, t->n_threads, &r);
    print_phases(&profiles[0], r.profiled);
    print_layers(t->net, &profiles[0], r.profiled);
    fflush(stdout);
  }
  oikos_products_destroy(products);
  oikos_trainer_destroy(t);
  free(profiles);
  return status;
}

/* The usual works; their images stand in a folder that goes away. */
static oikos_status run_works(const oikos_bench_job *job, oikos_config *config, oikos_error *err) {
  char folder[OIKOS_NAME_MAX] = "", images[OIKOS_PATH];
  oikos_status status = OIKOS_OK;
  if (job->team->rank == 0) {
    status = oikos_bench_folder_make(job->folder, folder, err);
    if (snprintf(images, sizeof images, "%s/noise.h5", folder) >= (int)sizeof images)
      status = oikos_fail(err, OIKOS_USAGE, "the path of %s is longer than %d bytes", job->folder,
                          OIKOS_PATH - 1);
    if (status == OIKOS_OK)
      status = oikos_work_images(images, err);
  }
  status = oikos_agree(job->team, status, err);
  oikos_broadcast(job->team, images, sizeof images);
  for (int i = 0; status == OIKOS_OK && i < OIKOS_WORKS; i++) {
    status = oikos_work_config(i, images, config, err);
    if (status == OIKOS_OK)
      status = run(job, oikos_work_name(i), config, err);
  }
  if (folder[0])
    oikos_bench_folder_remove(folder);
  return status;
}

oikos_status oikos_bench_step(const oikos_bench_job *job, oikos_error *err) {
  if (job->config)
    return run(job, job->arguments[0], job->config, err);
  oikos_config *config;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "a configuration", err));
  oikos_status status = run_works(job, config, err);
  free(config);
  return status;
}
