/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_MATH_RAND_INDEX_H
#define OIKOS_MATH_RAND_INDEX_H

#include <stddef.h>
#include <stdint.h>

/**
 * The adjusted Rand index of two partitions of the same things: 1 where they agree, 0 on average
 * where they know nothing of each other (Hubert and Arabie, "Comparing partitions", Journal of
 * Classification 1985, equation 5).
 * @param count  (rows, columns) how many things are in part r of the one and part c of the other
 * @return NaN if it says nothing: both partitions trivial in the same way, or fewer than two things
 */
double oikos_adjusted_rand(size_t rows, size_t columns, const int64_t *count);

#endif
