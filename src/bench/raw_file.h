/* SPDX-License-Identifier: MIT
 * Bare bytes in a file: the bound of everything that is stored. Not collective: each rank its part,
 * all at the same time. */
#ifndef OIKOS_BENCH_RAW_FILE_H
#define OIKOS_BENCH_RAW_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "oikos/error.h"

/** Write @p n bytes at @p offset of a file, made if it is missing; on disk when it returns. */
oikos_status oikos_raw_write(const char *path, off_t offset, const char *bytes, size_t n,
                             oikos_error *err);

/** Read them back. */
oikos_status oikos_raw_read(const char *path, off_t offset, char *bytes, size_t n,
                            oikos_error *err);

#endif
