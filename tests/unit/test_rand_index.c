/* SPDX-License-Identifier: MIT
 * The adjusted Rand index against its definition over all pairs, and against values worked out by
 * hand. */
#include "check.h"

#include "base/random.h"
#include "math/rand_index.h"

enum { THINGS = 60, ROWS = 4, COLUMNS = 5 };

/* Pairs that are together in both, in the first, in the second partition, one by one. */
static double brute_force(const int *a, const int *b) {
  double both = 0, first = 0, second = 0, all = THINGS * (THINGS - 1) / 2.0;
  for (int i = 0; i < THINGS; i++)
    for (int j = 0; j < i; j++) {
      both += a[i] == a[j] && b[i] == b[j];
      first += a[i] == a[j];
      second += b[i] == b[j];
    }
  return (both - first * second / all) / ((first + second) / 2 - first * second / all);
}

static void test_pairs(void **state) {
  (void)state;
  for (uint64_t k = 0; k < 20; k++) {
    oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, k);
    int a[THINGS], b[THINGS];
    int64_t count[ROWS * COLUMNS] = {0};
    for (int i = 0; i < THINGS; i++) {
      a[i] = (int)oikos_random_below(&r, ROWS);
      b[i] = oikos_random_below(&r, 20) < k ? a[i] : (int)oikos_random_below(&r, COLUMNS);
      count[a[i] * COLUMNS + b[i]]++;
    }
    check_near(oikos_adjusted_rand(ROWS, COLUMNS, count), brute_force(a, b), 1e-12, 1e-12,
               (size_t)k, "index");
  }
}

static void test_known(void **state) {
  (void)state;
  const int64_t same[] = {0, 3, 4, 0}, apart[] = {1, 1, 1, 1}, one[] = {5, 0};
  assert_true(oikos_adjusted_rand(2, 2, same) == 1);
  check_near(oikos_adjusted_rand(2, 2, apart), -0.5, 1e-12, 0, 0, "index");
  assert_true(isnan(oikos_adjusted_rand(1, 2, one))); // everything together on both sides
  // parts of 4 and 2, and of 3 and 3: 7 and 6 pairs of 15 inside, 3 + 1 of them in both
  const int64_t hand[] = {3, 1, 0, 2};
  double truth = (4 - 7.0 * 6 / 15) / ((7 + 6) / 2.0 - 7.0 * 6 / 15);
  check_near(oikos_adjusted_rand(2, 2, hand), truth, 1e-12, 0, 1, "index");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
