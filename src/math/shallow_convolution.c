/* SPDX-License-Identifier: MIT
 * Tiles of positions, or of patch numbers, by vectors of filters; filters that do not fill their
 * last vector end with one that overlaps the one before. */
#include "math/shallow_convolution.h"

#include <string.h>

#include "math/vectors.h"

typedef oikos_real real;
typedef oikos_vector vector;

enum { ROWS = OIKOS_TILE_ROWS, WIDE = OIKOS_TILE_VECTORS, LANES = OIKOS_LANES };
enum { TOGETHER = 32, EIGHT = 8 }; // patches of a row, and their partial sums

bool oikos_shallow_suits(const oikos_patches *g, size_t filters) {
  return g->kernel_h * g->kernel_w * g->channels <= OIKOS_SHALLOW && filters >= LANES;
}

oikos_shallow oikos_shallow_of(const oikos_patches *g, size_t filters) {
  size_t c = (size_t)g->channels, run = (size_t)g->kernel_w * c, stride = (size_t)g->stride;
  oikos_shallow s = {.g = *g, .filters = filters, .depth = (size_t)g->kernel_h * run};
  s.step = stride * c;
  s.line = (size_t)((g->out_w - 1) * g->stride + g->kernel_w) * c;
  s.line_step = stride * s.line;
  s.lines = (size_t)((g->out_h - 1) * g->stride + g->kernel_h);
  size_t k = 0;
  for (size_t row = 0; row < (size_t)g->kernel_h; row++)
    for (size_t i = 0; i < run && k < OIKOS_SHALLOW; i++)
      s.offset[k++] = row * s.line + i;
  return s;
}

size_t oikos_shallow_padded(const oikos_shallow *s) {
  return s->lines * s->line;
}

void oikos_shallow_pad(const oikos_shallow *s, const real *x, real *padded) {
  int64_t pad = s->g.padding, width = s->g.width;
  size_t c = (size_t)s->g.channels, left = (size_t)pad * c, right = left + (size_t)width * c,
         end = right < s->line ? right : s->line;
  for (size_t i = 0; i < s->lines; i++, padded += s->line) {
    int64_t row = (int64_t)i - pad;
    memset(padded, 0, s->line * sizeof *padded);
    if (row >= 0 && row < s->g.height)
      memcpy(padded + left, x + (size_t)(row * width) * c, (end - left) * sizeof *padded);
  }
}

/* A row of positions: `out` (rows, filters) is y of its positions, or dw of the patches' numbers.
 */
typedef struct job {
  const oikos_shallow *s;
  const real *x;      /* the first position's patch */
  const real *factor; /* w (depth, filters), or dy of the positions */
  const real *bias;   /* (filters) that y begins with; NULL: with what it is */
  real *out;
} job;

/* sum += x[r * step] * factor's row, for a tile. */
OIKOS_INLINE void add_row(int rows, int wide, const real *const *x, size_t offset, const real *row,
                          size_t j, size_t last, vector (*sum)[WIDE]) {
  vector factor[WIDE];
#pragma GCC unroll 16
  for (int w = 0; w < wide; w++)
    factor[w] = oikos_load(row + oikos_tile_column(w, wide, j, last));
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      sum[r][w] += x[r][offset] * factor[w];
}

/* A tile's sums, from or to its place. */
OIKOS_INLINE void load_tile(int rows, int wide, const real *from, size_t pitch, size_t j,
                            size_t last, vector (*sum)[WIDE]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      sum[r][w] = oikos_load(from + (size_t)r * pitch + oikos_tile_column(w, wide, j, last));
}

OIKOS_INLINE void store_tile(int rows, int wide, real *to, size_t pitch, size_t j, size_t last,
                             vector (*sum)[WIDE]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      oikos_store(to + (size_t)r * pitch + oikos_tile_column(w, wide, j, last), sum[r][w]);
}

/* y of `rows` positions, from position i of the row on. */
OIKOS_INLINE void forward_tile(int rows, int wide, const void *of, size_t i, size_t j,
                               size_t last) {
  const job *a = of;
  const oikos_shallow *s = a->s;
  size_t n = s->filters;
  const real *x[ROWS];
  real *y = a->out + i * n;
  vector sum[ROWS][WIDE];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    x[r] = a->x + (i + (size_t)r) * s->step;
  load_tile(rows, wide, a->bias ? a->bias : y, a->bias ? 0 : n, j, last, sum);
  for (size_t k = 0; k < s->depth; k++)
    add_row(rows, wide, x, s->offset[k], a->factor + k * n, j, last, sum);
  store_tile(rows, wide, y, n, j, last, sum);
}

