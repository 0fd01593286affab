/* SPDX-License-Identifier: MIT
 * Memory: zeroed, 64-byte aligned (a cache line, an AVX-512 register), sizes checked before
 * multiplied. */
#ifndef OIKOS_BASE_MEMORY_H
#define OIKOS_BASE_MEMORY_H

#include <stddef.h>

#include "oikos/error.h"

/** Allocate @p count zeroed elements of @p size bytes; *out is released by free(). A count of 0
 * gives a valid pointer.
 */
oikos_status oikos_alloc(void *out, size_t count, size_t size, const char *what, oikos_error *err);

/** What one thing has allocated, to be released together. Zero at first, but for what it is for. */
typedef struct oikos_arena {
  const char *what;
  void **block; /* (n) */
  size_t n;
} oikos_arena;

/** As oikos_alloc; *out is released by oikos_arena_free. */
oikos_status oikos_arena_alloc(oikos_arena *arena, void *out, size_t count, size_t size,
                               oikos_error *err);
void oikos_arena_free(oikos_arena *arena);

/** a * b, or SIZE_MAX where that overflows (which every allocation then refuses). */
size_t oikos_mul(size_t a, size_t b);

#endif
