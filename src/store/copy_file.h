/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_STORE_COPY_FILE_H
#define OIKOS_STORE_COPY_FILE_H

#include "oikos/error.h"

/** Copy a file: the whole of it, on disk, under its name, or nothing. */
oikos_status oikos_copy_file(const char *from, const char *to, oikos_error *err);

#endif
