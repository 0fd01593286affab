/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_IMPORT_CSV_SOURCE_H
#define OIKOS_IMPORT_CSV_SOURCE_H

#include <stddef.h>

#include "oikos/error.h"

/** Where the bytes of a table come from, if not from a file. */
typedef struct oikos_csv_source {
  const char *name; /**< in messages, for the file's */
  /** Read up to @p size bytes; fewer only at the end. */
  oikos_status (*read)(void *user, void *to, size_t size, size_t *got, oikos_error *err);
  void *user;
} oikos_csv_source;

#endif
