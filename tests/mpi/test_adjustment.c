/* SPDX-License-Identifier: MIT
 * Dynamic adjustment, of homes' priority and of learners' inner rates: steps against a plain loop
 * over all learners, and the same bits on any number of ranks and threads. */
#include "ranks.h"

#include "learn/priority.h"

#define LAST "count: 3, owns: last, perturbation: 0.4, rate: 0.02, memory: 0.5, mixing: 0.3"

enum { LEARNERS = 11, HOMES = 3 };

/* What the plain loop knows of a home: moving averages as their definition says. */
typedef struct past {
  int steps;
  double norm, slow, fast;
} past;

static double moved(const past *p, double average, double decay, double now) {
  return p->steps == 0 ? now : (1 - decay) * average + decay * now;
}

/* The weight of home h: one minus strength, plus twice strength times the share of the others below
 * it, of those that tie by half. */
static double weight_of(const oikos_config *c, const past *all, int h) {
  double below = 0, others = 0;
  for (int k = 0; k < HOMES; k++) {
    bool gradient = c->home.priority == OIKOS_PRIORITY_GRADIENT;
    double theirs = gradient ? all[k].norm : all[k].slow - all[k].fast,
           ours = gradient ? all[h].norm : all[h].slow - all[h].fast;
    if (k == h || all[k].steps == 0)
      continue;
    others++;
    below += theirs < ours ? 1 : theirs == ours ? 0.5 : 0;
  }
  if (all[h].steps == 0 || others == 0)
    return 1;
  return 1 + c->home.priority_strength * (2 * below / others - 1);
}

/* One step of the plain loop: mean (M + A + E), the weighted mean gradient, with that of the
 * learned rates and of the encoder; trained (M) the same of trained parameters. */
static void average(const oikos_trainer *t, past *all, double *mean, double *trained) {
  size_t m = t->weights.m, n = t->weights.n;
  double total = 0, norm[HOMES] = {0}, loss[HOMES] = {0}, log_p[HOMES];
  int members[HOMES] = {0};
  oikos_worker w;
  oikos_error err;
  oikos_worker_create(&t->context, t->config.inner.steps, &w, &err);
  memset(mean, 0, n * sizeof *mean);
  memset(trained, 0, m * sizeof *mean);
  for (int64_t i = 0; i < LEARNERS; i++) {
    memcpy(log_p, t->learners.log_p + i * HOMES, sizeof log_p);
    oikos_learners_begin(&t->context, &w, t->step, i, 1, &i, (oikos_row_view){0});
    oikos_contribution c =
        oikos_learner_train(&t->context, &w, i, log_p, t->learners.home[i], NULL);
    double weight = weight_of(&t->config, all, c.home);
    for (size_t j = 0; j < n; j++)
      mean[j] += weight * (double)c.gradient[j];
    for (size_t j = 0; j < m; j++)
      trained[j] += weight * (double)c.trained[j];
    total += weight;
    members[c.home]++;
    norm[c.home] += (double)c.loss[OIKOS_GRADIENT_NORM];
    loss[c.home] += (double)c.loss[OIKOS_LOSS_AFTER];
  }
  for (size_t j = 0; j < n; j++)
    mean[j] /= total;
  for (size_t j = 0; j < m; j++)
    trained[j] /= total;
  for (int h = 0; h < HOMES; h++) {
    past *p = &all[h];
    if (members[h] == 0)
      continue;
    p->norm = moved(p, p->norm, 0.05, norm[h] / members[h]);
    p->slow = moved(p, p->slow, 0.01, loss[h] / members[h]);
    p->fast = moved(p, p->fast, 0.1, loss[h] / members[h]);
    p->steps++;
  }
  oikos_worker_destroy(&w);
}

/* Steps of both; rate and gamma: shared.rate and shared.mixing. */
static void check_formula(verdict *v, const char *homes, const char *more, double rate,
                          double gamma) {
  char text[512];
  snprintf(text, sizeof text,
           "%s\nshared: {rate: %g, mixing: %g}\n"
           "outer: {optimizer: sgd, clip: 0, schedule: constant}",
           more, rate, gamma);
  oikos_config *c = config_of(LEARNERS, homes, text);
  oikos_trainer *t = trainer_of(v, MPI_COMM_SELF, c, NULL);
  size_t m = t->weights.m, n = t->weights.n;
  double *w = calloc(n, sizeof *w), *mean = calloc(n, sizeof *w), *trained = calloc(m, sizeof *w);
  past all[HOMES] = {0};
  bool unequal = false;
  for (int step = 0; step < 5; step++) {
    average(t, all, mean, trained);
    for (size_t j = 0; j < n; j++) {
      double old = (double)t->weights.shared[j];
      w[j] = (j < m ? (1 - gamma) * old + gamma * trained[j] : old) - rate * mean[j];
    }
    steps_of(v, t, 1);
    for (size_t j = 0; j < n; j++)
      expect(v, fabs(w[j] - (double)t->weights.shared[j]) <= 2e-5 * (1 + fabs(w[j])),
             "%s, step %d: w[%zu] of %zu + %zu + %zu is %.9g, not %.9g", homes, step, j, m,
             t->weights.a, t->weights.e, (double)t->weights.shared[j], w[j]);
    for (int h = 0; h < HOMES; h++)
      unequal |= t->segments.effort[h] > 1.7;
  }
  expect(v, unequal, "%s: all weighed the same", homes);
  oikos_trainer_destroy(t);
  free(c);
  free(w);
  free(mean);
  free(trained);
}

