/* SPDX-License-Identifier: MIT
 * The whole outer step in turns with its two bounds, the machine and the time of its matrix
 * products alone; then once more with a profile, for the shares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "bench/bench.h"
#include "bench/folder.h"
#include "bench/machine.h"
#include "bench/products.h"
#include "bench/table.h"
#include "bench/works.h"
#include "net/derivatives.h"
#include "net/network_impl.h"
#include "run/trainer_impl.h"
#include "store/sync.h"

enum { ROUNDS = 5 };

static const double round_seconds = 0.5;

/* A work in turns with its bounds. */
typedef struct race {
  double episodes;         /* that all ranks train or evaluate at once, */
  double share;            /* and the busiest thread of them */
  double flops;            /* of an episode's products */
  double seconds[ROUNDS];  /* of all these episodes, on the slowest rank */
  double products[ROUNDS]; /* of an episode's products */
  oikos_needs needs;       /* of an episode */
  oikos_machine machine[ROUNDS];
} race;

/* What is raced: steps or an evaluation. */
typedef oikos_status work(oikos_trainer *t, long times, oikos_error *err);

static oikos_status steps(oikos_trainer *t, long times, oikos_error *err) {
  for (long i = 0; i < times; i++)
    OIKOS_TRY(oikos_trainer_step(t, err));
  return OIKOS_OK;
}

static oikos_split unseen(const oikos_trainer *t) {
  return t->config.eval.split == OIKOS_EVAL_TEST ? OIKOS_TEST : OIKOS_VALIDATION;
}

/* As many episodes as a step has learners, `times` times. */
static oikos_status evaluate(oikos_trainer *t, long times, oikos_error *err) {
  oikos_evaluation v;
  OIKOS_TRY(
      oikos_trainer_evaluate(t, unseen(t), times * oikos_cohort_size(&t->config), -1, &v, err));
  oikos_evaluation_destroy(&v);
  return OIKOS_OK;
}

/* Seconds of a work done once: the mean of many times, of the slowest rank. */
static oikos_status time_work(work *what, oikos_trainer *t, const oikos_team *team, long times,
                              double *seconds, oikos_error *err) {
  double start = oikos_bench_start(team);
  OIKOS_TRY(what(t, times, err));
  *seconds = (oikos_wall_clock() - start) / (double)times;
  oikos_largest(team, 1, seconds);
  return OIKOS_OK;
}

/* How often fills a round. */
static oikos_status count(work *what, oikos_trainer *t, const oikos_team *team, long *times,
                          oikos_error *err) {
  double once;
  for (int warm = 0; warm < 2; warm++)
    OIKOS_TRY(time_work(what, t, team, 1, &once, err));
  *times = once < round_seconds ? (long)(round_seconds / once) + 1 : 1;
  return OIKOS_OK;
}

/* The products on as many threads at once as the work has, which share caches, memory and the
 * core's clock as it does: seconds of the slowest, of all ranks. */
static double time_products(int n, oikos_products *const *products, const oikos_team *team) {
  double slowest = 0;
#pragma omp parallel for schedule(static, 1) num_threads(n) reduction(max : slowest)
  for (int k = 0; k < n; k++) {
    double seconds = oikos_products_seconds(products[k]);
    slowest = seconds > slowest ? seconds : slowest;
  }
  oikos_largest(team, 1, &slowest);
  return slowest;
}

static oikos_status run_race(work *what, oikos_trainer *t, const oikos_team *team,
                             oikos_products *const *products, const oikos_needs *needs, race *r,
                             oikos_error *err) {
  long times;
  int64_t most = (t->learners.slots + t->n_threads - 1) / t->n_threads;
  double busiest = (double)most;
  oikos_largest(team, 1, &busiest);
  *r = (race){.episodes = (double)oikos_cohort_size(&t->config),
              .share = busiest,
              .flops = oikos_products_flops(products[0]),
              .needs = *needs};
  OIKOS_TRY(count(what, t, team, &times, err));
  time_products(t->n_threads, products, team); // finds the fastest ways
  for (int k = 0; k < ROUNDS; k++) {
    OIKOS_TRY(oikos_machine_measure(team, t->n_threads, needs, &r->machine[k], err));
    oikos_bench_start(team);
    r->products[k] = time_products(t->n_threads, products, team);
    OIKOS_TRY(time_work(what, t, team, times, &r->seconds[k], err));
  }
  return OIKOS_OK;
}

/* A round of steps with a profile; *seconds of all of it. */
static oikos_status profile(oikos_trainer *t, const oikos_team *team, oikos_profile *profiles,
                            double *seconds, oikos_error *err) {
  long times;
  OIKOS_TRY(count(steps, t, team, &times, err));
  t->profiles = profiles;
  for (int k = 0; k < t->n_threads; k++)
    oikos_worker_measure(&t->workers[k], &profiles[k]);
  OIKOS_TRY(time_work(steps, t, team, times, seconds, err));
  *seconds *= (double)times;
  return OIKOS_OK;
}

