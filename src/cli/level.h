/* SPDX-License-Identifier: MIT
 *
 * The levels of a processor, as the psABI of x86-64 names them. The library is compiled once for
 * each; the launcher loads the best one that all ranks can run, so that one installation serves
 * nodes of several ages and all ranks compute the same bits.
 */
#ifndef OIKOS_CLI_LEVEL_H
#define OIKOS_CLI_LEVEL_H

#include <stddef.h>

typedef struct oikos_level {
  const char *name;      /* "x86-64-v3" */
  const char *directory; /* of its library, under the lowest level's: where ld.so looks as well */
  const char *kernel;    /* OpenBLAS's for it; NULL: whatever OpenBLAS takes */
  const char *loss;      /* of a better processor's speed (bench step), in words */
} oikos_level;

/** Level n, from the lowest; NULL beyond the highest of this architecture. */
const oikos_level *oikos_level_at(int n);

/** The highest that this processor runs; -1: not even the lowest. */
int oikos_level_of_processor(void);

/** The number of the one of that name; -1: none. */
int oikos_level_named(const char *name);

#endif
