/* SPDX-License-Identifier: MIT
 * The same bits at any scale: every rank also trains alone, and the ranks' joint trainer must leave
 * the same state as that, to the last bit. And: an error, a stop or an evaluation is everybody's. */
#include "ranks.h"

#include "run/trainer_impl.h"

typedef oikos_real real;

#define HARD     "count: 3, owns: all, perturbation: 0.4, rate: 0.02, mixing: 0.3"
#define WEIGHTED HARD ", rule: weighted, memory: 0.9, eta: 0.1"

/* The run of a test; learners is the number of them, home the home section, more is further YAML. */
static oikos_config *config_of(int learners, const char *home, const char *more) {
  oikos_config *config = calloc(1, sizeof *config);
  oikos_error err;
  char text[2048];
  snprintf(text, sizeof text,
           "seed: 5\nsteps: 6\ntask: {modes: [sinusoid, linear, quadratic], support: 6, query: 7, "
           "noise: 0.1}\nlearners: {count: %d}\n"
           "model: {layers: [dense: 13, relu, dense: 9, tanh, dense: 1]}\n"
           "outer: {optimizer: adam, clip: 3, schedule: cosine}\nhome: {%s}\neval: {episodes: "
           "0}\n%s",
           learners, home, more);
  oikos_config_defaults(config);
  if (oikos_config_parse(config, "test", text, strlen(text), &err) != OIKOS_OK) {
    fprintf(stderr, "%s\n", err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return config;
}

static oikos_trainer *trainer_of(verdict *v, MPI_Comm comm, const oikos_config *config,
                                 const oikos_observer *observer) {
  oikos_trainer *t = NULL;
  oikos_error err;
  if (oikos_trainer_create(comm, config, NULL, false, observer, &t, &err) != OIKOS_OK) {
    expect(v, false, "oikos_trainer_create: %s", err.message);
    fprintf(stderr, "%s\n", err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return t;
}

static void steps_of(verdict *v, oikos_trainer *t, int steps) {
  oikos_error err;
  for (int i = 0; i < steps; i++)
    expect_ok(v, oikos_trainer_step(t, &err), &err, "oikos_trainer_step");
}

static bool same(const void *a, const void *b, size_t count, size_t size) {
  return !a || memcmp(a, b, count * size) == 0;
}

/* All state of a joint trainer is that of one that trained alone; of what is spread over ranks,
 * this rank's part. */
static void expect_same_state(verdict *v, const oikos_trainer *joint, const oikos_trainer *alone) {
  const oikos_weights *a = &joint->weights, *b = &alone->weights;
  const oikos_learners *l = &joint->learners, *all = &alone->learners;
  size_t shared = a->m + a->a, owned = (size_t)a->n_homes * a->k, homes = (size_t)a->n_homes,
         first = (size_t)l->first, count = (size_t)l->count;
  expect(v, joint->step == alone->step, "other step");
  expect(v, same(a->shared, b->shared, shared, sizeof *a->shared), "other w");
  expect(v, same(a->homes, b->homes, owned, sizeof *a->homes), "other homes");
  const oikos_optimizer *o[2] = {&a->shared_optimizer, &a->home_optimizer},
                        *p[2] = {&b->shared_optimizer, &b->home_optimizer};
  for (int i = 0; i < 2; i++)
    expect(v,
           same(o[i]->first, p[i]->first, o[i]->rows * o[i]->n, sizeof(real)) &&
               same(o[i]->second, p[i]->second, o[i]->rows * o[i]->n, sizeof(real)) &&
               same(o[i]->count, p[i]->count, o[i]->rows, sizeof *o[i]->count),
           "other state of optimizer %d", i);
  expect(v, same(l->home, all->home + first, count, sizeof *l->home), "other homes of learners");
  expect(v, same(l->log_p, all->log_p + first * homes, count * homes, sizeof *l->log_p),
         "other log p");
  expect(v,
         same(oikos_grid_exponents(joint->segments.grid), oikos_grid_exponents(alone->segments.grid),
              (size_t)oikos_grid_segments(joint->segments.grid), sizeof(int32_t)),
         "other exponents");
  expect(v, same(joint->history.pending, alone->history.pending, joint->history.fields, 8),
         "other metrics");
}

/* Train together and alone (on one thread). */
static void check_same_bits(int learners, const char *home, const char *more) {
  verdict v = {0};
  oikos_config *config = config_of(learners, home, more), *single = malloc(sizeof *single);
  *single = *config;
  single->run.threads = 1;
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(&v, MPI_COMM_SELF, single, NULL);
  double start = (double)joint->weights.shared[0];
  for (int i = 0; i < 6; i++) {
    steps_of(&v, joint, 1);
    steps_of(&v, alone, 1);
    expect_same_state(&v, joint, alone);
  }
  expect(&v, (double)joint->weights.shared[0] != start, "nothing was trained");
  double members = 0;
  for (int h = 0; h < config->home.count; h++)
    members += joint->history.pending[OIKOS_ROW_MEMBERS + h];
  expect(&v, fabs(members - 6) < 1e-9, "%g members in 6 steps, as shares", members);
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
  free(single);
  conclude(&v);
}

/* Twelve learners divide evenly; 7 do not; with 3, some ranks may have none; 1 leaves all but one
 * idle. */
static void test_same_bits(void **state) {
  (void)state;
  const int learners[] = {12, 7, 3, 1};
  for (size_t i = 0; i < sizeof learners / sizeof *learners; i++) {
    check_same_bits(learners[i], HARD, "inner: {steps: 2}");
    check_same_bits(learners[i], WEIGHTED, "inner: {steps: 2}\nshared: {mixing: 0.1}");
  }
}

/* Threads of a rank share its learners in any order. */
static void test_threads(void **state) {
  (void)state;
  check_same_bits(13, HARD, "run: {threads: 2}");
  check_same_bits(5, WEIGHTED, "run: {threads: 3}\ninner: {learned_rates: parameter}");
}

static void test_learned_rates(void **state) {
  (void)state;
  check_same_bits(6, "count: 1", "inner: {steps: 3, learned_rates: step_layer}");
  check_same_bits(6, "count: 2, owns: last", "inner: {scope: last, order: first}");
}

/* Fast sums differ in the last bits only, on any number of ranks. */
static void test_fast(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *exact = config_of(7, WEIGHTED, ""), *fast = config_of(7, WEIGHTED, "");
  exact->outer.optimizer = fast->outer.optimizer = OIKOS_SGD;
  fast->run.reduce = OIKOS_REDUCE_FAST;
  oikos_trainer *a = trainer_of(&v, MPI_COMM_WORLD, exact, NULL),
                *b = trainer_of(&v, MPI_COMM_WORLD, fast, NULL);
  steps_of(&v, a, 6);
  steps_of(&v, b, 6);
  for (size_t i = 0; i < a->weights.m; i++) {
    double x = (double)a->weights.shared[i], y = (double)b->weights.shared[i];
    expect(&v, fabs(x - y) <= 1e-4 * (1 + fabs(x)), "w[%zu]: %g, fast %g", i, x, y);
  }
  expect_same(&v, b->weights.shared, b->weights.m * sizeof(real), "fast w");
  expect_same(&v, b->weights.homes, 3 * b->weights.k * sizeof(real), "fast homes");
  oikos_trainer_destroy(a);
  oikos_trainer_destroy(b);
  free(exact);
  free(fast);
  conclude(&v);
}

static bool count_call(void *user) {
  ++*(int *)user;
  return false;
}

/* First terms beyond the first guess of the grid: the step is computed again, once, with the terms
 * in it. That the first pass was repeated shows in the calls of `stop`; that it was repeated right,
 * in a trainer whose grid is at that place from the start, and which has the same bits. */
static void check_redo(const char *more, bool raised) {
  verdict v = {0};
  int calls = 0, straight_calls = 0;
  oikos_observer watch = {.user = &calls, .stop = count_call},
                 watch_straight = {.user = &straight_calls, .stop = count_call};
  oikos_config *config = config_of(7, HARD, more);
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, &watch),
                *alone = trainer_of(&v, MPI_COMM_SELF, config, NULL),
                *straight = trainer_of(&v, MPI_COMM_SELF, config, &watch_straight);
  int n = oikos_grid_segments(joint->segments.grid), beyond = 0;
  int32_t *exponent = oikos_grid_exponents(joint->segments.grid);
  steps_of(&v, joint, 1);
  steps_of(&v, alone, 1);
  expect_same_state(&v, joint, alone);
  expect(&v, calls == 2, "the first step was computed %d times, not 2", calls);
  // a segment with numbers of at least 2^8 is at least at 2^24 afterwards, others at most at 2^16
  for (int s = 0; s < n; s++)
    beyond += raised ? exponent[s] >= 24 : exponent[s] <= -16 && exponent[s] > -152;
  expect(&v, beyond > 0, "no segment lies beyond the first guess");
  memcpy(oikos_grid_exponents(straight->segments.grid), exponent, (size_t)n * sizeof *exponent);
  steps_of(&v, straight, 1);
  expect(&v, straight_calls == 1, "the grid was not in its place");
  expect_same_state(&v, joint, straight);
  for (int i = 0; i < 5; i++) {
    steps_of(&v, joint, 1);
    steps_of(&v, alone, 1);
    expect_same_state(&v, joint, alone);
  }
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  oikos_trainer_destroy(straight);
  free(config);
  conclude(&v);
}

static void test_redo(void **state) {
  (void)state;
  check_redo("task: {noise: 3000, support: 6, query: 7}\ninner: {rate: 0.0001}", true);
  // gradients far below the guess: the inner steps are tiny, so are the outer gradients of a
  // network whose output is nearly right
  check_redo("inner: {rate: 0}\ntask: {modes: [linear], support: 6, query: 7}", false);
}
