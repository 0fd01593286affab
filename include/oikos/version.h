/* SPDX-License-Identifier: MIT
 * What this build is. Nothing here is collective; all of it works before MPI_Init. */
#ifndef OIKOS_VERSION_H
#define OIKOS_VERSION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** "0.1.0" */
const char *oikos_version(void);

/** Compiler and versions of MPI, HDF5 and OpenBLAS, on one line. */
void oikos_version_libraries(char *text, size_t size);

/** The processor level that this library is compiled for: "x86-64-v4", or "native". */
const char *oikos_version_level(void);

/** The OpenBLAS kernel in use, such as "SkylakeX". */
void oikos_version_kernel(char *text, size_t size);

/** All that the last bits of a number depend on, on one line: level, compiler, C library (its exp
 * and tanh), OpenBLAS and its kernel. Two runs with the same line and the same configuration have
 * the same bits, on any number of ranks. */
void oikos_version_numerics(char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
