/* SPDX-License-Identifier: MIT
 *
 * Ratios of sums over clusters, and how far they can be trusted. A cluster is what was drawn as a
 * whole: a user with n_i ratings, whose errors are not independent. With S_i the sum of its squared
 * errors, R = sum S_i / sum n_i is the mean squared error over all ratings, whatever their number
 * per user. Intervals are at 95 %, by linearisation of the ratio (Cochran, "Sampling techniques",
 * 3rd edition, 1977, sections 2.11 and 6.3, without correction for a finite population):
 *
 *   half width of R = t sqrt( m / (m - 1)  sum (S_i - R n_i)^2 ) / sum n_i
 *
 * with t Student's quantile at m - 1 degrees of freedom, and by the delta method for functions of
 * it: that of sqrt(R) is the one of R over 2 sqrt(R). Where all n_i are the same, R is the mean of
 * the clusters' means, and its interval the usual one of a mean. Of users as unlike as in
 * tests/unit/test_ratio.c the interval of sqrt(R) holds the truth in 94 % of samples of 400,
 * 92 % of 100, 89 % of 30. A user that was drawn several times is one cluster: add its
 * sums up first.
 *
 * Cluster i of m has its numbers at [i * stride] of each array (1: dense), so that columns of a
 * table can be given. Sums are taken in order: the same bits everywhere.
 */
#ifndef OIKOS_MATH_RATIO_H
#define OIKOS_MATH_RATIO_H

#include <stddef.h>
#include <stdint.h>

/** An estimate and the half width of its interval: value +- interval. The value is NaN if the
 * divisor sums to 0; the interval is NaN for fewer than two clusters, which have none. */
typedef struct oikos_ratio {
  double value, interval;
  int64_t units; /**< clusters that count: those with n_i > 0 */
} oikos_ratio;

/** sum s_i / sum n_i. */
oikos_ratio oikos_ratio_of(size_t m, size_t stride, const double *s, const double *n);

/** sqrt(sum s_i / sum n_i), all s_i >= 0: from sums of squared errors the root mean square error.
 */
oikos_ratio oikos_ratio_root(size_t m, size_t stride, const double *s, const double *n);

/**
 * Two root mean square errors on the same ratings: rmse_a - rmse_b, below 0 if a is better. What
 * they have in common cancels in the interval: it can exclude 0 where their own intervals overlap.
 * @param a, b  sums of squared errors of the two
 */
oikos_ratio oikos_ratio_difference(size_t m, size_t stride, const double *a, const double *b,
                                   const double *n);

/** The same as a share: 1 - rmse_a / rmse_b, above 0 if a is better. As both errors are over the
 * same ratings, their numbers cancel. */
oikos_ratio oikos_ratio_gain(size_t m, size_t stride, const double *a, const double *b);

/** Mean of x over the clusters where it is not NaN, each counting the same. */
oikos_ratio oikos_ratio_mean(size_t m, size_t stride, const double *x);

#endif
