/* SPDX-License-Identifier: MIT
 *
 * Matrix products of OIKOS_LOCKSTEP learners at once, one in each lane of a vector: a number of a
 * matrix is OIKOS_LOCKSTEP numbers, one of each learner. A lane never sees its neighbours, and each
 * of its numbers is one chain of fused multiply-adds, in the order of the terms and of their depth:
 * the same bits whoever is in the other lanes, on every processor that has them.
 */
#ifndef OIKOS_MATH_LANE_PRODUCT_H
#define OIKOS_MATH_LANE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "oikos/real.h"

/** As many on every processor; two numbers of one learner share a vector of 64 bytes. */
enum { OIKOS_LOCKSTEP = 8 };

/** sum over k < depth of X(i,k) Y(k,j). X(i,k) begins at x + i x_row + k x_step, and is one number
 * for all lanes if it is shared; Y(k,0) at y + k y_step, with its row behind it. */
typedef struct oikos_lane_term {
  size_t depth;
  bool shared;
  const oikos_real *x;
  size_t x_row, x_step;
  const oikos_real *y;
  size_t y_step;
} oikos_lane_term;

/** C (rows, columns) = the start + all terms; with a scale, start + scale * (all terms). Rows of C
 * begin c_row numbers apart, those of the start start_row. */
typedef struct oikos_lane_product {
  size_t rows, columns;
  int n_terms;
  const oikos_lane_term *term;
  const oikos_real *start; /* may be C; NULL: zeros */
  size_t start_row;
  bool start_shared;       /* one number for all lanes */
  bool start_repeats;      /* one for all columns */
  const oikos_real *scale; /* (OIKOS_LOCKSTEP), or NULL */
  oikos_real *c;
  size_t c_row;
} oikos_lane_product;

/** Whether the library's level has fused multiply-adds: without them nothing goes by lanes. */
bool oikos_lanes_are_fused(void);

void oikos_lane_multiply(const oikos_lane_product *product);

#endif
