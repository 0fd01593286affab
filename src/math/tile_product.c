/* SPDX-License-Identifier: MIT
 * A length that is no multiple of a vector's ends with a vector that overlaps the one before. */
#include "math/tile_product.h"

#include "math/vectors.h"

typedef oikos_real real;

#ifdef OIKOS_HAS_KERNELS

typedef oikos_vector vector;

enum { ROWS = OIKOS_TILE_ROWS, WIDE = OIKOS_TILE_VECTORS, MOST_WEIGHTS = 65536 };

/* C (m,n) = beta C + A B, where A's number (i,l) stands at a[i * row + l * column]; B (k,n). */
typedef struct tile_product {
  size_t m, n, k;
  const real *a, *b;
  real beta;
  real *c;
} tile_product;

/* `rows` rows of C from row i, `wide` vectors of each from column j; the last one is at `last`. */
OIKOS_INLINE void tile(int rows, int wide, const tile_product *p, size_t row, size_t column,
                       size_t i, size_t j, size_t last) {
  size_t n = p->n;
  const real *a = p->a + i * row;
  real *c = p->c + i * n;
  vector sum[ROWS][WIDE];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++) {
      const real *from = c + (size_t)r * n + oikos_tile_column(w, wide, j, last);
      sum[r][w] = p->beta == 0 ? (vector){0} : p->beta * oikos_load(from);
    }
  for (size_t l = 0; l < p->k; l++) {
    vector y[WIDE];
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      y[w] = oikos_load(p->b + l * n + oikos_tile_column(w, wide, j, last));
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      real x = a[(size_t)r * row + l * column];
#pragma GCC unroll 16
      for (int w = 0; w < wide; w++)
        sum[r][w] += x * y[w];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      oikos_store(c + (size_t)r * n + oikos_tile_column(w, wide, j, last), sum[r][w]);
}

OIKOS_INLINE void tile_nn(int rows, int wide, const void *job, size_t i, size_t j, size_t last) {
  const tile_product *p = job;
  tile(rows, wide, p, p->k, 1, i, j, last);
}

OIKOS_INLINE void tile_tn(int rows, int wide, const void *job, size_t i, size_t j, size_t last) {
  const tile_product *p = job;
  tile(rows, wide, p, 1, p->m, i, j, last);
}

static bool suits(size_t weights, size_t length) {
  return weights >= 1 && weights <= MOST_WEIGHTS && length >= OIKOS_LANES;
}

bool oikos_tile_nn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta, real *c) {
  if (!suits(n * k, n))
    return false;
  tile_product p = {m, n, k, a, b, beta, c};
  oikos_tile_matrix(tile_nn, &p, m, n);
  return true;
}

bool oikos_tile_tn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta, real *c) {
  if (!suits(m * n, n))
    return false;
  tile_product p = {m, n, k, a, b, beta, c};
  oikos_tile_matrix(tile_tn, &p, m, n);
  return true;
}

#else

bool oikos_tile_nn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                   real *c) { // NOLINT(readability-non-const-parameter): as above
  (void)m, (void)n, (void)k, (void)a, (void)b, (void)beta, (void)c;
  return false;
}

bool oikos_tile_tn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta, real *c) {
  return oikos_tile_nn(m, n, k, a, b, beta, c);
}

#endif
