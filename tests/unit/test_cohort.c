/* SPDX-License-Identifier: MIT
 * Who is active in a step: strata that cut the learners, found by their owners alone. */
#include "check.h"

#include "learn/cohort.h"

static oikos_config *config_of(int64_t count, int64_t per_step) {
  oikos_config *c = calloc(1, sizeof *c);
  oikos_config_defaults(c);
  c->seed = 3;
  c->learners.count = count;
  c->learners.per_step = per_step;
  return c;
}

static void test_all(void **state) {
  (void)state;
  oikos_config *c = config_of(9, 0);
  assert_int_equal(oikos_cohort_size(c), 9);
  for (int64_t s = 0; s < 9; s++)
    assert_int_equal(oikos_cohort_learner(c, 4, s), s);
  free(c);
}

/* Owners of any shares find, in their strata, the learners that they own and no others. */
static void check_owners(const oikos_config *c, int64_t step, int64_t share) {
  int64_t n = oikos_cohort_size(c), next = 0;
  for (int64_t first = 0; first < c->learners.count; first += share) {
    int64_t count = first + share < c->learners.count ? share : c->learners.count - first,
            first_stratum, strata;
    oikos_cohort_strata(c, first, count, &first_stratum, &strata);
    assert_true(first_stratum >= 0 && first_stratum + strata <= n && strata <= count);
    for (int64_t s = first_stratum; s < first_stratum + strata; s++) {
      int64_t learner = oikos_cohort_learner(c, step, s);
      if (learner >= first && learner < first + count)
        assert_int_equal(s, next++); // every stratum is somebody's, in their order
    }
  }
  assert_int_equal(next, n);
}

static void test_owners(void **state) {
  (void)state;
  const int64_t sizes[][2] = {{10, 3}, {10, 10}, {7, 1}, {1000, 333}, {64, 63}, {1, 1}};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    oikos_config *c = config_of(sizes[k][0], sizes[k][1]);
    for (int64_t step = 0; step < 5; step++)
      for (int64_t share = 1; share <= sizes[k][0]; share += 1 + share / 3)
        check_owners(c, step, share);
    free(c);
  }
}

/* Every learner is drawn in n / N of the steps: a binomial count, within five standard deviations
 * of its mean for its stratum's size. */
static void test_shares(void **state) {
  (void)state;
  enum { N = 23, ACTIVE = 7, STEPS = 6000 };
  oikos_config *c = config_of(N, ACTIVE);
  int64_t count[N] = {0};
  for (int64_t step = 0; step < STEPS; step++)
    for (int64_t s = 0; s < ACTIVE; s++)
      count[oikos_cohort_learner(c, step, s)]++;
  for (int s = 0; s < ACTIVE; s++) {
    int begin = s * N / ACTIVE, end = (s + 1) * N / ACTIVE;
    double p = 1.0 / (end - begin), deviation = sqrt(STEPS * p * (1 - p));
    for (int i = begin; i < end; i++)
      assert_true(fabs((double)count[i] - STEPS * p) < 5 * deviation);
  }
  free(c);
}

/* The largest numbers that the configuration takes. */
static void test_large(void **state) {
  (void)state;
  int64_t most = INT64_C(1) << 31, first_stratum, strata;
  oikos_config *c = config_of(most, most - 1);
  oikos_cohort_strata(c, most - 5, 5, &first_stratum, &strata);
  assert_int_equal(first_stratum + strata, most - 1);
  int64_t last = oikos_cohort_learner(c, 0, most - 2);
  assert_true(last == most - 1 || last == most - 2);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all),
      cmocka_unit_test(test_owners),
      cmocka_unit_test(test_shares),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