/* Where the bytes of a work live, and how fast that is: "L1 at 312.0 GB/s". */
static void print_memory(const oikos_needs *needs, const oikos_machine *m) {
  const char *between = "";
  for (int i = 0; i < OIKOS_MEMORY_LEVELS; i++) {
    if (needs->bytes[i] <= 0)
      continue;
    printf("%s%.4g MB in %s at %.1f GB/s", between, needs->bytes[i] / 1e6,
           oikos_memory_name((oikos_memory_level)i), m->bandwidth[i]);
    between = ", ";
  }
}

/* The machine as the bound of a work whose median is `rate`. */
static void print_machine(const char *unit, const race *r, double rate) {
  const oikos_machine *last = &r->machine[ROUNDS - 1];
  double share[ROUNDS];
  for (int k = 0; k < ROUNDS; k++)
    share[k] = r->share * oikos_machine_bound(&r->machine[k], &r->needs) / r->seconds[k];
  oikos_bench_sort(ROUNDS, share);
  printf("    machine  %11.1f %s/s: %.2f of it (%.2f to %.2f)\n", rate / share[ROUNDS / 2], unit,
         share[ROUNDS / 2], share[0], share[ROUNDS - 1]);
  if (last->peak > 0)
    printf("      operations %11.2f us: %.4g MFLOP at %.1f GFLOP/s\n",
           1e6 * oikos_machine_operations(last, &r->needs), r->needs.operations / 1e6, last->peak);
  else
    printf("      operations: the peak is not known, since oikos was built without fused "
           "multiply-adds\n");
  printf("      bytes      %11.2f us: ", 1e6 * oikos_machine_bytes(last, &r->needs));
  print_memory(&r->needs, last);
  putchar('\n');
}

static void print_race(const char *what, const char *unit, const race *r) {
  double ratio[ROUNDS], seconds[ROUNDS];
  for (int k = 0; k < ROUNDS; k++) {
    seconds[k] = r->seconds[k];
    ratio[k] = r->share * r->products[k] / r->seconds[k];
  }
  oikos_bench_sort(ROUNDS, seconds);
  oikos_bench_sort(ROUNDS, ratio);
  double rate = r->episodes / seconds[ROUNDS / 2];
  printf("  %-10s %11.1f %s/s %9.1f GFLOP/s, %.2f of the bound (%.2f to %.2f in %d rounds)\n", what,
         rate, unit, rate * r->flops / 1e9, ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1], ROUNDS);
  printf("    bound    %11.1f %s/s: its matrix products alone, the best %cgemm of each shape\n",
         rate / ratio[ROUNDS / 2], unit, sizeof(oikos_real) == 4 ? 's' : 'd');
  print_machine(unit, r, rate);
}

static void print_phases(const oikos_profile *p, double seconds) {
  static const char *const names[OIKOS_PROFILE_ITEMS] = {
      "draw the episode",  "find the home",   "inner steps", "query gradient",
      "back through them", "add to the sums", "all-reduce",  "update"};
  double rest = seconds;
  printf("  share of the step by phase (rank 0, first thread)\n");
  for (int i = 0; i < OIKOS_PROFILE_ITEMS; i++) {
    printf("    %-29s %5.1f %%\n", names[i], 100 * p->item[i] / seconds);
    rest -= p->item[i];
  }
  printf("    %-29s %5.1f %%\n", "rest, waiting", 100 * rest / seconds);
}

static void print_layers(const oikos_network *net, const oikos_profile *p, double seconds) {
  printf(
      "  and by layer                           forward  tangent  backward  tangent of backward\n");
  for (int i = net->recomputes; i < net->n_layers; i++) {
    char name[OIKOS_LAYER_NAME], before[OIKOS_LAYER_NAME], both[2 * OIKOS_LAYER_NAME + 4];
    oikos_layer_name(&net->layer[i], name);
    if (i == 1 && net->recomputes) // the first layer is computed where the second one asks for it
      snprintf(both, sizeof both, "%s + %s", oikos_layer_name(&net->layer[0], before), name);
    printf("    %-38s", i == 1 && net->recomputes ? both : name);
    for (int f = 0; f < OIKOS_FUNCTIONS; f++)
      printf(f < OIKOS_BACKWARD ? " %5.1f %% " : "  %5.1f %%", 100 * p->layer[i][f] / seconds);
    putchar('\n');
  }
}

