/* SPDX-License-Identifier: MIT
 * The accountant against published numbers, against the integral that it has in closed form, and
 * against the exact privacy of the normal mechanism. */
#include "check.h"

#include "base/secret.h"
#include "learn/privacy.h"

/* tests/rdp_accountant_test.py of TensorFlow Privacy: compute_rdp(q, noise_multiplier, steps,
 * order), five places. */
static void test_tensorflow_privacy(void **state) {
  (void)state;
  check_near(10 * oikos_privacy_renyi(0.1, 2, 5), 0.07737, 0, 1e-5, 0, "q 0.1");
  check_near(50 * oikos_privacy_renyi(0.01, 2.5, 5), 0.00218075, 0, 1e-5, 1, "order 5");
  check_near(50 * oikos_privacy_renyi(0.01, 2.5, 50), 0.023846, 0, 1e-5, 2, "order 50");
  check_near(50 * oikos_privacy_renyi(0.01, 2.5, 100), 167.416307, 0, 1e-5, 3, "order 100");
  check_near(oikos_privacy_renyi(1, 10, 20), 0.1, 1e-15, 0, 4, "no sampling");
  assert_true(oikos_privacy_renyi(0, 10, 20) == 0);
}

/* opacus/tests/accountants_test.py: 7.32911117143, with orders in steps of 0.1 up to 10.9. Whole
 * orders can only give more, and not much. */
static void test_opacus(void **state) {
  (void)state;
  double epsilon = oikos_privacy_epsilon(0.04, 1.5, 2250, 1e-5);
  if (!(epsilon >= 7.32911117 && epsilon < 7.40))
    fail_msg("epsilon %.9g", epsilon);
}

/* E over x ~ N(0, sigma^2) of (1 - q + q exp((2x - 1) / (2 sigma^2)))^order, by Simpson's rule. */
static double integral(double q, double sigma, double order) {
  const int n = 200000;
  double low = -15 * sigma, high = order + 15 * sigma, h = (high - low) / n, sum = 0;
  for (int i = 0; i <= n; i++) {
    double x = low + i * h, ratio = 1 - q + q * exp((2 * x - 1) / (2 * sigma * sigma));
    double weight = i == 0 || i == n ? 1 : i % 2 ? 4 : 2;
    sum += weight * exp(order * log(ratio) - x * x / (2 * sigma * sigma));
  }
  return sum * h / 3 / (sigma * sqrt(2 * 3.14159265358979323846));
}

static void test_integral(void **state) {
  (void)state;
  const double q[] = {0.001, 0.1, 0.5, 0.9}, sigma[] = {0.8, 2, 6}, order[] = {2, 3, 8, 17};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 4; k++)
        check_near(oikos_privacy_renyi(q[i], sigma[j], order[k]),
                   log(integral(q[i], sigma[j], order[k])) / (order[k] - 1), 1e-7, 1e-12, (size_t)k,
                   "Renyi divergence");
}

static double normal_below(double x) {
  return erfc(-x / sqrt(2)) / 2;
}

/* Balle and Wang ("Improving the Gaussian mechanism for differential privacy", ICML 2018, theorem
 * 8): the exact delta of T steps of noise sigma. */
static double exact_delta(double sigma, double steps, double epsilon) {
  double mu = sqrt(steps) / sigma;
  return normal_below(mu / 2 - epsilon / mu) - exp(epsilon) * normal_below(-mu / 2 - epsilon / mu);
}

/* At sampling rate 1: never less than the truth, and less than a tenth or 0.05 more epsilon than
 * it; never more than Mironov's (2017) closed form T / (2 sigma^2) + sqrt(2 T log(1 / delta)) /
 * sigma.
 */