static void test_formula(void **state) {
  (void)state;
  verdict v = {0};
  check_formula(&v, LAST ", priority: gradient, priority_strength: 0.8", "inner: {steps: 2}", 0.1,
                0.3);
  check_formula(&v, LAST ", priority: progress, priority_strength: 0.8", "inner: {steps: 2}", 0.1,
                0.3);
  check_formula(&v, LAST ", priority: gradient, priority_strength: 0.8",
                "inner: {steps: 2, rate: 0.02, learned_rates: parameter}", 0.001, 0.3);
  check_formula(&v, LAST ", priority: progress, priority_strength: 0.8",
                "inner: {steps: 2, rate: 0.02, learned_rates: step_layer}", 0.0001, 0);
  check_formula(&v,
                "count: 3, owns: modulation, rule: weighted, score: encoder, perturbation: 0.5, "
                "encoder: [dense: 4, tanh, set_mean], priority: gradient, priority_strength: 0.8",
                "inner: {steps: 1, learned_rates: step_layer}", 0.001, 0);
  conclude(&v);
}

static void check_same_bits(verdict *v, int learners, const char *home, const char *more) {
  pair p = pair_of(v, config_of(learners, home, more));
  const oikos_trainer *joint = p.joint, *alone = p.alone;
  const oikos_part_state *one = oikos_part_of(joint, &oikos_part_priority),
                         *other = oikos_part_of(alone, &oikos_part_priority);
  const oikos_priority none = {0}, *a = one ? one->state : &none, *b = other ? other->state : &none;
  for (int i = 0; i < 6; i++) {
    pair_step(v, &p);
    expect(v, same_part(joint, alone, &oikos_part_learner_rates), "other factors");
    expect(v,
           same(a->average, b->average, (size_t)a->n_homes * OIKOS_N_AVERAGES, sizeof(double)) &&
               same(a->steps, b->steps, (size_t)a->n_homes, sizeof(int64_t)),
           "other averages");
  }
  pair_free(&p);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  const char *gradient = LAST ", priority: gradient", *progress = LAST ", priority: progress";
  const char *encoder = "count: 3, owns: modulation, rule: weighted, score: encoder, "
                        "encoder: [dense: 4, tanh, set_mean], priority: gradient";
  check_same_bits(&v, 11, gradient, "shared: {mixing: 0.2}\nrun: {threads: 2}");
  check_same_bits(&v, 7, progress, "inner: {learned_rates: parameter}");
  check_same_bits(&v, 9, encoder, "inner: {multi_step: 0.3}");
  check_same_bits(&v, 3, progress, "inner: {rate: 0.05, steps: 3}\nlearners: {rollback: 1.5}");
  check_same_bits(&v, 11, HARD, "inner: {adapt_rate: true, steps: 3, rate: 0.05}");
  check_same_bits(&v, 6, "count: 1",
                  "inner: {adapt_rate: true, learned_rates: step_layer}\nrun: {threads: 2}");
  conclude(&v);
}

/* The factor of every learner is what its own steps made of it: a plain loop over the rule. */
static void test_factors(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *c = config_of(LEARNERS, "count: 1",
                              "inner: {adapt_rate: true, adapt_range: 1.12, steps: 3, rate: 0.2}\n"
                              "learners: {rollback: 1000}");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_SELF, c, NULL);
  double factor[LEARNERS], log_p = 0;
  int grew = 0, halved = 0;
  oikos_worker w;
  oikos_error err;
  oikos_worker_create(&t->context, 3, &w, &err);
  for (int i = 0; i < LEARNERS; i++)
    factor[i] = 1;
  for (int step = 0; step < 6; step++) {
    for (int64_t i = 0; i < LEARNERS; i++) {
      w.factor = factor[i];
      oikos_learners_begin(&t->context, &w, t->step, i, 1, &i, (oikos_row_view){0});
      oikos_contribution k = oikos_learner_train(&t->context, &w, i, &log_p, 0, NULL);
      bool fell = k.support_after < (double)k.loss[OIKOS_LOSS_BEFORE];
      factor[i] = fell ? fmin(1.12, 1.05 * factor[i]) : fmax(1 / 1.12, 0.5 * factor[i]);
      grew += fell;
      halved += !fell;
    }
    steps_of(&v, t, 1);
    const double *is = oikos_part_of(t, &oikos_part_learner_rates)->by_learner;
    for (int i = 0; i < LEARNERS; i++)
      expect(&v, is[i] == factor[i], "step %d: factor[%d] is %.17g, not %.17g", step, i, is[i],
             factor[i]);
  }
  expect(&v, grew > 10 && halved > 3, "%d grew, %d were halved", grew, halved);
  oikos_worker_destroy(&w);
  oikos_trainer_destroy(t);
  free(c);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formula),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_factors),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