/* A step, or an evaluation, raced against its products. */
static oikos_status measure(const oikos_bench_job *job, oikos_trainer *t, bool evaluation, race *r,
                            oikos_error *err) {
  oikos_products **products = NULL;
  oikos_task_shape shape = oikos_source_shape(t->source);
  size_t query_size = oikos_query_batch_size(
      &t->config, evaluation ? oikos_eval_norm_of(&t->config) : oikos_train_norm_of(&t->config),
      shape);
  oikos_status status =
      oikos_alloc(&products, (size_t)t->n_threads, sizeof *products, "measuring products", err);
  for (int k = 0; status == OIKOS_OK && k < t->n_threads; k++)
    status = oikos_products_create(&t->config, t->net, shape.support, query_size, evaluation,
                                   &products[k], err);
  status = oikos_agree(job->team, status, err);
  if (status == OIKOS_OK) {
    oikos_needs needs = oikos_needs_of(&t->config, t->net, shape.support, query_size, evaluation);
    status = run_race(evaluation ? evaluate : steps, t, job->team, products, &needs, r, err);
  }
  for (int k = 0; products && k < t->n_threads; k++)
    oikos_products_destroy(products[k]);
  free(products);
  return status;
}

static oikos_status measure_all(const oikos_bench_job *job, const char *name, oikos_trainer *t,
                                oikos_profile *profiles, oikos_error *err) {
  race r;
  double seconds;
  bool speaks = job->team->rank == 0;
  if (speaks)
    printf("%s; %d rank%s, %d thread%s each\n", name, job->team->size,
           job->team->size > 1 ? "s" : "", t->n_threads, t->n_threads > 1 ? "s" : "");
  OIKOS_TRY(measure(job, t, false, &r, err));
  if (speaks)
    print_race("step", "tasks", &r);
  if (oikos_source_has(t->source, unseen(t), err) == OIKOS_OK) {
    OIKOS_TRY(measure(job, t, true, &r, err));
    if (speaks)
      print_race("evaluation", "episodes", &r);
  }
  OIKOS_TRY(profile(t, job->team, profiles, &seconds, err));
  if (speaks) {
    print_phases(&profiles[0], seconds);
    print_layers(t->net, &profiles[0], seconds);
    fflush(stdout);
  }
  return OIKOS_OK;
}

static oikos_status run(const oikos_bench_job *job, const char *name, const oikos_config *config,
                        oikos_error *err) {
  oikos_trainer *t;
  oikos_profile *profiles = NULL;
  OIKOS_TRY(oikos_trainer_create(job->team->world, config, NULL, false, NULL, &t, err));
  oikos_status status =
      oikos_alloc(&profiles, (size_t)t->n_threads, sizeof *profiles, "profiles", err);
  status = oikos_agree(job->team, status, err);
  if (status == OIKOS_OK)
    status = oikos_agree(job->team, measure_all(job, name, t, profiles, err), err);
  oikos_trainer_destroy(t);
  free(profiles);
  return status;
}

/* The usual works; their images stand in a folder that goes away. */
static oikos_status run_works(const oikos_bench_job *job, oikos_config *config, oikos_error *err) {
  char folder[OIKOS_NAME_MAX] = "", images[OIKOS_PATH] = "";
  oikos_status status = OIKOS_OK;
  if (job->team->rank == 0) {
    status = oikos_bench_folder_make(job->folder, folder, err);
    oikos_pulse_set_leftover(job->team->pulse, folder);
    if (status == OIKOS_OK &&
        snprintf(images, sizeof images, "%s/noise.h5", folder) >= (int)sizeof images)
      status = oikos_fail(err, OIKOS_USAGE, "the path of %s is longer than %d bytes", job->folder,
                          OIKOS_PATH - 1);
    if (status == OIKOS_OK)
      status = oikos_work_images(images, err);
  }
  status = oikos_agree(job->team, status, err);
  oikos_broadcast(job->team, images, sizeof images);
  for (int i = 0; status == OIKOS_OK && i < OIKOS_WORKS; i++) {
    status = oikos_agree(job->team, oikos_work_config(i, images, config, err), err);
    if (status == OIKOS_OK)
      status = run(job, oikos_work_name(i), config, err);
  }
  if (folder[0])
    oikos_bench_folder_remove(folder);
  oikos_pulse_set_leftover(job->team->pulse, NULL);
  return status;
}

oikos_status oikos_bench_step(const oikos_bench_job *job, oikos_error *err) {
  if (job->config)
    return run(job, job->arguments[0], job->config, err);
  oikos_config *config;
  OIKOS_TRY(
      oikos_agree(job->team, oikos_alloc(&config, 1, sizeof *config, "a configuration", err), err));
  oikos_status status = run_works(job, config, err);
  free(config);
  return status;
}
