/* SPDX-License-Identifier: MIT
 * The levels of memory, and how fast numbers are copied within each. */
#ifndef OIKOS_BENCH_BANDWIDTH_H
#define OIKOS_BENCH_BANDWIDTH_H

#include <stddef.h>

#include "oikos/error.h"

typedef enum oikos_memory_level {
  OIKOS_MEMORY_L1,
  OIKOS_MEMORY_L2,
  OIKOS_MEMORY_L3,
  OIKOS_MEMORY_MAIN,
  OIKOS_MEMORY_LEVELS
} oikos_memory_level;

/** "L1", "L2", "L3", "memory". */
const char *oikos_memory_name(oikos_memory_level level);

/** Bytes that fit into it, by what the system says; SIZE_MAX of the main memory. A shared
 * third-level cache counts as 32 MiB at most: virtual machines name that of all sockets. */
size_t oikos_memory_size(oikos_memory_level level);

/** The first level that so many bytes fit into. */
oikos_memory_level oikos_memory_of(double bytes);

/** GB/s, read and written, of copies whose two sides fill half of the level; of the main memory,
 * four times the third level. The best of some. On this core. */
oikos_status oikos_bench_bandwidth(oikos_memory_level level, double *rate, oikos_error *err);

#endif
