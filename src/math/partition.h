/* SPDX-License-Identifier: MIT
 *
 * A row of items, each with a cost, is cut into consecutive blocks so that the dearest block is as
 * cheap as can be ("chains-on-chains" partitioning). Whether blocks of a given cost suffice is told
 * by filling one after the other; the least cost that does is found by bisection (Pinar and
 * Aykanat, "Fast optimal load balancing algorithms for 1D partitioning", J. Parallel and
 * Distributed Computing 64, 2004, sections 2 and 3). Whole numbers, so that all who cut the same
 * row make the same cuts.
 */
#ifndef OIKOS_MATH_PARTITION_H
#define OIKOS_MATH_PARTITION_H

#include <stdint.h>

/** n items; the first i of them cost before[i] together. */
typedef struct oikos_row_cost {
  int64_t n;
  const int64_t *before; /* (n + 1), from 0, never falling */
} oikos_row_cost;

/**
 * Cut a row into blocks of at most @p most items; parts * most >= n. Block k is items bound[k] ..
 * bound[k + 1] - 1, and may be empty. Of the best cuts, those nearest to even costs are made.
 * @param[out] bound  (parts + 1)
 * @return the cost of the dearest block
 */
int64_t oikos_partition(oikos_row_cost row, int64_t parts, int64_t most, int64_t *bound);

#endif
