/* SPDX-License-Identifier: MIT
 * The checkpoint interval against the minimum of the expected run time itself. */
#include <math.h>

#include "base/clock.h"
#include "check.h"
#include "math/interval.h"
#include "run/timing.h"

/* Expected time to do one second's work, in units of a second, with checkpoints of d seconds every
 * t seconds of work and exponential failures of mean m, restarts for free: Daly 2006, equation 20.
 */
static double expected_time(double t, double d, double m) {
  return m * expm1((t + d) / m) / t;
}

/* Its minimum, by bisection of intervals. */
static double best_interval(double d, double m) {
  double low = 1e-6 * m, high = 20 * m;
  for (int i = 0; i < 200; i++) {
    double a = low + (high - low) / 3, b = high - (high - low) / 3;
    if (expected_time(a, d, m) < expected_time(b, d, m))
      high = b;
    else
      low = a;
  }
  return (low + high) / 2;
}

static void test_is_the_minimum_of_the_expected_time(void **state) {
  (void)state;
  static const double writes[] = {0.01, 0.3, 5, 60, 100}, means[] = {86400, 7 * 86400.0};
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 2; k++) {
      double d = writes[i], m = means[k], found = oikos_checkpoint_interval(d, m),
             best = best_interval(d, m);
      assert_true(fabs(found / best - 1) < 0.001);
    }
}

static void test_writing_takes_at_most_a_twentieth(void **state) {
  (void)state;
  for (double d = 1e-3; d < 1e6; d *= 3)
    assert_true(d / (d + oikos_checkpoint_interval(d, 3600)) <= 0.05 + 1e-12);
}

static void test_is_young_s_for_rare_failures(void **state) {
  (void)state;
  double d = 1, m = 1e10;
  assert_true(fabs(oikos_checkpoint_interval(d, m) / sqrt(2 * d * m) - 1) < 1e-4);
}

/* Whether one is due so many seconds after the last, as if it had been written then. */
static bool due_after(oikos_timing timing, double seconds, double hours) {
  timing.saved = oikos_wall_clock() - seconds;
  return oikos_timing_due(&timing, hours);
}

static void test_is_due_when_the_interval_is_over(void **state) {
  (void)state;
  oikos_timing timing = {0};
  assert_false(due_after(timing, 29, 24)); // the first, before it is known what one takes
  assert_true(due_after(timing, 30, 24));
  oikos_timing_saved(&timing, 2);
  oikos_timing_saved(&timing, 4);
  double wait = oikos_checkpoint_interval(3, 3600 * 10);
  assert_false(due_after(timing, wait - 1, 10));
  assert_true(due_after(timing, wait, 10));
  oikos_timing_saved(&timing, 3);
  assert_true(timing.saved > oikos_wall_clock() - 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_the_minimum_of_the_expected_time),
      cmocka_unit_test(test_writing_takes_at_most_a_twentieth),
      cmocka_unit_test(test_is_young_s_for_rare_failures),
      cmocka_unit_test(test_is_due_when_the_interval_is_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