/* dw of `rows` numbers of the patches, from number k on, += those of all positions of the row. */
OIKOS_INLINE void gradient_tile(int rows, int wide, const void *of, size_t k, size_t j,
                                size_t last) {
  const job *a = of;
  const oikos_shallow *s = a->s;
  size_t n = s->filters;
  const real *x[ROWS];
  real *dw = a->out + k * n;
  vector sum[ROWS][WIDE];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    x[r] = a->x + s->offset[k + (size_t)r];
  load_tile(rows, wide, dw, n, j, last, sum);
  for (size_t i = 0; i < (size_t)s->g.out_w; i++)
    add_row(rows, wide, x, i * s->step, a->factor + i * n, j, last, sum);
  store_tile(rows, wide, dw, n, j, last, sum);
}

void oikos_shallow_forward(const oikos_shallow *s, size_t first, size_t lines, const real *padded,
                           const real *w, const real *bias, real *y) {
  size_t out_w = (size_t)s->g.out_w, n = s->filters;
  for (size_t row = 0; row < lines; row++) {
    job a = {.s = s, .x = padded + (first + row) * s->line_step, .factor = w, .bias = bias};
    a.out = y + row * out_w * n;
    oikos_tile_matrix(forward_tile, &a, out_w, n);
  }
}

void oikos_shallow_gradient(const oikos_shallow *s, size_t first, size_t lines, const real *padded,
                            const real *dy, real *dw) {
  size_t out_w = (size_t)s->g.out_w, n = s->filters;
  for (size_t row = 0; row < lines; row++) {
    job a = {.s = s, .x = padded + (first + row) * s->line_step, .factor = dy + row * out_w * n};
    a.out = dw;
    oikos_tile_matrix(gradient_tile, &a, s->depth, n);
  }
}

/* Some patches of a row side by side, in double: the variance of what the convolution gives is a
 * small difference of their moments. Beyond the row are zeros. */
typedef struct patches {
  double of[OIKOS_SHALLOW][TOGETHER];
} patches;

/* Sums of products of two numbers of the patches, by EIGHT partial ones: the first number is not
 * the greater. */
typedef struct partial_sums {
  double of[OIKOS_SHALLOW * (OIKOS_SHALLOW + 1) / 2][EIGHT];
} partial_sums;

static void set_patches(const oikos_shallow *s, const real *x, size_t count, patches *p) {
  for (size_t k = 0; k < s->depth; k++) {
    const real *restrict from = x + s->offset[k];
    double *restrict to = p->of[k];
    if (s->step == 1)
      for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
    else
      for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i * s->step];
    for (size_t i = count; i < TOGETHER; i++)
      to[i] = 0;
  }
}

static void add_moments(size_t depth, const patches *p, double *restrict sum, partial_sums *all) {
  size_t pair = 0;
  for (size_t k = 0; k < depth; k++) {
    for (size_t i = 0; i < TOGETHER; i++)
      sum[k] += p->of[k][i];
    for (size_t q = k; q < depth; q++, pair++) {
      const double *restrict a = p->of[k], *restrict b = p->of[q];
      double *restrict partial = all->of[pair];
#pragma omp simd
      for (size_t t = 0; t < EIGHT; t++)
        partial[t] += (a[t] * b[t] + a[t + EIGHT] * b[t + EIGHT]) +
                      (a[t + 2 * EIGHT] * b[t + 2 * EIGHT] + a[t + 3 * EIGHT] * b[t + 3 * EIGHT]);
    }
  }
}

void oikos_shallow_moments(const oikos_shallow *s, const real *padded, double *sum,
                           double *product) {
  size_t out_w = (size_t)s->g.out_w, depth = s->depth, pair = 0;
  partial_sums all;
  patches p;
  memset(&all, 0, depth * (depth + 1) / 2 * sizeof all.of[0]);
  for (size_t row = 0; row < (size_t)s->g.out_h; row++)
    for (size_t first = 0; first < out_w; first += TOGETHER) {
      size_t left = out_w - first;
      set_patches(s, padded + row * s->line_step + first * s->step,
                  left < TOGETHER ? left : TOGETHER, &p);
      add_moments(depth, &p, sum, &all);
    }
  for (size_t k = 0; k < depth; k++)
    for (size_t q = k; q < depth; q++, pair++) {
      double both = 0;
      for (size_t t = 0; t < EIGHT; t++)
        both += all.of[pair][t];
      product[k * OIKOS_SHALLOW + q] += both;
      if (q > k)
        product[q * OIKOS_SHALLOW + k] += both;
    }
}
