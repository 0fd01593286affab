/* SPDX-License-Identifier: MIT
 * A tile of C stays in registers while all terms are added to it. Where vectors hold the lanes of
 * two numbers, a tile is of such pairs, and an odd column takes the lower half. Each number is
 * asked for as a fused multiply-add, of which the compiler makes vectors. */
#include "math/lane_product.h"

#include "math/fused.h"
#include "math/vectors.h"

#pragma GCC diagnostic ignored "-Wpsabi" // how vectors are passed: none is, all is inlined

typedef oikos_real real;

enum { LANES = OIKOS_LOCKSTEP, BYTES = LANES * sizeof(real) };

typedef real lanes_single __attribute__((vector_size(BYTES)));

#if defined __AVX512DQ__ && !defined OIKOS_DOUBLE
#include <immintrin.h>

enum { ROWS = 5, WIDE = 5, EACH = 2 };
typedef real lanes_wide __attribute__((vector_size(2 * BYTES)));
typedef real lanes_wide_anywhere
    __attribute__((vector_size(2 * BYTES), aligned(sizeof(real)), may_alias));

OIKOS_INLINE lanes_wide load(const real *from) {
  return (lanes_wide) * (const lanes_wide_anywhere *)from;
}
OIKOS_INLINE void store(real *to, lanes_wide value) {
  *(lanes_wide_anywhere *)to = value;
}
/* The lanes of one number, for both. */
OIKOS_INLINE lanes_wide both(const real *from) {
  return (lanes_wide)_mm512_broadcast_f32x8(*(const __m256 *)from);
}
OIKOS_INLINE lanes_wide same(real x) {
  return (lanes_wide)_mm512_set1_ps(x);
}
/* Two numbers that are the same in all lanes. */
OIKOS_INLINE lanes_wide spread(const real *from) {
  return (lanes_wide)_mm512_insertf32x8(_mm512_set1_ps(from[0]), _mm256_set1_ps(from[1]), 1);
}
OIKOS_INLINE lanes_single half(lanes_wide x) {
  return (lanes_single)_mm512_castps512_ps256((__m512)x);
}
#else
enum { ROWS = 2, WIDE = 5, EACH = 1 };
typedef lanes_single lanes_wide;

OIKOS_INLINE lanes_wide load(const real *from) {
  return *(const lanes_wide *)from;
}
OIKOS_INLINE void store(real *to, lanes_wide value) {
  *(lanes_wide *)to = value;
}
OIKOS_INLINE lanes_wide both(const real *from) {
  return load(from);
}
OIKOS_INLINE lanes_wide same(real x) {
  return (lanes_wide){x, x, x, x, x, x, x, x};
}
OIKOS_INLINE lanes_wide spread(const real *from) {
  return same(*from);
}
OIKOS_INLINE lanes_single half(lanes_wide x) {
  return x;
}
#endif

/* Into a register: GCC would load it again for every use. */
#if defined __AVX__ && !defined __AVX512F__ && !defined OIKOS_DOUBLE
#define KEEP(x) __asm__("" : "+x"(x))
#else
#define KEEP(x) ((void)0)
#endif

bool oikos_lanes_are_fused(void) {
#if defined __FP_FAST_FMAF && defined __FP_FAST_FMA
  return true;
#else
  return false;
#endif
}

/* a b + c, number by number */
OIKOS_INLINE lanes_wide fuse_wide(lanes_wide a, lanes_wide b, lanes_wide c) {
  lanes_wide sum;
  for (int lane = 0; lane < EACH * LANES; lane++)
    sum[lane] = oikos_fused(a[lane], b[lane], c[lane]);
  return sum;
}

OIKOS_INLINE lanes_single fuse_single(lanes_single a, lanes_single b, lanes_single c) {
  lanes_single sum;
  for (int lane = 0; lane < LANES; lane++)
    sum[lane] = oikos_fused(a[lane], b[lane], c[lane]);
  return sum;
}

/* The start of C from (i,j) on: as many columns as a wide vector has. */
OIKOS_INLINE lanes_wide start_wide(const oikos_lane_product *p, size_t i, size_t j) {
  const real *from = p->start + i * p->start_row;
  if (p->start_shared)
    return p->start_repeats ? same(*from) : spread(from + j);
  return p->start_repeats ? both(from) : load(from + j * LANES);
}

/* That of one column. */
OIKOS_INLINE lanes_single start_single(const oikos_lane_product *p, size_t i, size_t j) {
  const real *from = p->start + i * p->start_row;
  size_t column = p->start_repeats ? 0 : j;
  return p->start_shared ? (lanes_single){0} + from[column]
                         : *(const lanes_single *)(from + column * LANES);
}

