/* SPDX-License-Identifier: MIT
 *
 * Exact sums: the same bits in any order. Each term is rounded once to a multiple of 2^g, g shared
 * by a segment (a tensor) and by all ranks, and the multiples are added as 64-bit integers, which
 * is associative: threads and the all-reduce may add in any order. (The idea of Demmel and Nguyen,
 * "Parallel reproducible summation", IEEE TC 2015, with one bin whose place follows the data.)
 *
 * The place: a segment's exponent E bounds its terms, |x| < 2^E, and g = E + ceil(log2 terms) - 62,
 * so that no sum of `max_terms` terms can wrap. How large the terms were rides along in the sum
 * itself: one counter per segment and bucket of 8 binades. After the sum everybody knows the
 * largest bucket. If a term did not fit (it was left out) or E lies more than 24 above it (the grid
 * is too coarse), the exponent is placed anew and the step computed again; else the next E is one
 * bucket above the largest.
 *
 * Error: at most terms * 2^(g-1) plus the last rounding to real. With E at most 24 above the
 * largest term and 2^10 terms this is 2^-19 of the largest term if every rounding falls the same
 * way, and 2^-24 for roundings that do not; with E in its usual place, 8 above, it is 2^-35 and
 * 2^-40.
 *
 * What is small beside its own segment: with b = ceil(log2 terms), a number below 2^(b-55) to
 * 2^(b-47) of the segment's largest term rounds to 0 (2^-50 to 2^-42 for 25 learners, 2^-35 to
 * 2^-27 for a million), as the largest one lies in its bucket; in a step in which all terms of a
 * segment have fallen at once by 2^8 to 2^16, below 2^(b-31). Floating point would keep it, and an
 * optimizer that divides by the gradient's size, as Adam, would make a step of it: a column of a
 * weight matrix whose input is that small, or a row of an embedding table whose gradients are, gets
 * none. unit.exact_sum measures that.
 *
 * In fast mode the terms are added in floating point as they are, for comparison.
 */
#ifndef OIKOS_MATH_EXACT_SUM_H
#define OIKOS_MATH_EXACT_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "math/lane_product.h"
#include "oikos/error.h"
#include "oikos/real.h"

enum { OIKOS_BUCKET_BITS = 8, OIKOS_MIN_EXPONENT = -160, OIKOS_BUCKETS = 40, OIKOS_MAX_SLACK = 24 };

/** Segments, their exponents and the counters: what all accumulators share. */
typedef struct oikos_grid oikos_grid;

/** An accumulator, and after a reduction the sum over ranks. */
typedef struct oikos_sum {
  int64_t *words; /* (oikos_grid_words) counters, buckets and, unless fast, the sums on the grid */
  oikos_real *plain; /* (oikos_grid_plain) fast: the sums; else nothing */
  int64_t *local;    /* the words to accumulate in; a reduction may leave its result elsewhere */
  void *shared; /* of dist/shared_sum.h, where the words are not this rank's alone; else NULL */
} oikos_sum;

/**
 * @param sizes      numbers in each segment
 * @param max_terms  most terms that are ever added to a segment, over all ranks
 * @param n_counters exact counts for the caller's use; counter 0 is taken: terms that were not
 * finite
 */
oikos_status oikos_grid_create(int n_segments, const size_t *sizes, int64_t max_terms,
                               int n_counters, bool fast, oikos_grid **grid, oikos_error *err);
void oikos_grid_destroy(oikos_grid *grid);

size_t oikos_grid_words(const oikos_grid *grid);
size_t oikos_grid_plain(const oikos_grid *grid);
int oikos_grid_segments(const oikos_grid *grid);

/** The exponents (n_segments): state that belongs in a checkpoint. */
int32_t *oikos_grid_exponents(oikos_grid *grid);

oikos_status oikos_sum_create(const oikos_grid *grid, oikos_sum *sum, oikos_error *err);
void oikos_sum_destroy(oikos_sum *sum);
/** Begin anew, in the sum's own words. */
void oikos_sum_zero(const oikos_grid *grid, oikos_sum *sum);

/** Add weight * x, a term of this segment; between oikos_sum_zero and a reduction. False if a
 * number is not finite (2^126 and above counts as that): then only counter 0 changes. */
bool oikos_sum_add(const oikos_grid *grid, oikos_sum *sum, int segment, const oikos_real *x,
                   oikos_real weight);

/**
 * The same for numbers that stand elsewhere: add weight * x (n) to words (n) on the segment's grid,
 * where the segment itself may be empty. What was met is noted in @p sum, and words are to be added
 * up over the ranks by the caller.
 */
bool oikos_sum_add_to(const oikos_grid *grid, oikos_sum *sum, int segment, size_t n,
                      const oikos_real *x, oikos_real weight, int64_t *words);

/**
 * Add terms of learners in lockstep, x (size of the segment, OIKOS_LOCKSTEP), of the first @p count
 * lanes; the others hold finite numbers that do not count. As oikos_sum_add with a weight of 1 for
 * each, but where one does not fit or is not finite, none of them need be added: the sum is of no
 * use then.
 * @param finite  (count) becomes false where a number is not finite
 */
void oikos_sum_add_lanes(const oikos_grid *grid, oikos_sum *sum, int segment, const oikos_real *x,
                         size_t count, bool *finite);

/** out (n) = scale * words (n), which stand on the segment's grid. Before oikos_grid_refit. */
void oikos_sum_read(const oikos_grid *grid, int segment, size_t n, const int64_t *words,
                    double scale, oikos_real *out);

/** Add another accumulator. */
void oikos_sum_merge(const oikos_grid *grid, oikos_sum *sum, const oikos_sum *other);

/** Given the sum over all ranks: whether a term did not fit, or the grid was too coarse for all
 * terms of a segment, so that this step is to be computed again after oikos_grid_refit. */
bool oikos_grid_misplaced(const oikos_grid *grid, const oikos_sum *sum);

/** Given the sum over all ranks, place the exponents for the next step. Returns
 * oikos_grid_misplaced. */
bool oikos_grid_refit(oikos_grid *grid, const oikos_sum *sum);

/** out (size of the segment) = scale * the sum. Before oikos_grid_refit. */
void oikos_sum_get(const oikos_grid *grid, const oikos_sum *sum, int segment, double scale,
                   oikos_real *out);

#endif
