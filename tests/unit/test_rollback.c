/* SPDX-License-Identifier: MIT
 * When a learner has diverged, how long its streak is, and which configurations can have that. */
#include <math.h>

#include "check.h"

#include "learn/rollback.h"

typedef oikos_real real;

static bool diverges(double factor, double before, double after) {
  static oikos_config config;
  oikos_config_defaults(&config);
  config.learners.rollback = factor;
  oikos_contribution c = {.start_loss = before};
  c.loss[OIKOS_LOSS_AFTER] = (real)after;
  return oikos_diverged(&config, &c);
}

static void test_diverged(void **state) {
  (void)state;
  assert_false(diverges(0, 1, 1e30)); // off
  assert_false(diverges(4, 2, 8));    // the bound itself is allowed
  assert_true(diverges(4, 2, 8.001));
  assert_false(diverges(4, 2, 0));
  assert_false(diverges(1, 0, 0));
  assert_true(diverges(1, 0, 1e-30)); // from nothing, anything is more
  assert_true(diverges(4, 2, NAN));
  assert_true(diverges(4, 2, INFINITY));
  assert_true(diverges(4, NAN, 2));
}

static void test_streak(void **state) {
  (void)state;
  assert_int_equal(oikos_streak(0, false), 0);
  assert_int_equal(oikos_streak(0, true), 1);
  assert_int_equal(oikos_streak(6, true), 7);
  assert_int_equal(oikos_streak(6, false), 0); // in a row
}

static oikos_config *config_of(const char *text) {
  static oikos_config config;
  oikos_error err;
  oikos_config_defaults(&config);
  CHECK_OK(oikos_config_parse(&config, "test", text, strlen(text), &err));
  return &config;
}

static void test_can_leave_out(void **state) {
  (void)state;
  assert_false(oikos_can_leave_out(config_of("steps: 3")));
  assert_true(oikos_can_leave_out(config_of("learners: {rollback: 5}")));
  assert_true(oikos_can_leave_out(config_of("aggregation: {rule: clip}")));
}

static void check_refused(const char *text, const char *key) {
  oikos_error err;
  char whole[256];
  snprintf(whole, sizeof whole, "model: {layers: [dense: 1]}\n%s", text);
  assert_int_equal(oikos_config_check(config_of(whole), &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, key));
}

static void test_check(void **state) {
  (void)state;
  oikos_error err;
  check_refused("learners: {rollback: 0.5}", "learners.rollback is 0.5");
  check_refused("learners: {patience: 3}", "set learners.rollback");
  CHECK_OK(oikos_config_check(
      config_of("model: {layers: [dense: 1]}\nlearners: {rollback: 1, patience: 3}"), &err));
  CHECK_OK(oikos_config_check(
      config_of("model: {layers: [dense: 1]}\nlearners: {patience: 3}\naggregation: {rule: clip}"),
      &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_diverged),
      cmocka_unit_test(test_streak),
      cmocka_unit_test(test_can_leave_out),
      cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
