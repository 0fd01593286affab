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

/** |a - b| <= absolute + relative * max(|a|, |b|), for the index-th of something. */
static inline void check_near(double a, double b, double relative, double absolute, size_t index,
                              const char *what) {
  double largest = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
  if (!(fabs(a - b) <= absolute + relative * largest))
    fail_msg("%s[%zu]: %.17g and %.17g differ by %.3g (allowed: %.3g relative, %.3g absolute)",
             what, index, a, b, fabs(a - b), relative, absolute);
}

/** |a - b|_2 <= relative * |b|_2 over n numbers. */
static inline void check_vectors(size_t n, const oikos_real *a, const oikos_real *b,
                                 double relative, const char *what) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    double d = (double)a[i] - (double)b[i];
    difference += d * d;
    size += (double)b[i] * (double)b[i];
  }
  if (!(sqrt(difference) <= relative * sqrt(size)))
    fail_msg("%s: relative error %.3g, allowed %.3g", what, sqrt(difference / size), relative);
}

#endif
