/* SPDX-License-Identifier: MIT
 * Vectors of real numbers as the compiler knows them, as long as the machine's, and a matrix as
 * tiles of them. */
#ifndef OIKOS_MATH_VECTORS_H
#define OIKOS_MATH_VECTORS_H

#include <stddef.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "oikos/real.h"

#ifdef __AVX512F__
enum { OIKOS_VECTOR_BYTES = 64 };
#elif defined __AVX__
enum { OIKOS_VECTOR_BYTES = 32 };
#else
enum { OIKOS_VECTOR_BYTES = 16 };
#endif

#if defined __AVX512F__ || defined __aarch64__
enum { OIKOS_REGISTERS = 32 };
#else
enum { OIKOS_REGISTERS = 16 };
#endif

/* The largest tile of rows x vectors that stays in registers and leaves some for its factors: on
 * arm64 a row's factor fills a register too. */
#ifdef __AVX512F__
enum { OIKOS_TILE_ROWS = 6, OIKOS_TILE_VECTORS = 4 };
#elif defined __aarch64__
enum { OIKOS_TILE_ROWS = 5, OIKOS_TILE_VECTORS = 4 };
#else
enum { OIKOS_TILE_ROWS = 4, OIKOS_TILE_VECTORS = 3 };
#endif

enum { OIKOS_LANES = OIKOS_VECTOR_BYTES / sizeof(oikos_real) };

typedef oikos_real oikos_vector __attribute__((vector_size(OIKOS_VECTOR_BYTES)));
typedef oikos_real oikos_vector_anywhere
    __attribute__((vector_size(OIKOS_VECTOR_BYTES), aligned(sizeof(oikos_real)), may_alias));

/* Of as many bits as a real number: a comparison of vectors sets all of a lane's, or none. */
#ifdef OIKOS_DOUBLE
typedef long long oikos_lane;
#else
typedef int oikos_lane;
#endif
typedef oikos_lane oikos_lanes __attribute__((vector_size(OIKOS_VECTOR_BYTES)));

#define OIKOS_INLINE static inline __attribute__((always_inline))

OIKOS_INLINE oikos_vector oikos_load(const oikos_real *from) {
  return (oikos_vector) * (const oikos_vector_anywhere *)from;
}

OIKOS_INLINE void oikos_store(oikos_real *to, oikos_vector value) {
  *(oikos_vector_anywhere *)to = value;
}

/** The same for the first `width` <= OIKOS_LANES numbers; the others are zero, and left. */
OIKOS_INLINE oikos_vector oikos_load_some(const oikos_real *from, size_t width) {
  if (width == OIKOS_LANES)
    return oikos_load(from);
#if defined __AVX512F__ && defined OIKOS_DOUBLE
  return (oikos_vector)_mm512_maskz_loadu_pd((__mmask8)((1U << width) - 1), from);
#elif defined __AVX512F__
  return (oikos_vector)_mm512_maskz_loadu_ps((__mmask16)((1U << width) - 1), from);
#else
  oikos_vector value = {0};
  memcpy(&value, from, width * sizeof *from);
  return value;
#endif
}

OIKOS_INLINE void oikos_store_some(oikos_real *to, oikos_vector value, size_t width) {
  if (width == OIKOS_LANES)
    oikos_store(to, value);
  else
#if defined __AVX512F__ && defined OIKOS_DOUBLE
    _mm512_mask_storeu_pd(to, (__mmask8)((1U << width) - 1), (__m512d)value);
#elif defined __AVX512F__
    _mm512_mask_storeu_ps(to, (__mmask16)((1U << width) - 1), (__m512)value);
#else
    memcpy(to, &value, width * sizeof *to);
#endif
}

/** x where `mask` says so, elsewhere zero. */
OIKOS_INLINE oikos_vector oikos_masked(oikos_lanes mask, oikos_vector x) {
  return (oikos_vector)((oikos_lanes)x & mask);
}

/** Where block `i` of `blocks` begins, if `count` is divided as evenly as can be. */
OIKOS_INLINE size_t oikos_block_begin(size_t i, size_t blocks, size_t count) {
  return count * i / blocks;
}

OIKOS_INLINE size_t oikos_blocks(size_t count, size_t most) {
  return (count + most - 1) / most;
}

/** Computes `rows` rows from row i on, in vectors from columns j, j + OIKOS_LANES ... on, of which
 * the last one begins at column `last`: columns that do not fill it are computed twice. */
typedef void oikos_tile(int rows, int vectors, const void *job, size_t i, size_t j, size_t last);

/** The column of vector w of a tile. */
OIKOS_INLINE size_t oikos_tile_column(int w, int vectors, size_t j, size_t last) {
  return w < vectors - 1 ? j + (size_t)w * OIKOS_LANES : last;
}

/** All n >= OIKOS_LANES columns of `rows` rows from row i on; inline, so that every tile is known
 * in its size. */
OIKOS_INLINE void oikos_tile_rows(oikos_tile f, int rows, const void *job, size_t i, size_t n) {
  size_t all = oikos_blocks(n, OIKOS_LANES), strips = oikos_blocks(all, OIKOS_TILE_VECTORS);
  for (size_t s = 0; s < strips; s++) {
    size_t first = oikos_block_begin(s, strips, all), end = oikos_block_begin(s + 1, strips, all);
    size_t j = first * OIKOS_LANES, last = end == all ? n - OIKOS_LANES : (end - 1) * OIKOS_LANES;
    if (end - first == 1)
      f(rows, 1, job, i, j, last);
    else if (end - first == 2)
      f(rows, 2, job, i, j, last);
    else if (end - first == 3)
      f(rows, 3, job, i, j, last);
    else
      f(rows, OIKOS_TILE_VECTORS, job, i, j, last);
  }
}

/** A matrix (m,n), n >= OIKOS_LANES. */
OIKOS_INLINE void oikos_tile_matrix(oikos_tile f, const void *job, size_t m, size_t n) {
  size_t blocks = oikos_blocks(m, OIKOS_TILE_ROWS);
  for (size_t block = 0; block < blocks; block++) {
    size_t i = oikos_block_begin(block, blocks, m);
    switch (oikos_block_begin(block + 1, blocks, m) - i) {
    case 1:
      oikos_tile_rows(f, 1, job, i, n);
      break;
    case 2:
      oikos_tile_rows(f, 2, job, i, n);
      break;
    case 3:
      oikos_tile_rows(f, 3, job, i, n);
      break;
    case 4:
      oikos_tile_rows(f, 4, job, i, n);
      break;
    case 5:
      oikos_tile_rows(f, OIKOS_TILE_ROWS < 5 ? OIKOS_TILE_ROWS : 5, job, i, n);
      break;
    default:
      oikos_tile_rows(f, OIKOS_TILE_ROWS, job, i, n);
    }
  }
}

#endif
