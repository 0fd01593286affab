/* SPDX-License-Identifier: MIT
 *
 * Means of ordered numbers, the coordinate-wise rules of Yin, Chen, Ramchandran and Bartlett
 * ("Byzantine-robust distributed learning: towards optimal statistical rates", ICML 2018,
 * definitions 1 and 2). The result depends on the set of numbers alone, not on their order: they
 * are sorted first, and the sum is taken from the smallest on, in double.
 */
#ifndef OIKOS_MATH_ORDER_STATISTICS_H
#define OIKOS_MATH_ORDER_STATISTICS_H

#include <stddef.h>

#include "oikos/real.h"

/** Sort x (n) upwards, in place: heap sort, which needs no memory. No number may be NaN. */
void oikos_sort(size_t n, oikos_real *x);

/** The median of x (n >= 1), which is sorted by it: of an even n the mean of the two in the middle.
 */
oikos_real oikos_median(size_t n, oikos_real *x);

/** floor(trim n) of trim as it is written in decimals, which a double may be just below. */
size_t oikos_trimmed(size_t n, double trim);

/** The mean of x (n >= 1) without its oikos_trimmed smallest and as many largest, trim < 1/2; sorts
 * x. */
oikos_real oikos_trimmed_mean(size_t n, double trim, oikos_real *x);

#endif
