/* SPDX-License-Identifier: MIT
 * Means of what was drawn from few units: by hand; against ratios of clusters, and the jackknife by
 * leaving each class out; and how often their intervals hold the truth where it is known, which
 * those over episodes seldom do. */
#include "check.h"

#include <stdbool.h>

#include "base/random.h"
#include "math/student.h"
#include "math/unit_mean.h"

enum { MOST = 1000, MOST_UNITS = 100, SAMPLES = 2000 };

typedef struct sample {
  size_t n, each;
  double y[MOST];
  int64_t unit[MOST * 5];
  oikos_unit_scratch scratch;
} sample;

static sample *sample_of(size_t each) {
  oikos_error err;
  sample *s = array(1, sizeof *s);
  s->each = each;
  CHECK_OK(oikos_unit_scratch_create(MOST, each, MOST_UNITS, &s->scratch, &err));
  return s;
}

static void sample_free(sample *s) {
  oikos_unit_scratch_destroy(&s->scratch);
  free(s);
}

static oikos_ratio mean_of(sample *s) {
  return oikos_unit_mean(s->n, s->y, s->unit, &s->scratch);
}

static void test_by_hand(void **state) {
  (void)state;
  static const double y[] = {1, 3, 8, 2, 4};
  static const int64_t unit[] = {7, 7, 3, 7, 3};
  oikos_error err;
  oikos_unit_scratch alone, groups;
  CHECK_OK(oikos_unit_scratch_create(5, 0, 0, &alone, &err));
  CHECK_OK(oikos_unit_scratch_create(5, 1, 8, &groups, &err));
  // no units: variance of y 7.3
  oikos_ratio r = oikos_unit_mean(5, y, NULL, &alone);
  check_near(r.value, 3.6, 1e-15, 0, 0, "mean");
  check_near(r.interval, 2.776445 * sqrt(7.3 / 5), 1e-6, 0, 0, "interval");
  assert_int_equal(r.units, 5);
  // groups of 3 and 2, with sums 6 and 12: residuals -4.8 and 4.8
  r = oikos_unit_mean(5, y, unit, &groups);
  check_near(r.value, 3.6, 1e-15, 0, 1, "mean");
  check_near(r.interval, 12.7062047362 * sqrt(2 * 2 * 4.8 * 4.8) / 5, 1e-9, 0, 1, "interval");
  assert_int_equal(r.units, 2);
  // pooled: 2 and 6 over 1 each
  static const double one[] = {1, 1, 1, 1, 1}, many[] = {2, 2, 1, 2, 3};
  r = oikos_unit_root_mean(5, y, one, unit, &groups);
  check_near(r.value, (sqrt(2) + sqrt(6)) / 2, 1e-15, 0, 2, "root");
  check_near(r.interval, 12.7062047362 * (sqrt(6) - sqrt(2)) / 2, 1e-9, 0, 2, "interval");
  r = oikos_unit_root_mean(5, y, many, unit, &groups); // 6 over 6, 12 over 4
  check_near(r.value, (1 + sqrt(3)) / 2, 1e-15, 0, 3, "root");
  // one group, one value, none, and what is not finite
  r = oikos_unit_mean(2, y, unit, &groups);
  assert_true(r.value == 2 && isnan(r.interval) && r.units == 1);
  r = oikos_unit_mean(1, y, NULL, &alone);
  assert_true(r.value == 1 && isnan(r.interval) && r.units == 1);
  r = oikos_unit_mean(0, y, unit, &groups);
  assert_true(isnan(r.value) && isnan(r.interval) && r.units == 0);
  static const double bad[] = {1, NAN, 3, INFINITY};
  r = oikos_unit_mean(3, bad, unit, &groups);
  assert_true(isnan(r.value) && isnan(r.interval));
  r = oikos_unit_mean(4, bad, NULL, &alone);
  assert_true(!isfinite(r.value) && isnan(r.interval));
  r = oikos_unit_root_mean(3, bad, one, unit, &groups);
  assert_true(isnan(r.value) && isnan(r.interval));
  oikos_unit_scratch_destroy(&alone);
  oikos_unit_scratch_destroy(&groups);
}

/* All sets of 2 of C classes, with values of their own: the interval is that of the jackknife, by
 * leaving out each class with all sets that it is in. */
static void test_jackknife(void **state) {
  (void)state;
  enum { C = 7, PAIRS = C * (C - 1) / 2 };
  sample *s = sample_of(2);
  double left[C] = {0}, mean = 0, squares = 0, alone = 0;
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  double of[C];
  for (int64_t a = 0; a < C; a++) {
    of[a] = oikos_random_normal(&r);
    for (int64_t b = 0; b < a; b++, s->n++) {
      s->unit[2 * s->n] = a;
      s->unit[2 * s->n + 1] = b;
      s->y[s->n] = of[a] + of[b] + 0.3 * of[a] * of[b];
    }
  }
  for (size_t e = 0; e < PAIRS; e++)
    for (int64_t c = 0; c < C; c++)
      if (s->unit[2 * e] != c && s->unit[2 * e + 1] != c)
        left[c] += s->y[e] / (PAIRS - (C - 1));
  for (int c = 0; c < C; c++)
    mean += left[c] / C;
  for (int c = 0; c < C; c++)
    squares += (left[c] - mean) * (left[c] - mean) * (C - 1) / C;
  for (size_t e = 0; e < PAIRS; e++) // of which the noise of single episodes is taken away
    alone += (s->y[e] - mean) * (s->y[e] - mean);
  double f = C * (C - 1) / 25., g = (f * PAIRS * 2 * (1 - 2. / C) - PAIRS) / (PAIRS - 1),
         expected = squares - g * alone / ((double)PAIRS * PAIRS);
  oikos_ratio found = mean_of(s);
  assert_true(expected > alone / PAIRS / (PAIRS - 1)); // so that this is what is found
  check_near(found.value, mean, 1e-12, 0, 0, "mean");
  check_near(found.interval, oikos_student_95(C - 1) * sqrt(expected), 1e-12, 0, 0, "interval");
  assert_int_equal(found.units, C);
  sample_free(s);
}

