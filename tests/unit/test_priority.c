/* SPDX-License-Identifier: MIT
 * Priority of homes: the moving averages and the linear ranking against their closed forms, and
 * which configurations can have one. */
#include "check.h"

#include "learn/priority.h"

static oikos_config *config_of(const char *text) {
  static oikos_config config;
  oikos_error err;
  oikos_config_defaults(&config);
  CHECK_OK(oikos_config_parse(&config, "test", text, strlen(text), &err));
  return &config;
}

static oikos_priority priority_of(const oikos_config *config) {
  oikos_priority p;
  oikos_error err;
  CHECK_OK(oikos_priority_create(config, &p, &err));
  return p;
}

static void test_off(void **state) {
  (void)state;
  const oikos_config *config = config_of("home: {count: 3, owns: last}");
  oikos_priority p = priority_of(config);
  oikos_priority_rank(config, &p);
  assert_null(p.effort);
  assert_null(p.average);
  oikos_priority_destroy(&p);
}

/* After the first x, n steps of y: A = y + (x - y) (1 - d)^n. */
static void test_averages(void **state) {
  (void)state;
  const oikos_config *config = config_of("home: {count: 2, owns: last, priority: progress}");
  oikos_priority p = priority_of(config);
  oikos_priority_average(&p, 1, 7, 5);
  for (int n = 1; n <= 60; n++) {
    const double *a = p.average + OIKOS_N_AVERAGES;
    oikos_priority_average(&p, 1, 3, 2);
    check_near(a[OIKOS_AVERAGE_NORM], 3 + 4 * pow(0.95, n), 1e-13, 0, (size_t)n, "norm");
    check_near(a[OIKOS_AVERAGE_SLOW], 2 + 3 * pow(0.99, n), 1e-13, 0, (size_t)n, "slow");
    check_near(a[OIKOS_AVERAGE_FAST], 2 + 3 * pow(0.9, n), 1e-13, 0, (size_t)n, "fast");
  }
  assert_int_equal(p.steps[0], 0);
  assert_int_equal(p.steps[1], 61);
  oikos_priority_destroy(&p);
}

static void check_efforts(const oikos_config *config, oikos_priority *p, const double *expected) {
  oikos_priority_rank(config, p);
  for (int64_t h = 0; h < p->n_homes; h++)
    check_near(p->effort[h], expected[h], 0, 1e-15, (size_t)h, "effort");
}

static void test_gradient(void **state) {
  (void)state;
  const oikos_config *config =
      config_of("home: {count: 6, owns: last, priority: gradient, priority_strength: 0.6}");
  oikos_priority p = priority_of(config);
  check_efforts(config, &p, (double[]){1, 1, 1, 1, 1, 1}); // nobody has a past
  oikos_priority_average(&p, 2, 5, 0);
  check_efforts(config, &p, (double[]){1, 1, 1, 1, 1, 1}); // one has, and nobody to be ranked with
  oikos_priority_average(&p, 5, 1, 9);
  check_efforts(config, &p, (double[]){1, 1, 1.6, 1, 1, 0.4});
  oikos_priority_average(&p, 0, 3, 4);
  oikos_priority_average(&p, 3, 5, 8); // as large as that of 2
  check_efforts(config, &p, (double[]){0.8, 1, 1.4, 1.4, 1, 0.4});
  oikos_priority_destroy(&p);
}

/* Home 0 falls fast, 1 stays, 2 rises, 3 fell long ago. */
static void test_progress(void **state) {
  (void)state;
  const oikos_config *config =
      config_of("home: {count: 4, owns: last, priority: progress, priority_strength: 0.9}");
  oikos_priority p = priority_of(config);
  for (int n = 0; n < 300; n++) {
    oikos_priority_average(&p, 0, 1, 10 - 0.03 * n);
    oikos_priority_average(&p, 1, 9, 4);
    oikos_priority_average(&p, 2, 5, 1 + 0.01 * n);
    oikos_priority_average(&p, 3, 7, n < 10 ? 6 : 1);
  }
  check_efforts(config, &p, (double[]){1.9, 0.7, 0.1, 1.3});
  oikos_priority_destroy(&p);
}

static void check_refused(const char *text, const char *words) {
  oikos_error err;
  char whole[256];
  snprintf(whole, sizeof whole, "model: {layers: [dense: 4, dense: 1]}\n%s", text);
  assert_int_equal(oikos_config_check(config_of(whole), &err), OIKOS_USAGE);
  if (!strstr(err.message, words))
    fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void test_check(void **state) {
  (void)state;
  check_refused("home: {priority: gradient}", "home.count is 1");
  check_refused("home: {priority: gradient, count: 3, owns: all}", "home.owns is all");
  check_refused("home: {priority: progress, count: 3, owns: last}\naggregation: {rule: clip}",
                "aggregation.rule");
  check_refused("home: {priority: progress, count: 3, owns: last}\n"
                "distill: {weight: 0.5, teacher: peers}",
                "home.priority take another teacher");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_off),      cmocka_unit_test(test_averages),
      cmocka_unit_test(test_gradient), cmocka_unit_test(test_progress),
      cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
