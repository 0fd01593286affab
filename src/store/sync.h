/* SPDX-License-Identifier: MIT
 * Files that are on disk when the call returns. */
#ifndef OIKOS_STORE_SYNC_H
#define OIKOS_STORE_SYNC_H

#include "oikos/error.h"

enum { OIKOS_NAME_MAX = 4096 };

/** The folder part of a path ("." if there is none) into folder (OIKOS_NAME_MAX). */
void oikos_folder_of(const char *path, char *folder);

oikos_status oikos_sync_file(const char *path, oikos_error *err);

/** Rename, and make the rename durable. */
oikos_status oikos_rename_synced(const char *from, const char *to, oikos_error *err);

#endif
