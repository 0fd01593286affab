/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_STORE_WHOLE_FILE_H
#define OIKOS_STORE_WHOLE_FILE_H

#include <stdio.h>

#include "oikos/error.h"

/** Write a text file as a whole or not at all, in place of what stood there; what a killed process
 * left of it is swept away: for who alone may write there. Not collective. */
oikos_status oikos_write_whole(const char *path, void (*write)(const void *user, FILE *out),
                               const void *user, oikos_error *err);

#endif