/* sum (rows x (wides, and a single column if there is a tail)) += one term */
OIKOS_INLINE void add(bool shared, int rows, int wides, bool tail, const oikos_lane_term *t,
                      size_t i, size_t j, lanes_wide (*sum)[WIDE], lanes_single *last) {
  const real *x = t->x + i * t->x_row, *y = t->y + j * LANES;
  for (size_t k = 0; k < t->depth; k++, x += t->x_step, y += t->y_step) {
    lanes_wide w[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
      w[r] = shared ? same(x[(size_t)r * t->x_row]) : both(x + (size_t)r * t->x_row);
#pragma GCC unroll 8
    for (int c = 0; c < wides; c++) {
      lanes_wide u = load(y + c * EACH * LANES);
      KEEP(u);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++)
        sum[r][c] = fuse_wide(w[r], u, sum[r][c]);
    }
    if (tail) {
      lanes_single u = *(const lanes_single *)(y + wides * EACH * LANES);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++)
        last[r] = fuse_single(half(w[r]), u, last[r]);
    }
  }
}

/* `rows` rows of C, and `wides` wide vectors of columns, with a tail one more, from (i,j) on. */
OIKOS_INLINE void tile(int rows, int wides, bool tail, const oikos_lane_product *p, size_t i,
                       size_t j) {
  lanes_wide sum[ROWS][WIDE];
  lanes_single last[ROWS];
  bool starts = p->start && !p->scale;
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
    for (int c = 0; c < wides; c++)
      sum[r][c] = starts ? start_wide(p, i + (size_t)r, j + (size_t)(c * EACH)) : (lanes_wide){0};
    last[r] = starts && tail ? start_single(p, i + (size_t)r, j + (size_t)(wides * EACH))
                             : (lanes_single){0};
  }
  for (int k = 0; k < p->n_terms; k++) {
    const oikos_lane_term t = p->term[k];
    if (t.shared)
      add(true, rows, wides, tail, &t, i, j, sum, last);
    else
      add(false, rows, wides, tail, &t, i, j, sum, last);
  }
  for (int r = 0; p->scale && r < rows; r++) {
    lanes_wide factor = both(p->scale);
#pragma GCC unroll 8
    for (int c = 0; c < wides; c++) {
      lanes_wide from = {0};
      if (p->start)
        from = start_wide(p, i + (size_t)r, j + (size_t)(c * EACH));
      sum[r][c] = fuse_wide(factor, sum[r][c], from);
    }
    if (tail) {
      lanes_single from = {0};
      if (p->start)
        from = start_single(p, i + (size_t)r, j + (size_t)(wides * EACH));
      last[r] = fuse_single(half(factor), last[r], from);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
    real *to = p->c + (i + (size_t)r) * p->c_row + j * LANES;
#pragma GCC unroll 8
    for (int c = 0; c < wides; c++)
      store(to + c * EACH * LANES, sum[r][c]);
    if (tail)
      *(lanes_single *)(to + wides * EACH * LANES) = last[r];
  }
}

/* A tile of a width that is known where it is computed. */
OIKOS_INLINE void tile_of(int rows, size_t wides, bool tail, const oikos_lane_product *p, size_t i,
                          size_t j) {
  switch (wides) {
  case 0:
    tile(rows, 0, tail, p, i, j);
    break;
  case 1:
    tile(rows, 1, tail, p, i, j);
    break;
  case 2:
    tile(rows, 2, tail, p, i, j);
    break;
  case 3:
    tile(rows, 3, tail, p, i, j);
    break;
  case 4:
    tile(rows, 4, tail, p, i, j);
    break;
  default:
    tile(rows, WIDE, tail, p, i, j);
  }
}

/* All columns of `rows` rows, in tiles whose widths differ by one at most; the tail is in the last.
 */
OIKOS_INLINE void strip(int rows, const oikos_lane_product *p, size_t i) {
  size_t wides = p->columns / EACH, count = wides > 0 ? oikos_blocks(wides, WIDE) : 1, j = 0;
  bool tail = EACH > 1 && p->columns % EACH > 0;
  for (size_t b = 0; b + tail < count; b++) {
    size_t width = oikos_block_begin(b + 1, count, wides) - oikos_block_begin(b, count, wides);
    tile_of(rows, width, false, p, i, j);
    j += width * EACH;
  }
  if (tail)
    tile_of(rows, wides - j / EACH, true, p, i, j);
}

void oikos_lane_multiply(const oikos_lane_product *p) {
  size_t blocks = oikos_blocks(p->rows, ROWS);
  for (size_t block = 0; p->columns > 0 && block < blocks; block++) {
    size_t i = oikos_block_begin(block, blocks, p->rows);
    switch (oikos_block_begin(block + 1, blocks, p->rows) - i) {
    case 1:
      strip(1, p, i);
      break;
    case 2:
      strip(2, p, i);
      break;
    case 3:
      strip(ROWS < 3 ? ROWS : 3, p, i);
      break;
    case 4:
      strip(ROWS < 4 ? ROWS : 4, p, i);
      break;
    default:
      strip(ROWS, p, i);
    }
  }
}