/* A unit that is named twice in a value counts once there; with no more classes than a value has
 * there is no interval. */
static void test_same_classes(void **state) {
  (void)state;
  sample *s = sample_of(2);
  for (s->n = 0; s->n < 10; s->n++) {
    s->y[s->n] = (double)s->n;
    s->unit[2 * s->n] = 0;
    s->unit[2 * s->n + 1] = 1;
  }
  oikos_ratio r = mean_of(s);
  assert_true(r.value == 4.5 && isnan(r.interval) && r.units == 2);
  for (size_t e = 0; e < s->n; e++)
    s->unit[2 * e] = s->unit[2 * e + 1] = (int64_t)e % 5;
  oikos_ratio twice = mean_of(s);
  assert_true(twice.units == 5 && twice.interval > 0);
  sample_free(s);
}

/* A value is the mean of what its units are, and noise of its own. Skewed: units differ as a square
 * of a normal number does. */
typedef struct world {
  size_t units, n, each;
  double of_units, noise;
  bool skewed;
} world;

/* Values are of one unit each in turn, or of `each` different ones at random. */
static void draw_sample(const world *w, uint64_t number, sample *s) {
  double of[MOST_UNITS];
  int64_t scratch[MOST_UNITS];
  oikos_random r = oikos_random_at(2, OIKOS_DRAW_CHECK, w->units + 1000 * w->each, number);
  for (size_t u = 0; u < w->units; u++) {
    double x = oikos_random_normal(&r);
    of[u] = w->of_units * (w->skewed ? (x * x - 1) / sqrt(2) : x);
  }
  s->n = w->n;
  for (size_t e = 0; e < w->n; e++) {
    int64_t *unit = s->unit + e * w->each;
    if (w->each == 1)
      *unit = (int64_t)(e % w->units);
    else
      oikos_random_choose(&r, (int64_t)w->units, (int64_t)w->each, unit, scratch);
    s->y[e] = w->noise * oikos_random_normal(&r);
    for (size_t j = 0; j < w->each; j++)
      s->y[e] += of[unit[j]] / (double)w->each;
  }
}

/* Shares of intervals that hold the truth, 0: of units; [1]: of 1.96 standard errors over values,
 * as they were once taken. The deviation of a share of 95 % is 0.5 %. */
static double coverage(const world *w, double *naive) {
  sample *s = sample_of(w->each);
  double held = 0;
  *naive = 0;
  for (uint64_t number = 0; number < SAMPLES; number++) {
    draw_sample(w, number, s);
    oikos_ratio r = mean_of(s), alone = oikos_ratio_mean(s->n, 1, s->y);
    held += (fabs(r.value) <= r.interval) / (double)SAMPLES;
    *naive += (fabs(alone.value) <= 1.96 / oikos_student_95(alone.units - 1) * alone.interval) /
              (double)SAMPLES;
  }
  sample_free(s);
  if (getenv("OIKOS_LONG"))
    print_message("%zu values of %zu of %zu units each, deviations %g and %g%s: %.4f of the "
                  "intervals hold the truth; over values %.4f\n",
                  w->n, w->each, w->units, w->of_units, w->noise, w->skewed ? ", skewed" : "", held,
                  *naive);
  return held;
}

static void test_groups(void **state) {
  (void)state;
  static const size_t groups[] = {3, 6, 12};
  double naive;
  for (int k = 0; k < 3; k++) {
    const world often = {groups[k], 1000, 1, 1, 1, false},
                once = {groups[k], groups[k], 1, 1, 1, false},
                noisy = {groups[k], 997, 1, 0.1, 3, false},
                skewed = {groups[k], 1000, 1, 1, 1, true};
    double share[] = {coverage(&once, &naive), coverage(&noisy, &naive), coverage(&often, &naive)};
    for (int i = 0; i < 3; i++)
      if (!(share[i] > 0.93 && share[i] < 0.97))
        fail_msg("%zu groups, case %d: %.4f of the intervals hold the truth", groups[k], i,
                 share[i]);
    assert_true(naive < 0.3);
    coverage(&skewed, &naive); // what nobody promises
  }
}

/* Of classes, of which each value has several: no less than what is promised, unless there are next
 * to none. */
static void test_classes(void **state) {
  (void)state;
  static const world worlds[] = {
      {20, 1000, 5, 1, 0.2, false}, {100, 1000, 5, 1, 0.2, false}, {100, 1000, 5, 1, 5, false},
      {100, 200, 5, 1, 1, false},   {12, 1000, 3, 1, 0.2, false},
  };
  double naive;
  for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
    double share = coverage(&worlds[i], &naive);
    if (!(share > 0.93 && share < 0.985))
      fail_msg("classes, case %zu: %.4f of the intervals hold the truth", i, share);
    assert_true(i > 0 || naive < 0.5);
  }
  coverage(&(const world){4, 1000, 3, 1, 0.2, false}, &naive);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),      cmocka_unit_test(test_jackknife),
      cmocka_unit_test(test_same_classes), cmocka_unit_test(test_groups),
      cmocka_unit_test(test_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
