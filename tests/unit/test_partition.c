/* SPDX-License-Identifier: MIT
 * Cutting a row into blocks: as good as the best of all cuts, tried one by one. */
#include "check.h"

#include "base/random.h"
#include "math/partition.h"

enum { ITEMS = 9, PARTS = 5 };

static int64_t dearest(int64_t parts, const int64_t *before, const int64_t *bound) {
  int64_t cost = 0;
  for (int64_t k = 0; k < parts; k++) {
    int64_t block = before[bound[k + 1]] - before[bound[k]];
    cost = block > cost ? block : cost;
  }
  return cost;
}

/* The best of all cuts of items from .. n - 1 into blocks of at most `most`; INT64_MAX: there is
 * none. */
static int64_t best(oikos_row_cost row, int64_t from, int64_t parts, int64_t most) {
  int64_t least = INT64_MAX;
  if (parts == 0)
    return from == row.n ? 0 : INT64_MAX;
  for (int64_t end = from; end <= row.n && end - from <= most; end++) {
    int64_t rest = best(row, end, parts - 1, most), block = row.before[end] - row.before[from];
    int64_t cost = block > rest ? block : rest;
    least = cost < least ? cost : least;
  }
  return least;
}

/* Cut, check the form of the blocks, and return the cost. */
static int64_t cut(int64_t n, const int64_t *cost, int64_t parts, int64_t most, int64_t *bound) {
  int64_t before[100] = {0};
  oikos_row_cost row = {n, before};
  for (int64_t i = 0; i < n; i++)
    before[i + 1] = before[i] + cost[i];
  int64_t found = oikos_partition(row, parts, most, bound);
  assert_int_equal(bound[0], 0);
  assert_int_equal(bound[parts], n);
  for (int64_t k = 0; k < parts; k++)
    assert_true(bound[k] <= bound[k + 1] && bound[k + 1] - bound[k] <= most);
  assert_int_equal(found, dearest(parts, before, bound));
  if (n <= ITEMS)
    assert_int_equal(found, best(row, 0, parts, most));
  return found;
}

static void test_best(void **state) {
  (void)state;
  int64_t cost[ITEMS], bound[PARTS + 1];
  oikos_random r = oikos_random_at(7, OIKOS_DRAW_TRAIN, 0, 0);
  for (int trial = 0; trial < 600; trial++) {
    int64_t n = (int64_t)oikos_random_below(&r, ITEMS + 1), kind = trial % 3,
            parts = 1 + (int64_t)oikos_random_below(&r, PARTS), least = (n + parts - 1) / parts,
            most = least + (int64_t)oikos_random_below(&r, ITEMS);
    for (int64_t i = 0; i < n; i++) { // even costs, skewed ones, many zeros
      int64_t x = (int64_t)oikos_random_below(&r, 12);
      cost[i] = kind == 0 ? 1 + x / 4 : kind == 1 ? x * x * x : x > 8 ? x : 0;
    }
    cut(n, cost, parts, most, bound);
  }
}

static void test_extremes(void **state) {
  (void)state;
  int64_t bound[9];
  const int64_t giant[] = {1, 1, 1, 900, 1, 1, 1, 1}, none[6] = {0}, two[] = {5, 7};
  assert_int_equal(cut(8, giant, 4, 8, bound), 900);
  assert_int_equal(cut(6, none, 3, 2, bound), 0);
  assert_int_equal(bound[1], 2); // no more than the most, though they cost nothing
  assert_int_equal(cut(2, two, 8, 4, bound), 7);
  assert_int_equal(cut(0, none, 3, 1, bound), 0);
  assert_int_equal(cut(6, giant, 1, 6, bound), 905);
}

/* Of equally good cuts the even ones: nobody is left without for want of a need. */
static void test_even(void **state) {
  (void)state;
  int64_t bound[6], ones[12], most = 0, least = 12;
  for (int i = 0; i < 12; i++)
    ones[i] = 1;
  assert_int_equal(cut(12, ones, 5, 12, bound), 3);
  for (int k = 0; k < 5; k++) {
    int64_t size = bound[k + 1] - bound[k];
    most = size > most ? size : most;
    least = size < least ? size : least;
  }
  assert_int_equal(most, 3);
  assert_int_equal(least, 2);
}

/* Costs beyond 2^32, and ninety items. */
static void test_large(void **state) {
  (void)state;
  int64_t cost[90], bound[11], sum = 0;
  for (int i = 0; i < 90; i++)
    sum += cost[i] = (int64_t)(20 + 717 * i / 89) << 45; // as ratings per user, 20 to 737
  int64_t found = cut(90, cost, 10, 90, bound);
  assert_true(found >= sum / 10 && (double)found < 1.1 * (double)sum / 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_best),
      cmocka_unit_test(test_extremes),
      cmocka_unit_test(test_even),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
