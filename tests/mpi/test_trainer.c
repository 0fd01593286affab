/* SPDX-License-Identifier: MIT
 * The same bits at any scale: every rank also trains alone, and the ranks' joint trainer must leave
 * the same state as that, to the last bit. And: an error, a stop or an evaluation is everybody's.
 */
#include "ranks.h"

/* Twelve learners divide evenly; 7 do not; with 3, some ranks may have none; 1 leaves all but one
 * idle. */
static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  const int learners[] = {12, 7, 3, 1};
  for (size_t i = 0; i < sizeof learners / sizeof *learners; i++) {
    check_same_training(&v, learners[i], HARD, "inner: {steps: 2}");
    check_same_training(&v, learners[i], WEIGHTED, "inner: {steps: 2}\nshared: {mixing: 0.1}");
  }
  conclude(&v);
}

/* Threads of a rank share its learners in any order. */
static void test_threads(void **state) {
  (void)state;
  verdict v = {0};
  check_same_training(&v, 13, HARD, "run: {threads: 2}");
  check_same_training(&v, 5, WEIGHTED, "run: {threads: 3}\ninner: {learned_rates: parameter}");
  conclude(&v);
}

static void test_learned_rates(void **state) {
  (void)state;
  verdict v = {0};
  check_same_training(&v, 6, "count: 1", "inner: {steps: 3, learned_rates: step_layer}");
  check_same_training(&v, 6, "count: 2, owns: last", "inner: {scope: last, order: first}");
  conclude(&v);
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

/* Segments whose exponent shows terms outside the first guess, 2^8: too large for it, or more than
 * 2^24 below it. Afterwards the exponent is 8 above the largest term's bucket. */
static int beyond_guess(const oikos_grid *grid, const int32_t *exponent, bool above) {
  int beyond = 0;
  for (int s = 0; s < oikos_grid_segments(grid); s++)
    beyond += above ? exponent[s] - 8 > 8 : exponent[s] - 8 < 8 - 24;
  return beyond;
}

/* The grid's first guess was wrong: the step is computed again, once, with the terms in it. That it
 * was computed twice shows in the calls of `stop`; that the second time was right, in a trainer
 * whose grid has its place from the start, and which has the same bits. */
static void check_redo(verdict *v, const char *home, const char *more, bool above) {
  int calls = 0, straight_calls = 0;
  oikos_observer watch = {.user = &calls, .stop = count_call},
                 watch_straight = {.user = &straight_calls, .stop = count_call};
  oikos_config *config = config_of(7, home, more);
  oikos_trainer *joint = trainer_of(v, MPI_COMM_WORLD, config, &watch),
                *alone = trainer_of(v, MPI_COMM_SELF, config, NULL),
                *straight = trainer_of(v, MPI_COMM_SELF, config, &watch_straight);
  const oikos_grid *grid = joint->segments.grid;
  const int32_t *exponent = oikos_grid_exponents(joint->segments.grid);
  calls = straight_calls = 0; // those of the set-up
  steps_of(v, joint, 1);
  steps_of(v, alone, 1);
  expect_same_state(v, joint, alone);
  expect(v, calls == 2, "the first step was computed %d times, not 2", calls);
  expect(v, beyond_guess(grid, exponent, above) > 0, "all terms fitted the first guess");
  memcpy(oikos_grid_exponents(straight->segments.grid), exponent,
         (size_t)oikos_grid_segments(grid) * sizeof *exponent);
  steps_of(v, straight, 1);
  expect(v, straight_calls == 1, "the grid was not in its place");
  expect_same_state(v, joint, straight);
  for (int i = 0; i < 5; i++) {
    steps_of(v, joint, 1);
    steps_of(v, alone, 1);
    expect_same_state(v, joint, alone);
  }
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  oikos_trainer_destroy(straight);
  free(config);
}

/* Losses of 10^7; trained biases of 10^-8, as inner steps start them from zero. */
static void test_redo(void **state) {
  (void)state;
  verdict v = {0};
  check_redo(&v, HARD ", memory: 0.9, eta: 0.001", "task: {noise: 3000}\ninner: {rate: 0.0001}",
             true);
  check_redo(&v, HARD ", memory: 0.9", "inner: {rate: 1e-9}", false);
  conclude(&v);
}

/* Whether learner i diverges in step 0: plain gradient descent, written here. */
static bool diverges(const oikos_trainer *t, int64_t i) {
  size_t m = t->weights.m;
  real *theta = malloc(m * sizeof *theta), *g = malloc(m * sizeof *g);
  oikos_episode e;
  oikos_workspace *ws;
  oikos_error err;
  oikos_episode_create(t->source, &e, &err);
  oikos_workspace_create(t->net, e.support.n + e.query.n, &ws, &err);
  oikos_source_draw(t->source, OIKOS_TRAIN, 0, i, &e);
  memcpy(theta, t->weights.shared, m * sizeof *theta);
  for (int64_t k = 0; k < t->config.inner.steps; k++) {
    memset(g, 0, m * sizeof *g);
    oikos_network_gradient(t->net, ws, theta, &e.support, 1, g);
    for (size_t j = 0; j < m; j++)
      theta[j] -= (real)t->config.inner.rate * g[j];
  }
  double loss = oikos_network_loss(t->net, ws, theta, &e.query).loss;
  oikos_workspace_destroy(ws);
  oikos_episode_destroy(&e);
  free(theta);
  free(g);
  return !(loss < 0x1p100);
}

/* Linear regression on two points: gradient descent diverges for the learners whose points lie far
 * out. One such learner, on one rank, ends the step on all, who are told which and when. */
static void test_divergence(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = config_of(8, "count: 1",
                                   "seed: 1\ntask: {modes: [linear], support: 2}\n"
                                   "model: {layers: [dense: 1]}\n"
                                   "inner: {steps: 400, rate: 0.06, order: first}\n");
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  oikos_error err = {.message = ""};
  char words[128];
  int64_t first = -1;
  int many = 0;
  for (int64_t i = 7; i >= 0; i--)
    if (diverges(joint, i)) {
      first = i;
      many++;
    }
  expect(&v, many == 1, "%d learners diverge; the test wants one", many);
  snprintf(words, sizeof words, "step 0: the loss or gradient of learner %lld is not finite",
           (long long)first);
  oikos_status status = oikos_trainer_step(joint, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, words);
  expect(&v, joint->step == 0, "the step counts as done");
  oikos_trainer_destroy(joint);
  config->inner.rate = 1e20; // everybody: the lowest is named
  joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  status = oikos_trainer_run(joint, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "step 0: the loss or gradient of learner 0 ");
  oikos_trainer_destroy(joint);
  free(config);
  conclude(&v);
}

typedef struct stopper {
  int steps, when, records; /* steps and records seen; steps after which to stop, -1: never */
} stopper;

static void count_step(void *user, int64_t step, double loss, double accuracy) {
  stopper *s = user;
  (void)loss;
  (void)accuracy;
  s->steps = (int)step;
}

static void count_record(void *user, const oikos_record *record) {
  stopper *s = user;
  s->records += record->step == s->steps;
}

static bool stop_now(void *user) {
  const stopper *s = user;
  return s->when >= 0 && s->steps >= s->when;
}

/* One rank is asked to stop during the third step: all end after it. */
static void test_stop(void **state) {
  (void)state;
  verdict v = {0};
  for (int asked = 0; asked < ranks_size(); asked++) {
    oikos_error err = {.message = ""};
    stopper s = {.when = ranks_rank() == asked ? 2 : -1};
    oikos_observer watch = {
        .user = &s, .step = count_step, .record = count_record, .stop = stop_now};
    oikos_config *config = config_of(5, HARD, "log: {every: 1}");
    oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, &watch);
    oikos_status status = oikos_trainer_run(t, &err);
    expect_error(&v, status, OIKOS_STOPPED, &err, "after step 3 of 6");
    expect(&v, oikos_trainer_steps(t) == 3 && s.steps == 3 && s.records == 3,
           "%lld steps, %d seen, %d records", (long long)oikos_trainer_steps(t), s.steps,
           s.records);
    oikos_trainer_destroy(t);
    free(config);
  }
  conclude(&v);
}

