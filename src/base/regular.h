/* SPDX-License-Identifier: MIT
 * Input is regular files: a FIFO would wait for somebody to write into it, a device may have no
 * end. */
#ifndef OIKOS_BASE_REGULAR_H
#define OIKOS_BASE_REGULAR_H

#include <stdint.h>

#include "oikos/error.h"

/** Open a regular file for reading; never waits. @p fd is -1 on failure, and the message ("it is a
 * folder, not a file") wants the path before it. @return OIKOS_USAGE if there is none that opens */
oikos_status oikos_regular_open(const char *path, int *fd, int64_t *size, oikos_error *err);

#endif
