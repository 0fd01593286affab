/* SPDX-License-Identifier: MIT
 * The matrix products of the numeric core, in either precision. Matrices are row-major and dense.
 * oikos_blas_* are OpenBLAS's: a vector is its own transpose there, and its plain products of small
 * matrices are its fastest. oikos_gemm_* are what a layer calls: those of few rows by kernels of
 * our own, the others OpenBLAS's. */
#ifndef OIKOS_MATH_BLAS_H
#define OIKOS_MATH_BLAS_H

#include <stddef.h>

#include <cblas.h>

#include "math/small_product.h"
#include "oikos/real.h"

#ifdef OIKOS_DOUBLE
#define OIKOS_GEMM cblas_dgemm
#else
#define OIKOS_GEMM cblas_sgemm
#endif

/** C (m,n) = A (m,k) B (k,n) + beta C. */
static inline void oikos_blas_nn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  OIKOS_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
             (int)n, beta, c, (int)n);
}

/** C (m,n) = A (m,k) B^T, B (n,k), + beta C. */
static inline void oikos_blas_nt(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (k == 1 || n == 1) {
    oikos_blas_nn(m, n, k, a, b, beta, c);
    return;
  }
  OIKOS_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
             (int)k, beta, c, (int)n);
}

/** C (m,n) = A^T, A (k,m), B (k,n) + beta C. */
static inline void oikos_blas_tn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (m == 1 || k == 1) {
    oikos_blas_nn(m, n, k, a, b, beta, c);
    return;
  }
  OIKOS_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)m, b,
             (int)n, beta, c, (int)n);
}

/** The same three, by whichever is faster for the shape. */
static inline void oikos_gemm_nn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (!oikos_small_nn(m, n, k, a, b, beta, c))
    oikos_blas_nn(m, n, k, a, b, beta, c);
}

static inline void oikos_gemm_nt(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (!oikos_small_nt(m, n, k, a, b, beta, c))
    oikos_blas_nt(m, n, k, a, b, beta, c);
}

static inline void oikos_gemm_tn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (!oikos_small_tn(m, n, k, a, b, beta, c))
    oikos_blas_tn(m, n, k, a, b, beta, c);
}

#endif
