/* SPDX-License-Identifier: MIT
 *
 * Matrix products of few rows, as a learner's few examples make them, by kernels of our own: in
 * such products OpenBLAS spends a third of its time beside the multiply-adds. Each number is
 * computed in an order that depends on neither its row nor its column, nor on addresses.
 */
#ifndef OIKOS_MATH_SMALL_PRODUCT_H
#define OIKOS_MATH_SMALL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "oikos/real.h"

/** As oikos_gemm_nn, _nt and _tn of math/blas.h; false, with nothing done: this shape is better
 * left to OpenBLAS. Always so without fused multiply-adds, which OpenBLAS looks for when it starts.
 */
bool oikos_small_nn(size_t m, size_t n, size_t k, const oikos_real *a, const oikos_real *b,
                    oikos_real beta, oikos_real *c);
bool oikos_small_nt(size_t m, size_t n, size_t k, const oikos_real *a, const oikos_real *b,
                    oikos_real beta, oikos_real *c);
bool oikos_small_tn(size_t m, size_t n, size_t k, const oikos_real *a, const oikos_real *b,
                    oikos_real beta, oikos_real *c);

#endif
