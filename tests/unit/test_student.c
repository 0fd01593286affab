/* SPDX-License-Identifier: MIT
 * Student's quantile against printed tables, and against the integral of the density. */
#include "check.h"

#include "math/student.h"

/* Fisher and Yates, "Statistical tables", table III, P = 0.05; more digits where they are known. */
static void test_tables(void **state) {
  (void)state;
  static const struct {
    int64_t degrees;
    double t, error;
  } table[] = {
      {1, 12.7062047362, 1e-10},
      {2, 4.30265272975, 1e-10},
      {3, 3.182, 5e-4},
      {4, 2.776, 5e-4},
      {5, 2.571, 5e-4},
      {6, 2.447, 5e-4},
      {7, 2.365, 5e-4},
      {8, 2.306, 5e-4},
      {9, 2.262, 5e-4},
      {10, 2.228, 5e-4},
      {11, 2.201, 5e-4},
      {12, 2.179, 5e-4},
      {15, 2.131, 5e-4},
      {20, 2.086, 5e-4},
      {30, 2.042, 5e-4},
      {40, 2.021, 5e-4},
      {60, 2.000, 5e-4},
      {120, 1.980, 5e-4},
      {1000000000, 1.9599639845, 1e-8},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    check_near(oikos_student_95(table[i].degrees), table[i].t, 0, table[i].error, i, "t");
  assert_true(isnan(oikos_student_95(0)) && isnan(oikos_student_95(-1)));
}

static double density(double n, double x) {
  return exp(lgamma((n + 1) / 2) - lgamma(n / 2) - 0.5 * log(n * acos(-1)) -
             (n + 1) / 2 * log1p(x * x / n));
}

/* Simpson's rule over -t .. t. */
static double integral(double n, double t) {
  enum { PARTS = 20000 };
  double h = 2 * t / PARTS, sum = 0;
  for (int i = 0; i <= PARTS; i++)
    sum += (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2) * density(n, -t + i * h);
  return sum * h / 3;
}

static void test_integral(void **state) {
  (void)state;
  static const int64_t degrees[] = {1, 2, 3, 4, 5, 8, 13, 50, 199, 200, 201, 202, 400, 5000};
  for (size_t i = 0; i < sizeof degrees / sizeof *degrees; i++)
    check_near(integral((double)degrees[i], oikos_student_95(degrees[i])), 0.95, 0, 1e-10, i,
               "probability");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables),
                                     cmocka_unit_test(test_integral)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
