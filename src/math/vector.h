/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_MATH_VECTOR_H
#define OIKOS_MATH_VECTOR_H

#include <stddef.h>

#include "oikos/real.h"

/** a . b over n numbers, in double, by sixteen sums in a fixed order: the same bits everywhere, and
 * room for vector units. */
double oikos_dot(size_t n, const oikos_real *a, const oikos_real *b);

/** The euclidean norm of x (n). */
double oikos_norm(size_t n, const oikos_real *x);

/** norm (rows) = the norms of the rows of x (rows, columns), each to the bit that of oikos_norm, in
 * less time for short rows. */
void oikos_norms(size_t rows, size_t columns, const oikos_real *x, double *norm);

/** sum (columns) += the column sums of a (rows, columns). */
void oikos_add_columns(size_t rows, size_t columns, const oikos_real *a, oikos_real *sum);

#endif
