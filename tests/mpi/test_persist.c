/* SPDX-License-Identifier: MIT
 * Persistent learners and cohorts: the same bits on any number of ranks; what a learner keeps is
 * what its own inner steps have made of it; a checkpoint holds it. */
#include "ranks.h"

#include "store/checkpoint_list.h"

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  check_same_training(&v, 12, HARD, "learners: {per_step: 5}");
  check_same_training(&v, 13, "count: 1", "learners: {per_step: 11}\ninner: {steps: 2}");
  check_same_training(&v, 7, WEIGHTED, "learners: {persist: true}\ninner: {steps: 2}");
  check_same_training(&v, 23, HARD,
                      "learners: {persist: true, per_step: 4, pull: 0.3}\nshared: {mixing: 0.1}\n"
                      "run: {threads: 2}");
  check_same_training(&v, 3, "count: 1", "learners: {persist: true, per_step: 1}");
  check_same_training(&v, 23, "count: 1",
                      "learners: {per_step: 9, persist: true}\naggregation: {rule: median}\n"
                      "attack: {kind: nan, share: 0.2}");
  conclude(&v);
}

/* One visit by plain gradient descent, written here; w: the shared weights that the trainer had. */
static void train_by_hand(const oikos_trainer *t, int64_t step, int64_t learner, const real *w,
                          real *theta, bool visited) {
  size_t m = t->weights.m;
  real *g = malloc(m * sizeof *g);
  oikos_episode e;
  oikos_workspace *ws;
  oikos_error err;
  oikos_episode_create(t->source, &e, &err);
  oikos_workspace_create(t->net, e.support.n + e.query.n, &ws, &err);
  oikos_source_draw(t->source, OIKOS_TRAIN, step, learner, &e);
  for (size_t j = 0; j < m; j++) {
    double pull = visited ? t->config.learners.pull : 1;
    theta[j] = (real)((double)theta[j] + pull * ((double)w[j] - (double)theta[j]));
  }
  for (int64_t k = 0; k < t->config.inner.steps; k++) {
    memset(g, 0, m * sizeof *g);
    oikos_network_gradient(t->net, ws, theta, &e.support, 1, g);
    for (size_t j = 0; j < m; j++)
      theta[j] -= (real)t->config.inner.rate * g[j];
  }
  oikos_workspace_destroy(ws);
  oikos_episode_destroy(&e);
  free(g);
}

static void test_theta(void **state) {
  (void)state;
  enum { LEARNERS = 9, STEPS = 8 };
  verdict v = {0};
  oikos_config *config =
      config_of(LEARNERS, "count: 1",
                "learners: {persist: true, per_step: 4, pull: 0.25}\ninner: {steps: 2}");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  size_t m = t->weights.m;
  real *w = malloc(m * sizeof *w), *theta = calloc(LEARNERS * m, sizeof *theta);
  int64_t visits[LEARNERS] = {0}, most = 0;
  for (int64_t step = 0; step < STEPS; step++) {
    memcpy(w, t->weights.shared, m * sizeof *w);
    steps_of(&v, t, 1);
    for (int64_t s = 0; s < oikos_cohort_size(config); s++) {
      int64_t i = oikos_cohort_learner(config, step, s);
      train_by_hand(t, step, i, w, theta + (size_t)i * m, visits[i]++ > 0);
      most = visits[i] > most ? visits[i] : most;
    }
  }
  expect(&v, most > 2, "no learner was active more than twice");
  for (int64_t i = 0; i < t->learners.count; i++) {
    int64_t learner = t->learners.first + i;
    expect(&v, t->learners.visits[i] == visits[learner], "learner %lld: %lld visits, not %lld",
           (long long)learner, (long long)t->learners.visits[i], (long long)visits[learner]);
    for (size_t j = 0; j < m; j++) {
      double found = (double)t->learners.theta[(size_t)i * m + j],
             right = (double)theta[(size_t)learner * m + j];
      expect(&v, fabs(found - right) <= 2e-5 * (1 + fabs(right)), "learner %lld theta[%zu]: %g, %g",
             (long long)learner, j, found, right);
    }
  }
  oikos_trainer_destroy(t);
  free(theta);
  free(w);
  free(config);
  conclude(&v);
}

/* The gradient of the shared weights is pull times that at the learner's start: with pull 0 a
 * second visit leaves them alone. */
static void test_pull(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config =
      config_of(5, "count: 1", "learners: {persist: true, pull: 0}\nouter: {optimizer: sgd}");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  size_t bytes = t->weights.m * sizeof(real);
  real *w = malloc(bytes);
  memcpy(w, t->weights.shared, bytes);
  steps_of(&v, t, 1);
  expect(&v, memcmp(w, t->weights.shared, bytes) != 0,
         "first visits left the shared weights alone");
  memcpy(w, t->weights.shared, bytes);
  steps_of(&v, t, 1);
  expect(&v, memcmp(w, t->weights.shared, bytes) == 0, "later visits moved the shared weights");
  oikos_trainer_destroy(t);
  free(w);
  free(config);
  conclude(&v);
}

/* A run that is stopped and resumed, here on all ranks, there alone. */
static void test_resume(void **state) {
  (void)state;
  verdict v = {0};
  char run[RANKS_PATH];
  oikos_error err;
  oikos_config *config =
      config_of(13, HARD, "learners: {persist: true, per_step: 6}\ninner: {steps: 2}\nsteps: 3");
  oikos_trainer *straight, *first, *second;
  folder_make(run);
  config->outer.schedule = OIKOS_SCHEDULE_CONSTANT;
  straight = trainer_of(&v, MPI_COMM_SELF, config, NULL);
  steps_of(&v, straight, 6);
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, false, NULL, &first, &err), &err,
            "create");
  expect_ok(&v, oikos_trainer_run(first, &err), &err, "run");
  oikos_trainer_destroy(first);
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, true, NULL, &second, &err), &err,
            "resume");
  expect(&v, second->step == 3, "resumed at step %lld", (long long)second->step);
  steps_of(&v, second, 3);
  expect_same_state(&v, second, straight);
  oikos_trainer_destroy(second);
  oikos_trainer_destroy(straight);
  folder_remove(run);
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_theta),
      cmocka_unit_test(test_pull),
      cmocka_unit_test(test_resume),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
