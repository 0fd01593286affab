/* SPDX-License-Identifier: MIT
 * The bytes of a file, by this process alone. */
#ifndef OIKOS_STORE_FILE_BYTES_H
#define OIKOS_STORE_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

/** Open a regular file to read it; *fd is released by close(). */
oikos_status oikos_bytes_open(const char *path, int *fd, int64_t *size, oikos_error *err);

/** All of n bytes from byte `offset` on; an end before that is an error. */
oikos_status oikos_bytes_read(int fd, int64_t offset, void *bytes, size_t n, oikos_error *err);

/** All of n bytes to byte `offset` on. */
oikos_status oikos_bytes_write(int fd, int64_t offset, const void *bytes, size_t n,
                               oikos_error *err);

#endif
