/* SPDX-License-Identifier: MIT
 * Rules beside the mean: the first steps against the formulas in double over all learners, and the
 * same bits on any number of ranks and threads; learners left out; noise. */
#include "ranks.h"

#include "learn/attack.h"
#include "learn/robust.h"

/* The configurations of the rules that the tests go through. */
static const char *const rules[] = {
    "aggregation: {rule: clip, radius: 0.7, trained_radius: 0.01}",
    "aggregation: {rule: centred_clip, radius: 0.7, trained_radius: 0.01}",
    "aggregation: {rule: trimmed_mean, trim: 0.3}",
    "aggregation: {rule: median}",
};
enum { RULES = sizeof rules / sizeof *rules };

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* What a rule makes of x (n, d): out (d). v (d) is the centre, and moves on. */
static void rule_of(const oikos_config *c, double radius, size_t n, size_t d, const double *x,
                    double *v, double *out) {
  double *column = malloc(n * sizeof *column);
  memset(out, 0, d * sizeof *out);
  size_t drop = c->aggregation.rule == OIKOS_RULE_MEDIAN
                    ? (n - 1) / 2
                    : (size_t)floor(c->aggregation.trim * (double)n);
  for (size_t j = 0; j < d && oikos_rule_orders(c); j++) {
    for (size_t i = 0; i < n; i++)
      column[i] = x[i * d + j];
    qsort(column, n, sizeof *column, by_size);
    for (size_t i = drop; i < n - drop; i++)
      out[j] += column[i] / (double)(n - 2 * drop);
  }
  for (size_t i = 0; i < n && oikos_rule_clips(c); i++) {
    double norm = 0;
    for (size_t j = 0; j < d; j++)
      norm += pow(x[i * d + j] - v[j], 2);
    double scale = sqrt(norm) > radius ? radius / sqrt(norm) : 1;
    for (size_t j = 0; j < d; j++)
      out[j] += scale * (x[i * d + j] - v[j]) / (double)n;
  }
  for (size_t j = 0; j < d && c->aggregation.rule == OIKOS_RULE_CENTRED_CLIP; j++)
    out[j] = v[j] += out[j];
  free(column);
}

/* All learners' gradients and trained parameters in the step at hand, without those left out. */
static size_t learners_of(const oikos_trainer *t, double *gradient, double *trained) {
  size_t m = t->weights.m, n = 0;
  oikos_worker w;
  oikos_error err;
  double log_p = 0;
  oikos_worker_create(&t->context, t->config.inner.steps, &w, &err);
  for (int64_t i = 0; i < t->config.learners.count; i++) {
    oikos_learners_begin(&t->context, &w, t->step, i, 1, &i, (oikos_row_view){0});
    oikos_contribution c = oikos_learner_train(&t->context, &w, i, &log_p, 0, NULL);
    if (oikos_attacks(&t->config, i))
      continue;
    for (size_t j = 0; j < m; j++) {
      gradient[n * m + j] = (double)c.gradient[j];
      trained[n * m + j] = (double)c.trained[j];
    }
    n++;
  }
  oikos_worker_destroy(&w);
  return n;
}

static void check_formula(verdict *v, const char *rule, int learners) {
  char more[512];
  snprintf(more, sizeof more,
           "inner: {steps: 2}\nouter: {optimizer: sgd, clip: 0, schedule: constant}\n"
           "shared: {rate: 0.1, mixing: 0.3}\nattack: {kind: nan, share: 0.2}\n%s",
           rule);
  oikos_config *c = config_of(learners, "count: 1", more);
  oikos_trainer *t = trainer_of(v, MPI_COMM_WORLD, c, NULL);
  size_t m = t->weights.m, n = (size_t)learners;
  double *g = calloc(n * m, sizeof *g), *theta = calloc(n * m, sizeof *g),
         *w = calloc(m, sizeof *w), *mean = calloc(m, sizeof *w), *vg = calloc(m, sizeof *w),
         *vt = calloc(m, sizeof *w);
  for (int step = 0; step < 3; step++) {
    size_t counted = learners_of(t, g, theta);
    for (size_t j = 0; j < m; j++)
      w[j] = (double)t->weights.shared[j];
    for (size_t i = 0; i < counted * m; i++)
      theta[i] -= w[i % m];
    rule_of(c, oikos_trained_radius(c), counted, m, theta, vt, mean);
    for (size_t j = 0; j < m; j++)
      w[j] += 0.3 * mean[j];
    rule_of(c, c->aggregation.radius, counted, m, g, vg, mean);
    for (size_t j = 0; j < m; j++)
      w[j] -= 0.1 * mean[j];
    steps_of(v, t, 1);
    for (size_t j = 0; j < m; j++)
      expect(v, fabs(w[j] - (double)t->weights.shared[j]) <= 2e-5 * (1 + fabs(w[j])),
             "%s, %d learners, step %d: w[%zu] is %.9g, not %.9g", rule, learners, step, j,
             (double)t->weights.shared[j], w[j]);
    double left_out = t->history.now[t->history.fields - 1];
    expect(v, left_out == (double)(n - counted), "%g learners left out", left_out);
  }
  oikos_trainer_destroy(t);
  free(c);
  free(g);
  free(theta);
  free(w);
  free(mean);
  free(vg);
  free(vt);
}

