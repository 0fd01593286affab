/* SPDX-License-Identifier: MIT
 * Tiles of positions, or of patch numbers, by vectors of filters; filters that do not fill their
 * last vector end with one that overlaps the one before. */
#include "math/shallow_convolution.h"

#include <string.h>

#include "math/vectors.h"

typedef oikos_real real;
typedef oikos_vector vector;

enum { ROWS = OIKOS_TILE_ROWS, WIDE = OIKOS_TILE_VECTORS, LANES = OIKOS_LANES };

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
  for (size_t k = 0; k < s.depth && k < OIKOS_SHALLOW; k++)
    s.offset[k] = k / run * s.line + k % run;
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

/* The vectors of a tile begin at columns j, j + LANES, ...; the last one at `last`. */
OIKOS_INLINE size_t column(int w, int wide, size_t j, size_t last) {
  return w < wide - 1 ? j + (size_t)w * LANES : last;
}

/* sum += x[r * step] * factor's row, for a tile. */
OIKOS_INLINE void add_row(int rows, int wide, const real *const *x, size_t at, const real *row,
                          size_t j, size_t last, vector (*sum)[WIDE]) {
  vector factor[WIDE];
#pragma GCC unroll 16
  for (int w = 0; w < wide; w++)
    factor[w] = oikos_load(row + column(w, wide, j, last));
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      sum[r][w] += x[r][at] * factor[w];
}

/* A tile's sums, from or to its place. */
OIKOS_INLINE void load_tile(int rows, int wide, const real *from, size_t pitch, size_t j,
                            size_t last, vector (*sum)[WIDE]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      sum[r][w] = oikos_load(from + (size_t)r * pitch + column(w, wide, j, last));
}

OIKOS_INLINE void store_tile(int rows, int wide, real *to, size_t pitch, size_t j, size_t last,
                             vector (*sum)[WIDE]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
    for (int w = 0; w < wide; w++)
      oikos_store(to + (size_t)r * pitch + column(w, wide, j, last), sum[r][w]);
}

/* y of `rows` positions, from position i of the row on. */
OIKOS_INLINE void forward_tile(int rows, int wide, const job *a, size_t i, size_t j, size_t last) {
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
OIKOS_INLINE void gradient_tile(int rows, int wide, const job *a, size_t k, size_t j, size_t last) {
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

typedef void tile(int rows, int wide, const job *a, size_t i, size_t j, size_t last);

/* `rows` rows from row i on, strip by strip. */
OIKOS_INLINE void strips(tile f, int rows, const job *a, size_t i) {
  size_t n = a->s->filters, vectors = oikos_blocks(n, LANES), count = oikos_blocks(vectors, WIDE);
  for (size_t k = 0; k < count; k++) {
    size_t first = oikos_block_begin(k, count, vectors),
           end = oikos_block_begin(k + 1, count, vectors);
    size_t j = first * LANES, last = end == vectors ? n - LANES : (end - 1) * LANES;
    if (end - first == 1)
      f(rows, 1, a, i, j, last);
    else if (end - first == 2)
      f(rows, 2, a, i, j, last);
    else if (end - first == 3)
      f(rows, 3, a, i, j, last);
    else
      f(rows, WIDE, a, i, j, last);
  }
}

OIKOS_INLINE void all_rows(tile f, const job *a, size_t rows) {
  size_t blocks = oikos_blocks(rows, ROWS);
  for (size_t block = 0; block < blocks; block++) {
    size_t i = oikos_block_begin(block, blocks, rows);
    switch (oikos_block_begin(block + 1, blocks, rows) - i) {
    case 1:
      strips(f, 1, a, i);
      break;
    case 2:
      strips(f, 2, a, i);
      break;
    case 3:
      strips(f, 3, a, i);
      break;
    case 4:
      strips(f, 4, a, i);
      break;
    case 5:
      strips(f, ROWS < 5 ? ROWS : 5, a, i);
      break;
    default:
      strips(f, ROWS, a, i);
    }
  }
}

void oikos_shallow_forward(const oikos_shallow *s, const real *padded, const real *w,
                           const real *bias, real *y) {
  size_t out_w = (size_t)s->g.out_w;
  for (size_t row = 0; row < (size_t)s->g.out_h; row++)
    all_rows(forward_tile,
             &(job){s, padded + row * s->line_step, w, bias, y + row * out_w * s->filters}, out_w);
}

void oikos_shallow_gradient(const oikos_shallow *s, const real *padded, const real *dy, real *dw) {
  size_t out_w = (size_t)s->g.out_w;
  for (size_t row = 0; row < (size_t)s->g.out_h; row++)
    all_rows(gradient_tile,
             &(job){s, padded + row * s->line_step, dy + row * out_w * s->filters, NULL, dw},
             s->depth);
}
