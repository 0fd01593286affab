/* SPDX-License-Identifier: MIT
 *
 * The mean of what was drawn again and again from few units, and how far it can be trusted. An
 * evaluation draws as many episodes as it likes, but from so many held-out groups of a table, or
 * classes of images: more episodes tell more about these, and nothing about the others, which the
 * mean is to speak of as well. What was drawn at random is the unit.
 *
 * - Values of no unit: each is drawn for itself. Student's interval of a mean.
 * - Values of one unit each: units are clusters (math/ratio.h). The mean is over values.
 * - Values of several units each, as an episode is of N of C classes: two values that share a class
 *   are not independent. With r_e = y_e - mean and D_c = the sum of r_e over the n_c episodes that
 *   class c is in, the variance of the mean of E values is estimated as
 *
 *     ( f sum_c D_c^2 - g sum_e r_e^2 ) / E^2,   f = C (C - 1) / (C - N)^2,
 *     g = ( f sum_c n_c (1 - n_c / E) - E ) / (E - 1)
 *
 *   f sum D_c^2 / E^2 is the delete-one-class jackknife of a mean over all sets of N classes
 *   (Arvesen, "Jackknifing U-statistics", Annals of Mathematical Statistics 40, 1969; without f and
 *   with g = N - 1 it is the sum over all pairs of episodes that share a class, as for dyads:
 *   Aronow, Samii and Assenova, "Cluster-robust variance estimation for dyadic data", Political
 *   Analysis 23, 2015). It counts the noise of each single episode once for each of its classes; g,
 *   which is 0 for N = 1, takes that away, so that the estimate is unbiased both if all episodes
 *   are independent and if all that differs are the classes. It is taken to be no less than
 *   that of independent values. Student's t is at min(C, E) - 1 degrees of freedom. For C <= N
 * there is no interval: every episode is of the same classes.
 */
#ifndef OIKOS_MATH_UNIT_MEAN_H
#define OIKOS_MATH_UNIT_MEAN_H

#include "math/ratio.h"
#include "oikos/error.h"

/** Memory for up to `most` values of `each` units, numbered from 0 below `units`. */
typedef struct oikos_unit_scratch {
  size_t most, each;
  int64_t *place;      /* (units) of a unit in those below; -1, but during a call */
  int64_t *last;       /* (most * each) the last value that counted it */
  double *sum, *count; /* (most * each) */
} oikos_unit_scratch;

oikos_status oikos_unit_scratch_create(size_t most, size_t each, size_t units,
                                       oikos_unit_scratch *scratch, oikos_error *err);
void oikos_unit_scratch_destroy(oikos_unit_scratch *scratch);

/**
 * Mean and interval of n values; with scratch->each units of each.
 * @param unit  (n, each); a unit may be named twice in a value, and counts once there
 */
oikos_ratio oikos_unit_mean(size_t n, const double *y, const int64_t *unit,
                            oikos_unit_scratch *scratch);

/** The same of the roots of what is pooled over each unit: with S_u the sum of s and N_u that of
 * number over unit u's values, the mean of sqrt(S_u / N_u) over units. Of one unit each, or none.
 */
oikos_ratio oikos_unit_root_mean(size_t n, const double *s, const double *number,
                                 const int64_t *unit, oikos_unit_scratch *scratch);

#endif