static void expect_same_estimates(verdict *v, const oikos_estimate *a, const oikos_estimate *b,
                                  int64_t n, const char *what) {
  expect(v, memcmp(a, b, (size_t)n * sizeof *a) == 0, "other %s: %.17g, alone %.17g", what,
         a[n - 1].mean, b[n - 1].mean);
}

static void compare_evaluations(verdict *v, const oikos_evaluation *a, const oikos_evaluation *b) {
  int64_t rows = (int64_t)a->n_homes * a->n_groups, total = 0;
  expect(v, a->n_homes == 3 && a->n_groups == 3 && a->steps == b->steps, "other sizes");
  expect_same_estimates(v, a->loss, b->loss, a->steps + 1, "loss");
  expect_same_estimates(v, a->accuracy, b->accuracy, a->steps + 1, "accuracy");
  expect_same_estimates(v, a->home_loss, b->home_loss, a->n_homes, "loss by home");
  expect(v, same(a->residents, b->residents, (size_t)rows, sizeof *a->residents),
         "other residents");
  for (int64_t i = 0; i < rows; i++)
    total += a->residents[i];
  expect(v, total == a->episodes, "%lld residents of %lld episodes", (long long)total,
         (long long)a->episodes);
  expect(v, a->loss[a->steps].mean < a->loss[0].mean && a->loss[0].interval > 0,
         "adaptation did not help: %g before, %g after", a->loss[0].mean, a->loss[a->steps].mean);
}

