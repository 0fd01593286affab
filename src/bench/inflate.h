/* SPDX-License-Identifier: MIT
 * The bound of every import: its bytes, read and inflated by libarchive, and dropped. */
#ifndef OIKOS_BENCH_INFLATE_H
#define OIKOS_BENCH_INFLATE_H

#include <stdint.h>

#include "oikos/error.h"

/** Read an archive, a file or the files of a folder; add to *bytes what comes out. */
oikos_status oikos_bench_inflate(const char *source, int64_t *bytes, oikos_error *err);

#endif
