/* SPDX-License-Identifier: MIT
 * Ratios over clusters: by hand; against the slopes of each function in the weights of the
 * clusters, by finite differences; and how often their intervals hold the truth where it is known.
 */
#include "check.h"

#include "base/random.h"
#include "math/ratio.h"
#include "math/student.h"

enum { MOST = 400, SIZES = 20, WHAT = 4 };

/* What can be estimated, in this order: R of a, its root, the difference of roots, the gain. */
static const char *const what[WHAT] = {"ratio", "root", "difference", "gain"};

typedef struct sample {
  size_t m;
  double a[MOST], b[MOST], n[MOST];
} sample;

static void estimate_all(const sample *s, oikos_ratio *out) {
  out[0] = oikos_ratio_of(s->m, 1, s->a, s->n);
  out[1] = oikos_ratio_root(s->m, 1, s->a, s->n);
  out[2] = oikos_ratio_difference(s->m, 1, s->a, s->b, s->n);
  out[3] = oikos_ratio_gain(s->m, 1, s->a, s->b);
}

/* Their definitions, from the three sums. */
static void define_all(double a, double b, double n, double *out) {
  out[0] = a / n;
  out[1] = sqrt(a / n);
  out[2] = sqrt(a / n) - sqrt(b / n);
  out[3] = 1 - sqrt(a / n) / sqrt(b / n);
}

/* Users of 1 to 20 ratings. An error of model a is the user's own, of variance n / 20, and one of
 * variance 1 per rating; model b has another of variance 1/2 for each user. What follows the size,
 * and what is alike within a user, is what a simple mean gets wrong. */
static void draw_sample(uint64_t number, size_t m, sample *s) {
  oikos_random r = oikos_random_at(6, OIKOS_DRAW_CHECK, 0, number);
  *s = (sample){.m = m};
  for (size_t i = 0; i < m; i++) {
    s->n[i] = (double)(1 + oikos_random_below(&r, SIZES));
    double own = sqrt(s->n[i] / 20) * oikos_random_normal(&r),
           other = sqrt(0.5) * oikos_random_normal(&r);
    for (int j = 0; j < (int)s->n[i]; j++) {
      double e = own + oikos_random_normal(&r);
      s->a[i] += e * e;
      s->b[i] += (e + other) * (e + other);
    }
  }
}

/* E n = 21/2, E n^2 = 21 * 41 / 6; a squared error of a is 1 + n / 20 on average, of b 1/2 more. */
static void truth_of_samples(double *out) {
  double n = 21 / 2., squares = 21 * 41 / 6.;
  define_all(n + squares / 20, 1.5 * n + squares / 20, n, out);
}

static void test_by_hand(void **state) {
  (void)state;
  const double s[] = {2, 10}, n[] = {1, 3}; // R 3, residuals -1 and 1
  const double four[] = {8, 40}, x[] = {1, 2, 4, 5}, one[] = {1, 1, 1, 1};
  oikos_ratio r = oikos_ratio_of(2, 1, s, n), root = oikos_ratio_root(2, 1, s, n);
  check_near(r.value, 3, 1e-15, 0, 0, "ratio");
  check_near(r.interval, oikos_student_95(1) * 2 / 4, 1e-15, 0, 0, "interval");
  check_near(root.value, sqrt(3), 1e-15, 0, 0, "root");
  check_near(root.interval, oikos_student_95(1) / 2 / (2 * sqrt(3)), 1e-15, 0, 0,
             "interval of the root");
  // clusters of one: mean 3, variance 10/3
  r = oikos_ratio_of(4, 1, x, one);
  check_near(r.value, 3, 1e-15, 0, 1, "mean");
  check_near(r.interval, oikos_student_95(3) * sqrt(10 / 3. / 4), 1e-15, 0, 1,
             "interval of a mean");
  // twice the error everywhere: exactly half as good, and sure of it
  r = oikos_ratio_gain(2, 1, s, four);
  check_near(r.value, 0.5, 1e-15, 0, 2, "gain");
  check_near(r.interval, 0, 0, 1e-15, 2, "interval of a gain");
  r = oikos_ratio_difference(2, 1, s, s, n);
  assert_true(r.value == 0 && r.interval == 0);
}

/* The variance of a function of sums is that of its slopes in the weights of the clusters (the
 * infinitesimal jackknife). */
static void test_slopes(void **state) {
  (void)state;
  const double h = 1e-4;
  sample s;
  oikos_ratio found[WHAT];
  draw_sample(0, 50, &s);
  double sums[3] = {0}, squares[WHAT] = {0}, value[WHAT], up[WHAT], down[WHAT];
  for (size_t i = 0; i < s.m; i++)
    sums[0] += s.a[i], sums[1] += s.b[i], sums[2] += s.n[i];
  define_all(sums[0], sums[1], sums[2], value);
  for (size_t i = 0; i < s.m; i++) {
    define_all(sums[0] + h * s.a[i], sums[1] + h * s.b[i], sums[2] + h * s.n[i], up);
    define_all(sums[0] - h * s.a[i], sums[1] - h * s.b[i], sums[2] - h * s.n[i], down);
    for (int w = 0; w < WHAT; w++)
      squares[w] += pow((up[w] - down[w]) / (2 * h), 2);
  }
  estimate_all(&s, found);
  for (int w = 0; w < WHAT; w++) {
    check_near(found[w].value, value[w], 1e-12, 0, 0, what[w]);
    check_near(found[w].interval, oikos_student_95(49) * sqrt(50 / 49. * squares[w]), 1e-6, 0, 1,
               what[w]);
  }
}

