/* SPDX-License-Identifier: MIT
 * What every test needs: cmocka, and comparisons that say what differed (cmocka 1.1.5 compares
 * floats only). */
#ifndef OIKOS_TESTS_CHECK_H
#define OIKOS_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oikos/error.h"
#include "oikos/real.h"

/** A call must succeed; prints its message otherwise. */
#define CHECK_OK(call)                                                                             \
  do {                                                                                             \
    if ((call) != OIKOS_OK)                                                                        \
      fail_msg("%s: %s", #call, err.message);                                                      \
  } while (0)

/** What a comparison allows, by the precision that the library was built with. */
static inline double tolerance(double in_float, double in_double) {
  return sizeof(oikos_real) == sizeof(float) ? in_float : in_double;
}

/** Zeroed memory, released by free(). */
static inline void *array(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  assert_non_null(memory);
  return memory;
}

/** |a - b| <= absolute + relative * max(|a|, |b|), for the index-th of something. */
static inline void check_near(double a, double b, double relative, double absolute, size_t index,
                              const char *what) {
  double largest = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
  if (!(fabs(a - b) <= absolute + relative * largest))
    fail_msg("%s[%zu]: %.17g and %.17g differ by %.3g (allowed: %.3g relative, %.3g absolute)",
             what, index, a, b, fabs(a - b), relative, absolute);
}

/** |found - truth|_2 <= relative * |truth|_2 over n numbers. */
static inline void check_truth(size_t n, const oikos_real *found, const double *truth,
                               double relative, const char *what) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    double d = (double)found[i] - truth[i];
    difference += d * d;
    size += truth[i] * truth[i];
  }
  if (!(sqrt(difference) <= relative * sqrt(size)))
    fail_msg("%s: relative error %.3g, allowed %.3g", what, sqrt(difference / size), relative);
}

/** The same of two vectors of the library's precision. */
static inline void check_vectors(size_t n, const oikos_real *a, const oikos_real *b,
                                 double relative, const char *what) {
  double *truth = array(n, sizeof *truth);
  for (size_t i = 0; i < n; i++)
    truth[i] = (double)b[i];
  check_truth(n, a, truth, relative, what);
  free(truth);
}

#endif
