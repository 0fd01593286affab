/* SPDX-License-Identifier: MIT
 * The BLAS calls of the numeric core, in either precision. Matrices are row-major and dense. A
 * vector is its own transpose, and OpenBLAS's plain products of small matrices are its fastest. */
#ifndef OIKOS_MATH_BLAS_H
#define OIKOS_MATH_BLAS_H

#include <stddef.h>

#include <cblas.h>

#include "oikos/real.h"

/** C (m,n) = A (m,k) B (k,n) + beta C. */
static inline void oikos_gemm_nn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c);
/** C (m,n) = A (m,k) B^T, B (n,k), + beta C. */
static inline void oikos_gemm_nt(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c);
/** C (m,n) = A^T, A (k,m), B (k,n) + beta C. */
static inline void oikos_gemm_tn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c);

#ifdef OIKOS_DOUBLE
#define OIKOS_GEMM cblas_dgemm
#else
#define OIKOS_GEMM cblas_sgemm
#endif

static inline void oikos_gemm_nn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  OIKOS_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
             (int)n, beta, c, (int)n);
}

static inline void oikos_gemm_nt(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (k == 1 || n == 1) {
    oikos_gemm_nn(m, n, k, a, b, beta, c);
    return;
  }
  OIKOS_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
             (int)k, beta, c, (int)n);
}

static inline void oikos_gemm_tn(size_t m, size_t n, size_t k, const oikos_real *a,
                                 const oikos_real *b, oikos_real beta, oikos_real *c) {
  if (m == 1 || k == 1) {
    oikos_gemm_nn(m, n, k, a, b, beta, c);
    return;
  }
  OIKOS_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)m, b,
             (int)n, beta, c, (int)n);
}

#endif
