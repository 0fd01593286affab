/* SPDX-License-Identifier: MIT
 * The median and the trimmed mean against counting: a number is the k-th smallest if at most k are
 * below it and more than k are not above it. */
#include "check.h"

#include "base/random.h"
#include "math/order_statistics.h"

typedef oikos_real real;

/* The k-th smallest of x (n), k from 0, without sorting. */
static double kth(size_t n, const real *x, size_t k) {
  for (size_t i = 0; i < n; i++) {
    size_t below = 0, up_to = 0;
    for (size_t j = 0; j < n; j++) {
      below += x[j] < x[i];
      up_to += x[j] <= x[i];
    }
    if (below <= k && k < up_to)
      return (double)x[i];
  }
  return NAN;
}

static void check_all(size_t n, const real *x, double trim) {
  real sorted[64], copy[64];
  size_t drop = (size_t)floor(trim * (double)n);
  double sum = 0;
  memcpy(sorted, x, n * sizeof *x);
  oikos_sort(n, sorted);
  for (size_t i = 0; i < n; i++)
    if ((double)sorted[i] != kth(n, x, i))
      fail_msg("n %zu: number %zu is %g, not %g", n, i, (double)sorted[i], kth(n, x, i));
  memcpy(copy, x, n * sizeof *x);
  double middle = (kth(n, x, (n - 1) / 2) + kth(n, x, n / 2)) / 2;
  check_near((double)oikos_median(n, copy), middle, 1e-7, 0, n, "median");
  for (size_t i = drop; i < n - drop; i++)
    sum += kth(n, x, i);
  memcpy(copy, x, n * sizeof *x);
  check_near((double)oikos_trimmed_mean(n, trim, copy), sum / (double)(n - 2 * drop), 1e-6, 1e-9, n,
             "trimmed mean");
}

/* Every size up to 64, even and odd; half of the draws from five numbers, so that many are equal.
 */
static void test_counting(void **state) {
  (void)state;
  oikos_random r = oikos_random_at(3, OIKOS_DRAW_CHECK, 0, 0);
  const double trims[] = {0, 0.1, 0.2, 0.4999};
  for (size_t n = 1; n <= 64; n++)
    for (int draw = 0; draw < 8; draw++) {
      real x[64];
      for (size_t i = 0; i < n; i++)
        x[i] = (real)(draw % 2 ? oikos_random_normal(&r) : (double)oikos_random_below(&r, 5) - 2);
      check_all(n, x, trims[draw / 2]);
    }
}

/* One number is its own median and mean; of two the median is between; up to a half of the numbers
 * can be anything without taking the median out of the range of the rest. */
static void test_corners(void **state) {
  (void)state;
  real one[] = {-3}, two[] = {5, 2}, far[] = {(real)1e30, 1, (real)1e30, 2, 3};
  assert_true(oikos_median(1, one) == -3 && oikos_trimmed_mean(1, 0.4999, one) == -3);
  assert_true(oikos_median(2, two) == (real)3.5 && oikos_trimmed_mean(2, 0.4999, two) == (real)3.5);
  assert_true(oikos_median(5, far) == 3);
  assert_true(oikos_trimmed_mean(5, 0.4, far) == 3);
}

/* As many are left out as the share says in decimals, whatever the double nearest to it is. */
static void test_decimal_share(void **state) {
  (void)state;
  for (size_t percent = 0; percent < 50; percent++)
    for (size_t n = 1; n <= 1000; n++) {
      char share[8];
      snprintf(share, sizeof share, "0.%02zu", percent);
      if (oikos_trimmed(n, strtod(share, NULL)) != percent * n / 100)
        fail_msg("%s of %zu: %zu left out, not %zu", share, n,
                 oikos_trimmed(n, strtod(share, NULL)), percent * n / 100);
    }
  real x[100];
  for (int i = 0; i < 100; i++)
    x[i] = (real)(i < 29 ? -1e6 : i >= 71 ? 2e6 : i);
  check_near((double)oikos_trimmed_mean(100, 0.29, x), 49.5, 1e-6, 0, 0, "29 of 100");
}

/* The same bits in every order. */
static void test_orders(void **state) {
  (void)state;
  real x[] = {(real)0.1, (real)1e8, (real)-1e8, (real)0.3, (real)0.1, (real)7, (real)-0.2}, y[7];
  int64_t order[7], scratch[7];
  memcpy(y, x, sizeof y);
  real mean = oikos_trimmed_mean(7, 0, y), middle = oikos_median(7, y);
  for (uint64_t k = 0; k < 200; k++) {
    oikos_random r = oikos_random_at(4, OIKOS_DRAW_CHECK, k, 0);
    oikos_random_choose(&r, 7, 7, order, scratch);
    for (int i = 0; i < 7; i++)
      y[i] = x[order[i]];
    assert_true(oikos_trimmed_mean(7, 0, y) == mean && oikos_median(7, y) == middle);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counting),
      cmocka_unit_test(test_corners),
      cmocka_unit_test(test_decimal_share),
      cmocka_unit_test(test_orders),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
