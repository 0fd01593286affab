/* SPDX-License-Identifier: MIT
 * The one packed all-reduce of a step, and small ones outside it. */
#ifndef OIKOS_DIST_REDUCE_H
#define OIKOS_DIST_REDUCE_H

#include "dist/team.h"
#include "math/exact_sum.h"

/** sum = the sum over all ranks: of a sum made by oikos_shared_sum_create in memory of the node, to
 * be read until oikos_sum_zero; else in place. Exact sums travel as 64-bit integers; in fast mode
 * the numbers follow as they are. */
void oikos_reduce(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum);

/** x (n) = the sum over all ranks in floating point, in place: a bare MPI_Allreduce. */
void oikos_reduce_plain(const oikos_team *team, size_t n, oikos_real *x);

/** x (n) = the sum over all ranks, in place. Exact only where at most one rank holds a number other
 * than 0 at a place.
 */
void oikos_collect(const oikos_team *team, size_t n, double *x);

/** x (n) = the largest over all ranks at each place, in place. */
void oikos_largest(const oikos_team *team, size_t n, double *x);

/** x (n) = the sum, the largest or the smallest over all ranks at each place, in place. */
void oikos_sum_int64(const oikos_team *team, size_t n, int64_t *x);
void oikos_max_int64(const oikos_team *team, size_t n, int64_t *x);
void oikos_min_int64(const oikos_team *team, size_t n, int64_t *x);

#endif