static void test_exact(void **state) {
  (void)state;
  const double sigma[] = {0.7, 2, 10, 100, 1000}, delta[] = {1e-3, 1e-5, 1e-9};
  for (size_t i = 0; i < 5; i++)
    for (size_t j = 0; j < 3; j++)
      for (int64_t steps = 1; steps <= 1000; steps *= 10) {
        double n = (double)steps, epsilon = oikos_privacy_epsilon(1, sigma[i], steps, delta[j]);
        double closed = n / (2 * sigma[i] * sigma[i]) + sqrt(2 * n * log(1 / delta[j])) / sigma[i];
        if (exact_delta(sigma[i], n, epsilon) > delta[j] * (1 + 1e-6))
          fail_msg("sigma %g, %g steps: epsilon %g is too little", sigma[i], n, epsilon);
        if (epsilon > closed * 1.001)
          fail_msg("sigma %g, %g steps: epsilon %g, closed form %g", sigma[i], n, epsilon, closed);
        double less = epsilon / 1.15 - 0.05;
        if (less > 0 && exact_delta(sigma[i], n, less) <= delta[j])
          fail_msg("sigma %g, %g steps: epsilon %g is far too much", sigma[i], n, epsilon);
      }
  assert_true(oikos_privacy_epsilon(1, 1, 0, 1e-5) == 0);
}

/* The noise has the standard deviation that the header gives, and each mean has noise of its own.
 */
static void test_noise(void **state) {
  (void)state;
  enum { N = 40000 };
  oikos_config *c = calloc(1, sizeof *c);
  oikos_real *x = calloc(N, sizeof *x), *y = calloc(N, sizeof *y);
  oikos_config_defaults(c);
  c->privacy.noise = 3;
  c->aggregation.radius = 2;
  c->aggregation.trained_radius = 5;
  c->shared.mixing = 0.5;
  const uint64_t key[OIKOS_SECRET] = {3, 1, 4, 1}, other[OIKOS_SECRET] = {3, 1, 4, 2};
  oikos_privacy_add(c, key, OIKOS_PART_GRADIENT, -1, false, 10, 7, N, x);
  oikos_privacy_add(c, key, OIKOS_PART_TRAINED, -1, false, 10, 7, N, y);
  double xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < N; i++) {
    xx += (double)(x[i] * x[i]) / N;
    yy += (double)(y[i] * y[i]) / N;
    xy += (double)(x[i] * y[i]) / N;
  }
  check_near(sqrt(xx), 3 * sqrt(2) * 2 / 10, 0.02, 0, 0, "noise of the gradient");
  check_near(sqrt(yy), 3 * sqrt(2) * 5 / 10, 0.02, 0, 1, "noise of the trained parameters");
  check_near(xy / sqrt(xx * yy), 0, 0, 0.02, 2, "correlation");
  // another key, step or home: other noise; the seed has no part in it
  memset(y, 0, N * sizeof *y);
  c->seed = 99;
  oikos_privacy_add(c, key, OIKOS_PART_GRADIENT, -1, false, 10, 7, N, y);
  assert_memory_equal(x, y, N * sizeof *x);
  for (int k = 0; k < 3; k++) {
    memset(y, 0, N * sizeof *y);
    oikos_privacy_add(c, k == 0 ? other : key, OIKOS_PART_GRADIENT, k == 1 ? 0 : -1, false, 10,
                      k == 2 ? 8 : 7, N, y);
    xy = 0;
    for (int i = 0; i < N; i++)
      xy += (double)(x[i] * y[i]) / N;
    check_near(xy / xx, 0, 0, 0.02, (size_t)k, "correlation with other noise");
  }
  free(c);
  free(x);
  free(y);
}

/* The cipher, against the published vectors of Threefish-256 (Skein 1.3, all zeros). */
static void test_cipher(void **state) {
  (void)state;
  const uint64_t zero[OIKOS_SECRET] = {0},
                 right[OIKOS_SECRET] = {0x94eeea8b1f2ada84, 0xadf103313eae6670, 0x952419a1f4b16d53,
                                        0xd83f13e63c9f6b11};
  uint64_t words[OIKOS_SECRET], one[OIKOS_SECRET], two[OIKOS_SECRET];
  oikos_error err;
  oikos_secret_draw(zero, zero, words);
  assert_memory_equal(words, right, sizeof words);
  CHECK_OK(oikos_secret_create(one, &err));
  CHECK_OK(oikos_secret_create(two, &err));
  assert_memory_not_equal(one, two, sizeof one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tensorflow_privacy),
      cmocka_unit_test(test_opacus),
      cmocka_unit_test(test_integral),
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_noise),
      cmocka_unit_test(test_cipher),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
