/* SPDX-License-Identifier: MIT
 * Vectors of real numbers as the compiler knows them, as long as the machine's. */
#ifndef OIKOS_MATH_VECTORS_H
#define OIKOS_MATH_VECTORS_H

#include <stddef.h>

#include "oikos/real.h"

#ifdef __AVX512F__
enum { OIKOS_VECTOR_BYTES = 64 };
#elif defined __AVX__
enum { OIKOS_VECTOR_BYTES = 32 };
#else
enum { OIKOS_VECTOR_BYTES = 16 };
#endif

/* A tile of rows x vectors that stays in registers and leaves some for its factors. */
#ifdef __AVX512F__
enum { OIKOS_TILE_ROWS = 6, OIKOS_TILE_VECTORS = 4 };
#else
enum { OIKOS_TILE_ROWS = 4, OIKOS_TILE_VECTORS = 3 };
#endif

enum { OIKOS_LANES = OIKOS_VECTOR_BYTES / sizeof(oikos_real) };

typedef oikos_real oikos_vector __attribute__((vector_size(OIKOS_VECTOR_BYTES)));
typedef oikos_real oikos_vector_anywhere
    __attribute__((vector_size(OIKOS_VECTOR_BYTES), aligned(sizeof(oikos_real)), may_alias));

#define OIKOS_INLINE static inline __attribute__((always_inline))

OIKOS_INLINE oikos_vector oikos_load(const oikos_real *from) {
  return (oikos_vector) * (const oikos_vector_anywhere *)from;
}

OIKOS_INLINE void oikos_store(oikos_real *to, oikos_vector value) {
  *(oikos_vector_anywhere *)to = value;
}

/** Where block `i` of `blocks` begins, if `count` is divided as evenly as can be. */
OIKOS_INLINE size_t oikos_block_begin(size_t i, size_t blocks, size_t count) {
  return count * i / blocks;
}

OIKOS_INLINE size_t oikos_blocks(size_t count, size_t most) {
  return (count + most - 1) / most;
}

#endif