/* Even and odd numbers that count, fewer learners than ranks, one learner. */
static void test_formulas(void **state) {
  (void)state;
  verdict v = {0};
  const int learners[] = {11, 10, 7, 2, 1};
  for (int r = 0; r < RULES; r++)
    for (size_t i = 0; i < sizeof learners / sizeof *learners; i++)
      check_formula(&v, rules[r], learners[i]);
  conclude(&v);
}

static void check_same_bits(verdict *v, int learners, const char *home, const char *rule,
                            const char *more) {
  char text[1024];
  snprintf(text, sizeof text, "%s\n%s", rule, more);
  pair p = pair_of(v, config_of(learners, home, text));
  const oikos_trainer *joint = p.joint, *alone = p.alone;
  for (int i = 0; i < 6; i++) {
    pair_step(v, &p);
    const oikos_robust *a = &joint->rule, *b = &alone->rule;
    size_t m = joint->weights.n, owned = (size_t)joint->weights.n_homes * joint->weights.k;
    expect(v, same(a->gradient, b->gradient, m, sizeof(real)), "another centre");
    expect(v, same(a->home_gradient, b->home_gradient, a->home_gradient ? owned : 0, sizeof(real)),
           "another centre of the homes");
    for (size_t j = 0; j < m; j++)
      expect(v, isfinite((double)joint->weights.shared[j]), "shared[%zu] is not finite", j);
    for (size_t j = 0; j < owned; j++)
      expect(v, isfinite((double)joint->weights.homes[j]), "homes[%zu] is not finite", j);
  }
  pair_free(&p);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  const char *const attack = "inner: {steps: 2}\nattack: {kind: random, scale: 100}";
  for (int r = 0; r < RULES; r++) {
    check_same_bits(&v, 11, "count: 1", rules[r], attack);
    check_same_bits(&v, 7, HARD, rules[r], "shared: {mixing: 0.1}\nattack: {kind: infinite}");
    check_same_bits(&v, 3, "count: 2, owns: last, mixing: 0.2", rules[r],
                    "inner: {learned_rates: parameter}\nattack: {kind: scaled}");
    check_same_bits(&v, 13, HARD, rules[r], "run: {threads: 2}\nattack: {kind: flipped}");
  }
  check_same_bits(&v, 6, WEIGHTED, rules[0], "shared: {mixing: 0.2}");
  check_same_bits(&v, 6, WEIGHTED, rules[1], "shared: {mixing: 0.2}");
  const char *encoder = "count: 3, owns: modulation, rule: weighted, score: encoder, "
                        "encoder: [dense: 4, tanh, set_mean]";
  check_same_bits(&v, 9, encoder, rules[0], "attack: {kind: nan}");
  check_same_bits(&v, 9, encoder, rules[1], "attack: {kind: scaled}\ninner: {multi_step: 0.3}");
  check_same_bits(&v, 6, HARD, rules[0], "privacy: {noise: 1}\nshared: {mixing: 0.2}");
  conclude(&v);
}

/* Everybody is left out: the step ends training as the mean would. Under the mean one is enough. */
static void test_nobody_left(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err = {.message = ""};
  for (int r = -1; r < RULES; r++) {
    oikos_config *config = config_of(6, "count: 1", r < 0 ? "" : rules[r]);
    config->attack.kind = OIKOS_ATTACK_NAN;
    config->attack.share = r < 0 ? 0.2 : 1;
    oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    oikos_status status = oikos_trainer_step(t, &err);
    expect_error(&v, status, OIKOS_ERROR, &err,
                 r < 0 ? "gradient of learner 5 is not finite"
                       : "gradient of learner 0 is not finite");
    oikos_trainer_destroy(t);
    free(config);
  }
  conclude(&v);
}

/* A learner that is left out keeps its home and its log p; those beside it move on. */
static void test_left_out_stays(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = config_of(9, HARD ", memory: 0.5",
                                   "aggregation: {rule: median}\nattack: {kind: nan, share: 0.34}");
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

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formulas),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_nobody_left),
      cmocka_unit_test(test_left_out_stays),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