/* Every rank gets the evaluation of one that did all episodes by itself. */
static void check_evaluation(verdict *v, oikos_trainer *joint, oikos_trainer *alone,
                             oikos_split split, int64_t episodes, int64_t steps) {
  oikos_evaluation a, b;
  oikos_error err;
  bool fine = expect_ok(v, oikos_trainer_evaluate(joint, split, episodes, steps, &a, &err), &err,
                        "evaluate");
  fine &= expect_ok(v, oikos_trainer_evaluate(alone, split, episodes, steps, &b, &err), &err,
                    "evaluate alone");
  if (fine)
    compare_evaluations(v, &a, &b);
  oikos_evaluation_destroy(&a);
  oikos_evaluation_destroy(&b);
}

static void test_evaluate(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err = {.message = ""};
  oikos_evaluation none;
  oikos_config *config = config_of(7, HARD, "inner: {steps: 2, rate: 0.005}\nrun: {threads: 2}");
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(&v, MPI_COMM_SELF, config, NULL);
  steps_of(&v, joint, 3);
  steps_of(&v, alone, 3);
  check_evaluation(&v, joint, alone, OIKOS_VALIDATION, 50, -1);
  check_evaluation(&v, joint, alone, OIKOS_TEST, 101, 4);
  check_evaluation(&v, joint, alone, OIKOS_TEST, 2, 1);
  expect_same_state(&v, joint, alone);
  oikos_status status = oikos_trainer_evaluate(joint, OIKOS_TEST, 0, -1, &none, &err);
  expect_error(&v, status, OIKOS_USAGE, &err, "at least one is needed");
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
  conclude(&v);
}

/* One rank is asked to stop: there is no evaluation anywhere. */
static void test_evaluate_stop(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err = {.message = ""};
  oikos_evaluation none;
  stopper s = {.when = -1};
  oikos_observer watch = {.user = &s, .stop = stop_now};
  oikos_config *config = config_of(5, HARD, "");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, &watch);
  s.when = ranks_rank() == ranks_size() - 1 ? 0 : -1;
  oikos_status status = oikos_trainer_evaluate(t, OIKOS_TEST, 40, -1, &none, &err);
  expect_error(&v, status, OIKOS_STOPPED, &err, "stopped on request");
  oikos_trainer_destroy(t);
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),     cmocka_unit_test(test_threads),
      cmocka_unit_test(test_learned_rates), cmocka_unit_test(test_fast),
      cmocka_unit_test(test_redo),          cmocka_unit_test(test_divergence),
      cmocka_unit_test(test_stop),          cmocka_unit_test(test_evaluate),
      cmocka_unit_test(test_evaluate_stop),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
