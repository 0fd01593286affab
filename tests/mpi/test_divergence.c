/* SPDX-License-Identifier: MIT
 * Learners that are rolled back: the steps against a plain loop over all others, and the same bits
 * on any number of ranks and threads; patience. */
#include "ranks.h"

/* Linear regression on two points: gradient descent diverges for the learners whose points lie far
 * out, to infinity with 400 steps. */
#define FAR_OUT "seed: 1\ntask: {modes: [linear], support: 2}\nmodel: {layers: [dense: 1]}\n"

/* What a plain loop finds of learner i in the step at hand. */
typedef struct fate {
  double before, after; /* query loss */
  double gradient[2];   /* first order */
} fate;

static fate fate_of(const oikos_trainer *t, int64_t i) {
  fate f;
  double w[2] = {(double)t->weights.shared[0], (double)t->weights.shared[1]};
  oikos_episode e;
  oikos_error err;
  oikos_episode_create(t->source, &e, &err);
  oikos_source_draw(t->source, OIKOS_TRAIN, t->step, i, &e);
  for (int64_t k = 0; k <= t->config.inner.steps; k++) {
    const oikos_batch *b = k < t->config.inner.steps ? &e.support : &e.query;
    f.gradient[0] = f.gradient[1] = f.after = 0;
    for (size_t j = 0; j < b->n; j++) {
      double off = w[0] * (double)b->x[j] + w[1] - (double)b->y[j];
      f.gradient[0] += 2 * off * (double)b->x[j] / (double)b->n;
      f.gradient[1] += 2 * off / (double)b->n;
      f.after += off * off / (double)b->n;
    }
    for (int j = 0; j < 2; j++)
      w[j] -= t->config.inner.rate * f.gradient[j];
  }
  f.before = 0;
  for (size_t j = 0; j < e.query.n; j++) {
    double off = (double)t->weights.shared[0] * (double)e.query.x[j] +
                 (double)t->weights.shared[1] - (double)e.query.y[j];
    f.before += off * off / (double)e.query.n;
  }
  oikos_episode_destroy(&e);
  return f;
}

/* The mean gradient of those who have not diverged, one SGD step along it, and how many have. */
static void check_steps(verdict *v, const char *steps, int expected) {
  char more[512];
  snprintf(more, sizeof more,
           FAR_OUT "outer: {optimizer: sgd, clip: 0, schedule: constant}\nshared: {rate: 0.01}\n"
                   "learners: {rollback: 3}\ninner: {steps: %s, rate: 0.06, order: first}\n",
           steps);
  oikos_config *config = config_of(8, "count: 1", more);
  oikos_trainer *t = trainer_of(v, MPI_COMM_WORLD, config, NULL);
  int all = 0;
  for (int step = 0; step < 3; step++) {
    double mean[2] = {0}, w[2];
    int out = 0;
    for (int64_t i = 0; i < 8; i++) {
      fate f = fate_of(t, i);
      bool diverged = !(f.after <= 3 * f.before);
      out += diverged;
      for (int j = 0; j < 2 && !diverged; j++)
        mean[j] += f.gradient[j];
    }
    for (int j = 0; j < 2; j++)
      w[j] = (double)t->weights.shared[j] - 0.01 * mean[j] / (8 - out);
    steps_of(v, t, 1);
    for (int j = 0; j < 2; j++)
      expect(v, fabs(w[j] - (double)t->weights.shared[j]) <= 1e-4 * (1 + fabs(w[j])),
             "%s steps, step %d: w[%d] is %.9g, not %.9g", steps, step, j,
             (double)t->weights.shared[j], w[j]);
    double left_out = t->history.now[t->history.fields - 1];
    expect(v, left_out == out, "%g learners left out, not %d", left_out, out);
    all += out;
  }
  expect(v, all >= expected, "%d learners diverged; the test wants %d", all, expected);
  oikos_trainer_destroy(t);
  free(config);
}

/* To infinity, and not as far: a loss that is finite, but too large. */
static void test_steps(void **state) {
  (void)state;
  verdict v = {0};
  check_steps(&v, "400", 1);
  check_steps(&v, "4", 1);
  conclude(&v);
}

static void check_same_bits(verdict *v, int learners, const char *home, const char *more) {
  pair p = pair_of(v, config_of(learners, home, more));
  const oikos_trainer *joint = p.joint, *alone = p.alone;
  double out = 0;
  for (int i = 0; i < 6; i++) {
    pair_step(v, &p);
    expect(v, same_part(joint, alone, &oikos_part_rollback), "other streaks");
    out += alone->history.now[alone->history.fields - 1];
  }
  expect(v, out > 0 && out < 6 * learners, "%g of %d learners left out", out, 6 * learners);
  pair_free(&p);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  const char *wild = "inner: {steps: 3, rate: 0.05}\nlearners: {rollback: 1.5, patience: 7}";
  char text[512];
  check_same_bits(&v, 11, HARD, wild);
  check_same_bits(&v, 6, WEIGHTED, wild);
  snprintf(text, sizeof text, "%s\nrun: {threads: 2}\nshared: {mixing: 0.2}", wild);
  check_same_bits(&v, 13, HARD ", memory: 0.5", text);
  snprintf(text, sizeof text, "%s\naggregation: {rule: median}", wild);
  check_same_bits(&v, 9, HARD, text);
  snprintf(text, sizeof text, "%s\naggregation: {rule: centred_clip, radius: 0.7}", wild);
  check_same_bits(&v, 9, HARD, text);
  conclude(&v);
}

/* A learner that is rolled back keeps its home and its log p; those beside it move on. */
static void test_stays(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = config_of(9, HARD ", memory: 0.5",
                                   "learners: {rollback: 1000}\nattack: {kind: nan, share: 0.34}");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  steps_of(&v, t, 3);
  for (int64_t i = 0; i < t->learners.count; i++) {
    bool moved = t->learners.log_p[3 * i] != -log(3);
    expect(&v, moved == (t->learners.first + i < 6), "learner %lld: log p %g",
           (long long)(t->learners.first + i), t->learners.log_p[3 * i]);
  }
  oikos_trainer_destroy(t);
  free(config);
  conclude(&v);
}

/* Learners 7 and 8 send nothing that is finite: the third step in a row ends training, by either
 * way of leaving out. Without patience it goes on; without anybody left it ends at once. */
static void test_patience(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err = {.message = ""};
  const char *const ways[] = {"learners: {rollback: 1000, patience: 3}",
                              "learners: {patience: 3}\naggregation: {rule: clip}"};
  for (int k = 0; k < 2; k++) {
    oikos_config *config = config_of(9, "count: 1", ways[k]);
    config->attack.kind = OIKOS_ATTACK_NAN;
    oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    oikos_status status = oikos_trainer_run(t, &err);
    expect_error(&v, status, OIKOS_ERROR, &err,
                 "step 2: learner 7 has diverged in 3 steps in a row");
    expect(&v, oikos_trainer_steps(t) == 2, "%lld steps", (long long)oikos_trainer_steps(t));
    oikos_trainer_destroy(t);
    config->learners.patience = 0;
    t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    steps_of(&v, t, 4);
    oikos_trainer_destroy(t);
    config->attack.share = 1;
    t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    status = oikos_trainer_step(t, &err);
    expect_error(&v, status, OIKOS_ERROR, &err, "learner 0 is not finite");
    oikos_trainer_destroy(t);
    free(config);
  }
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_stays),
      cmocka_unit_test(test_patience),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
