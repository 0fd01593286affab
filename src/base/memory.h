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

/** a * b, or SIZE_MAX where that overflows (which every allocation then refuses). */
size_t oikos_mul(size_t a, size_t b);

#endif
