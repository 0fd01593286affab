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

/** The OpenBLAS kernel in use, such as "SkylakeX". */
void oikos_version_kernel(char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
