/* SPDX-License-Identifier: MIT
 * A share of the home weights spread over all homes after each step: against Bayes' rule summed
 * over every sequence of homes, and how soon a learner moves after a long life. */
#include "check.h"

#include "base/random.h"
#include "learn/homes.h"

typedef oikos_real real;

enum { T = 3, STEPS = 6 };

static oikos_config *configure(int64_t count, double eta, double share) {
  oikos_config *c = calloc(1, sizeof *c);
  assert_non_null(c);
  oikos_config_defaults(c);
  c->home.count = count;
  c->home.memory = 1;
  c->home.eta = eta;
  c->home.share = share;
  return c;
}

/* Of a learner whose home is drawn anew with probability `share` before each step: P(home in step
 * `steps`) given the scores up to then (posterior) and P(home in the next step) (prior). */
static void sum_paths(int steps, double eta, double share, real score[STEPS][T],
                      double posterior[T], double prior[T]) {
  double total = 0;
  memset(posterior, 0, T * sizeof *posterior);
  memset(prior, 0, T * sizeof *prior);
  int paths = 1;
  for (int k = 0; k < steps; k++)
    paths *= T;
  for (int path = 0; path < paths; path++) {
    double likely = 1.0 / T;
    int before = -1, at = 0;
    for (int k = 0, rest = path; k < steps; k++, rest /= T) {
      at = rest % T;
      if (before >= 0)
        likely *= (1 - share) * (at == before) + share / T;
      likely *= exp(-eta * (double)score[k][at]);
      before = at;
    }
    posterior[at] += likely;
    total += likely;
  }
  for (int t = 0; t < T; t++)
    posterior[t] /= total;
  for (int t = 0; t < T; t++)
    for (int from = 0; from < T; from++)
      prior[t] += posterior[from] * ((1 - share) * (t == from) + share / T);
}

static void check_paths(double eta, double share) {
  oikos_config *c = configure(T, eta, share);
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 7, 0);
  real score[STEPS][T], p[T];
  double log_p[T], posterior[T], prior[T];
  int32_t home = 0;
  for (int t = 0; t < T; t++)
    log_p[t] = -log(T);
  for (int k = 0; k < STEPS; k++) {
    int best = 0;
    for (int t = 0; t < T; t++)
      score[k][t] = (real)oikos_random_uniform(&r, 0, 4);
    home = oikos_home_choose(c, score[k], log_p, p, home);
    sum_paths(k + 1, eta, share, score, posterior, prior);
    for (size_t t = 0; t < T; t++) {
      check_near((double)p[t], posterior[t], sizeof(real) == 4 ? 1e-6 : 1e-12, 0, t, "p");
      check_near(exp(log_p[t]), prior[t], 1e-12, 0, t, "p for the next step");
      best = posterior[t] > posterior[best] ? (int)t : best;
    }
    assert_int_equal(home, best);
  }
  free(c);
}

static void test_paths(void **state) {
  (void)state;
  check_paths(0.7, 0.2);
  check_paths(2, 0.01);
  check_paths(1, 1); // nothing is remembered
}

/* The first home is best for 10,000 steps, then another one by d: steps until the learner moves. */
static int64_t steps_to_move(int64_t count, double eta, double share, double d) {
  enum { LIFE = 10000, MOST = 5 };
  oikos_config *c = configure(count, eta, share);
  real score[MOST], p[MOST];
  double log_p[MOST];
  int32_t home = 0;
  int64_t steps = 0;
  assert_true(count <= MOST);
  for (int t = 0; t < count; t++) {
    log_p[t] = -log((double)count);
    score[t] = t == 0 ? 0 : 3;
  }
  for (int k = 0; k < LIFE; k++)
    home = oikos_home_choose(c, score, log_p, p, home);
  assert_int_equal(home, 0);
  for (int t = 0; t < count; t++)
    score[t] = t == 1 ? 0 : (real)d;
  for (; home != 1; steps++)
    home = oikos_home_choose(c, score, log_p, p, home);
  free(c);
  return steps;
}

/* No later than the bound of learn/homes.h, and not much before it; without a share, as long as the
 * life was. */
static void test_bound(void **state) {
  (void)state;
  static const struct {
    int64_t count;
    double eta, share, d, least; // slow evidence is overtaken by the sharing itself
  } cases[] = {{5, 1, 0.01, 2, 0.8}, {5, 0.1, 1e-6, 2, 0.8}, {2, 0.01, 0.001, 1, 0.3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double eta = cases[i].eta, s = cases[i].share, d = cases[i].d, n = (double)cases[i].count;
    int64_t steps = steps_to_move(cases[i].count, eta, s, d);
    double most = floor(log(1 + n * (1 - s) / s) / (eta * d)) + 1;
    if (!((double)steps <= most && (double)steps >= cases[i].least * most))
      fail_msg("case %zu: moved after %lld steps; expected at most %g and at least %g of it", i,
               (long long)steps, most, cases[i].least);
  }
  assert_int_equal(steps_to_move(5, 0.125, 0, 2), 15001); // a lead of 3 * 10,000, less 2 a step
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
