/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/try.h"

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

size_t oikos_mul(size_t a, size_t b) {
  size_t product;
  return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* Large memory asks for huge pages, where the system gives them: a page fault for each 4 KiB takes
 * longer than what is done with them, and so does finding them later. */
static void *allocate(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, bytes < LARGE ? ALIGNMENT : HUGE_PAGE, bytes) != 0)
    return NULL;
  if (bytes >= LARGE)
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

oikos_status oikos_alloc(void *out, size_t count, size_t size, const char *what, oikos_error *err) {
  size_t bytes = oikos_mul(count, size);
  void *memory = NULL;
  if (bytes <= SIZE_MAX / 2) {
    bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    memory = allocate(bytes);
  }
  memcpy(out, &memory, sizeof memory);
  if (!memory)
    return oikos_fail(err, OIKOS_ERROR,
                      "out of memory: %zu elements of %zu bytes for %s could not be allocated; use "
                      "more ranks, fewer threads or a smaller model",
                      count, size, what);
  memset(memory, 0, bytes);
  return OIKOS_OK;
}

oikos_status oikos_arena_alloc(oikos_arena *a, void *out, size_t count, size_t size,
                               oikos_error *err) {
  void **larger = realloc(a->block, (a->n + 1) * sizeof *a->block);
  if (!larger)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  a->block = larger;
  OIKOS_TRY(oikos_alloc(out, count, size, a->what, err));
  memcpy(&a->block[a->n++], out, sizeof *a->block);
  return OIKOS_OK;
}

void oikos_arena_free(oikos_arena *a) {
  for (size_t k = 0; k < a->n; k++)
    free(a->block[k]);
  free(a->block);
  a->block = NULL;
  a->n = 0;
}
