/* SPDX-License-Identifier: MIT
 * Where the second factor's rows lie along those of C (nn, tn), the kernel is that of
 * math/tile_product.h. In A B^T (nt) each number of C is a dot product along both rows: vectors of
 * partial sums are folded in the end. A length that is no multiple of a vector's ends with a vector
 * that overlaps the one before. */
#include "math/small_product.h"

#include "math/tile_product.h"
#include "math/vectors.h"

typedef oikos_real real;

#ifdef OIKOS_HAS_KERNELS

enum {
  MOST_ROWS = 24,       // examples; from there on OpenBLAS is as fast
  MOST_WEIGHTS = 65536, // of the other factor: it stays in the second-level cache
  LANES = OIKOS_LANES,
  QUAD = LANES < 4 ? LANES : 4, // dot products at a time
  QUADS = LANES / QUAD,
  DOT_ROWS = OIKOS_REGISTERS == 32 ? 5 : 2
};

typedef oikos_vector vector;
typedef oikos_lane lane;
typedef oikos_lanes lanes;

/* C (m,n) = beta C + A (m,k) B^T, B (n,k). */
typedef struct small_product {
  size_t m, n, k;
  const real *a, *b;
  real beta;
  real *c;
} small_product;

/* to = beta to + sum */
OIKOS_INLINE void put(real beta, real *to, vector sum) {
  oikos_store(to, beta == 0 ? sum : beta * oikos_load(to) + sum);
}

/* x and y hold sums in groups of `size` partial ones: halve the groups, x's come first. */
OIKOS_INLINE vector fold(vector x, vector y, int size) {
  lanes lower;
  int half = size / 2;
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) {
    int group = i / half;
    lower[i] = group * size + i % half; // LANES and more: y's
  }
  return __builtin_shuffle(x, y, lower) + __builtin_shuffle(x, y, lower + half);
}

/* The partial sums of QUAD dot products, QUADS each, in one vector. */
OIKOS_INLINE vector fold_quad(const vector *part) {
  vector first = fold(part[0], part[1], LANES);
  return QUAD == 2 ? first : fold(first, fold(part[QUAD - 2], part[QUAD - 1], LANES), LANES / 2);
}

/* sum (rows): QUAD dot products each, of rows of A with those of B, in groups of QUADS partial
 * sums. Of the last vector's numbers, `keep` are new. */
OIKOS_INLINE void dot(int rows, const small_product *p, const real *a, const real *const *b,
                      lanes keep, vector (*sum)[QUADS]) {
  size_t k = p->k, whole = k - k % LANES;
  vector part[DOT_ROWS][QUAD] = {0};
  for (size_t l = 0; l < whole; l += LANES) {
    vector y[QUAD];
#pragma GCC unroll 16
    for (int j = 0; j < QUAD; j++)
      y[j] = oikos_load(b[j] + l);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      vector x = oikos_load(a + (size_t)r * k + l);
#pragma GCC unroll 16
      for (int j = 0; j < QUAD; j++)
        part[r][j] += x * y[j];
    }
  }
  if (whole < k) {
    vector y[QUAD];
#pragma GCC unroll 16
    for (int j = 0; j < QUAD; j++)
      y[j] = oikos_load(b[j] + k - LANES);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      vector x = oikos_masked(keep, oikos_load(a + (size_t)r * k + k - LANES));
#pragma GCC unroll 16
      for (int j = 0; j < QUAD; j++)
        part[r][j] += x * y[j];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    sum[r][0] = fold_quad(part[r]);
}

/* All partial sums of a row's LANES dot products into one each. */
OIKOS_INLINE vector fold_all(const vector *sum) {
  if (QUADS == 4)
    return fold(fold(sum[0], sum[1], QUADS), fold(sum[2], sum[3], QUADS), 2);
  return QUADS == 2 ? fold(sum[0], sum[1], 2) : sum[0];
}

/* `rows` rows of C from row i, up to LANES columns from column j. */
OIKOS_INLINE void dots(int rows, const small_product *p, size_t i, size_t j, lanes keep) {
  if (rows > DOT_ROWS) // never asked for
    return;
  vector sum[DOT_ROWS][QUADS] = {0};
  size_t width = p->n - j < LANES ? p->n - j : LANES;
  for (size_t q = 0; q * QUAD < width; q++) {
    const real *b[QUAD];
#pragma GCC unroll 16
    for (size_t s = 0; s < QUAD; s++) {
      size_t line = q * QUAD + s < width ? q * QUAD + s : width - 1; // again, if there is no more
      b[s] = p->b + (j + line) * p->k;
    }
    dot(rows, p, p->a + i * p->k, b, keep, (vector(*)[QUADS]) & sum[0][q]);
  }
  for (int r = 0; r < rows; r++) {
    vector y = fold_all(sum[r]);
    real *c = p->c + (i + (size_t)r) * p->n + j;
    if (width == LANES)
      put(p->beta, c, y);
    else
      for (size_t s = 0; s < width; s++)
        c[s] = p->beta == 0 ? y[s] : p->beta * c[s] + y[s];
  }
}

static void multiply_dots(const small_product *p) {
  size_t blocks = oikos_blocks(p->m, DOT_ROWS);
  lanes keep;
  for (int s = 0; s < LANES; s++)
    keep[s] = -(lane)((size_t)s >= LANES - p->k % LANES);
  for (size_t j = 0; j < p->n; j += LANES)
    for (size_t block = 0; block < blocks; block++) {
      size_t i = oikos_block_begin(block, blocks, p->m);
      switch (oikos_block_begin(block + 1, blocks, p->m) - i) {
      case 1:
        dots(1, p, i, j, keep);
        break;
      case 2:
        dots(2, p, i, j, keep);
        break;
      case 3:
        dots(3, p, i, j, keep);
        break;
      case 4:
        dots(4, p, i, j, keep);
        break;
      default:
        dots(5, p, i, j, keep);
      }
    }
}

/* The rule: few examples, by weights that stay in the cache, in whole vectors. */
static bool suits(size_t examples, size_t weights, size_t length) {
  return examples >= 1 && examples <= MOST_ROWS && weights >= 1 && weights <= MOST_WEIGHTS &&
         length >= LANES;
}

bool oikos_small_nn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) {
  return suits(m, n * k, n) && oikos_tile_nn(m, n, k, a, b, beta, c);
}

bool oikos_small_tn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) {
  if (n == 1) // the same turned
    return oikos_small_nn(1, m, k, b, a, beta, c);
  return suits(k, m * n, n) && oikos_tile_tn(m, n, k, a, b, beta, c);
}

bool oikos_small_nt(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) {
  if (k == 1)
    return oikos_small_nn(m, n, k, a, b, beta, c);
  if (!suits(m, n * k, k))
    return false;
  multiply_dots(&(small_product){m, n, k, a, b, beta, c});
  return true;
}

#else

bool oikos_small_nn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) { // NOLINT(readability-non-const-parameter): as above
  (void)m, (void)n, (void)k, (void)a, (void)b, (void)beta, (void)c;
  return false;
}

bool oikos_small_tn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) {
  return oikos_small_nn(m, n, k, a, b, beta, c);
}

bool oikos_small_nt(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                    real *c) {
  return oikos_small_nn(m, n, k, a, b, beta, c);
}

#endif
