/* SPDX-License-Identifier: MIT */
#include "bench/bandwidth.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "math/vectors.h"

enum { RUNS = 3, UNROLL = 4, LINE = 64, SHIFT = 17 * LINE };

static const double run_seconds = 4e-3;

static const struct {
  const char *name;
  int key;          /* of sysconf */
  size_t otherwise; /* where the system does not say */
  size_t most;
} levels[OIKOS_MEMORY_LEVELS] = {
    {"L1", _SC_LEVEL1_DCACHE_SIZE, 32 << 10, SIZE_MAX},
    {"L2", _SC_LEVEL2_CACHE_SIZE, 512 << 10, SIZE_MAX},
    {"L3", _SC_LEVEL3_CACHE_SIZE, 8 << 20, 32 << 20},
    {"memory", -1, SIZE_MAX, SIZE_MAX},
};

const char *oikos_memory_name(oikos_memory_level level) {
  return levels[level].name;
}

size_t oikos_memory_size(oikos_memory_level level) {
  long said = levels[level].key < 0 ? 0 : sysconf(levels[level].key);
  size_t size = said > 0 ? (size_t)said : levels[level].otherwise;
  return size < levels[level].most ? size : levels[level].most;
}

oikos_memory_level oikos_memory_of(double bytes) {
  oikos_memory_level level = OIKOS_MEMORY_L1;
  while (level < OIKOS_MEMORY_MAIN && bytes > (double)oikos_memory_size(level))
    level++;
  return level;
}

/* to (count) = from, in vectors; count is a multiple of UNROLL * OIKOS_LANES. */
static void copy(size_t count, const oikos_real *restrict from, oikos_real *restrict to) {
  for (size_t i = 0; i < count; i += UNROLL * OIKOS_LANES) {
    oikos_vector part[UNROLL];
    for (size_t k = 0; k < UNROLL; k++)
      part[k] = oikos_load(from + i + k * OIKOS_LANES);
    __asm__ volatile("" ::: "memory"); // a library's copy would pass the caches by
    for (size_t k = 0; k < UNROLL; k++)
      oikos_store(to + i + k * OIKOS_LANES, part[k]);
  }
}

static double measure(size_t count, const oikos_real *from, oikos_real *to) {
  double bytes = 2.0 * (double)count * sizeof *from, best = 0, once = 0;
  long repeat = 1;
  for (int run = -1; run < RUNS; run++) { // the first one tells how often
    double start = oikos_wall_clock();
    for (long i = 0; i < repeat; i++)
      copy(count, from, to);
    once = (oikos_wall_clock() - start) / (double)repeat;
    best = run >= 0 && bytes / once / 1e9 > best ? bytes / once / 1e9 : best;
    if (run < 0)
      repeat = (long)(run_seconds / (once > 1e-9 ? once : 1e-9)) + 1;
  }
  return best;
}

oikos_status oikos_bench_bandwidth(oikos_memory_level level, double *rate, oikos_error *err) {
  size_t all = level == OIKOS_MEMORY_MAIN ? 4 * oikos_memory_size(OIKOS_MEMORY_L3)
                                          : oikos_memory_size(level) / 2,
         step = UNROLL * OIKOS_LANES, count = all / 2 / sizeof(oikos_real) / step * step;
  oikos_real *memory;
  // the sides are not at the same place of a page, or the core takes one for the other
  OIKOS_TRY(oikos_alloc(&memory, 2 * count + SHIFT, sizeof *memory, "measuring bandwidth", err));
  *rate = measure(count, memory, memory + count + SHIFT / sizeof *memory);
  free(memory);
  return OIKOS_OK;
}