/* How many of 2,000 samples have an interval that holds the truth; the deviation of such a share
 * of 95 % is 0.5 %. */
static void check_coverage(size_t m, double least) {
  enum { SAMPLES = 2000 };
  double truth[WHAT], share[WHAT] = {0};
  truth_of_samples(truth);
  for (uint64_t number = 0; number < SAMPLES; number++) {
    sample s;
    oikos_ratio found[WHAT];
    draw_sample(number, m, &s);
    estimate_all(&s, found);
    for (int w = 0; w < WHAT; w++)
      share[w] += (fabs(found[w].value - truth[w]) <= found[w].interval) / (double)SAMPLES;
  }
  for (int w = 0; w < WHAT; w++) {
    if (getenv("OIKOS_LONG"))
      print_message("%s of %zu clusters: %.4f of the intervals hold the truth\n", what[w], m,
                    share[w]);
    if (!(share[w] >= least && share[w] <= 0.965))
      fail_msg("%s of %zu clusters: %.4f of the intervals hold the truth", what[w], m, share[w]);
  }
}

static void test_coverage(void **state) {
  (void)state;
  check_coverage(MOST, 0.935);
  check_coverage(100, 0.91);
  check_coverage(30, 0.87);
}

/* What the errors of two models have in common is not counted. */
static void test_paired(void **state) {
  (void)state;
  sample s;
  draw_sample(1, MOST, &s);
  oikos_ratio a = oikos_ratio_root(MOST, 1, s.a, s.n), b = oikos_ratio_root(MOST, 1, s.b, s.n),
              pair = oikos_ratio_difference(MOST, 1, s.a, s.b, s.n);
  assert_true(pair.interval < 0.8 * sqrt(a.interval * a.interval + b.interval * b.interval));
}

static void test_columns(void **state) {
  (void)state;
  enum { COLUMNS = 7 };
  static double table[MOST * COLUMNS];
  static sample s;
  oikos_ratio found[WHAT];
  draw_sample(2, MOST, &s);
  for (size_t i = 0; i < MOST; i++) {
    table[i * COLUMNS] = s.b[i];
    table[i * COLUMNS + 3] = s.a[i];
    table[i * COLUMNS + 6] = s.n[i];
  }
  const double *a = table + 3, *b = table, *n = table + 6;
  const oikos_ratio columns[WHAT] = {
      oikos_ratio_of(MOST, COLUMNS, a, n), oikos_ratio_root(MOST, COLUMNS, a, n),
      oikos_ratio_difference(MOST, COLUMNS, a, b, n), oikos_ratio_gain(MOST, COLUMNS, a, b)};
  estimate_all(&s, found);
  assert_memory_equal(found, columns, sizeof found);
}

static void test_corners(void **state) {
  (void)state;
  sample s = {.m = 0};
  oikos_ratio found[WHAT];
  for (s.m = 0; s.m < 3; s.m++) {
    estimate_all(&s, found);
    for (int w = 0; w < WHAT; w++)
      assert_true(isnan(found[w].value) && isnan(found[w].interval) && found[w].units == 0);
  }
  const double nothing[] = {0, 0}, some[] = {1, 2};
  oikos_ratio r = oikos_ratio_root(2, 1, nothing, some); // no error at all
  assert_true(r.value == 0 && r.interval == 0);
  r = oikos_ratio_gain(2, 1, nothing, some);
  assert_true(r.value == 1 && r.interval == 0);
  r = oikos_ratio_difference(2, 1, nothing, some, some);
  assert_true(r.value == -1 && r.interval == 0);
  r = oikos_ratio_root(1, 1, some, some); // one cluster has no interval
  assert_true(r.value == 1 && isnan(r.interval) && r.units == 1);
  const double with_none[] = {0, 1, 2}, errors[] = {0, 1, 2.5}; // nothing was drawn of the first
  oikos_ratio three = oikos_ratio_of(3, 1, errors, with_none);
  r = oikos_ratio_of(2, 1, errors + 1, with_none + 1);
  assert_memory_equal(&r, &three, sizeof r);
  assert_int_equal(r.units, 2);
}

/* Of what is not NaN. */
static void test_mean(void **state) {
  (void)state;
  const double x[] = {1, 9, NAN, 9, 2, 9, 6};
  oikos_ratio r = oikos_ratio_mean(4, 2, x);
  check_near(r.value, 3, 1e-15, 0, 0, "mean");
  check_near(r.interval, 4.302652729749464 * sqrt(7 / 3.), 1e-9, 0, 0, "interval");
  assert_int_equal(r.units, 3);
  r = oikos_ratio_mean(1, 1, x);
  assert_true(r.value == 1 && isnan(r.interval) && r.units == 1);
  r = oikos_ratio_mean(1, 1, x + 2);
  assert_true(isnan(r.value) && isnan(r.interval) && r.units == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),  cmocka_unit_test(test_slopes),
      cmocka_unit_test(test_coverage), cmocka_unit_test(test_paired),
      cmocka_unit_test(test_columns),  cmocka_unit_test(test_corners),
      cmocka_unit_test(test_mean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
