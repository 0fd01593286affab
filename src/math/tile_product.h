/* SPDX-License-Identifier: MIT
 *
 * Matrix products by a kernel that copies neither factor: a tile of C stays in registers while
 * numbers of A times vectors of B, whose rows lie along those of C, are added to it. Each number is
 * computed in an order that depends on neither its row nor its column, nor on addresses.
 */
#ifndef OIKOS_MATH_TILE_PRODUCT_H
#define OIKOS_MATH_TILE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "oikos/real.h"

/* The kernels are written in vectors as GCC knows them, and live by fused multiply-adds, which
 * OpenBLAS looks for when it starts. */
#if defined __GNUC__ && !defined __clang__ && defined __FP_FAST_FMAF && defined __FP_FAST_FMA
#define OIKOS_HAS_KERNELS
#endif

/** C (m,n) = A (m,k) B (k,n) + beta C; false, with nothing done: n does not fill a vector, B does
 * not stay in the second-level cache, or there are no kernels. */
bool oikos_tile_nn(size_t m, size_t n, size_t k, const oikos_real *a, const oikos_real *b,
                   oikos_real beta, oikos_real *c);

/** C (m,n) = A^T, A (k,m), B (k,n) + beta C; false likewise, of C in place of B. */
bool oikos_tile_tn(size_t m, size_t n, size_t k, const oikos_real *a, const oikos_real *b,
                   oikos_real beta, oikos_real *c);

#endif
