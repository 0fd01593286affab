/* SPDX-License-Identifier: MIT
 * Files that are on disk when the call returns. */
#ifndef OIKOS_STORE_SYNC_H
#define OIKOS_STORE_SYNC_H

#include <sys/types.h>

#include "base/pulse.h"

enum { OIKOS_NAME_MAX = 4096 };

/** The folder part of a path ("." if there is none) into folder (OIKOS_NAME_MAX). */
void oikos_folder_of(const char *path, char *folder);

/** Make a folder and those above it, where they are missing; it must be writable. OIKOS_USAGE if
 * not. */
oikos_status oikos_make_folders(const char *path, oikos_error *err);

/**
 * Take disk space for a file, created if it is missing, so that writing it cannot fill the disk.
 * Where the file system cannot take space, that there is room is only looked for.
 * @param bytes  0 for the size that it has
 */
oikos_status oikos_reserve(const char *path, off_t bytes, oikos_error *err);

/** Take disk space for the first `bytes` bytes of an open file, or see that there is room where the
 * file system cannot do that; the file is that long then. Returns 0 or an error number. */
int oikos_take_space(int fd, off_t bytes);

oikos_status oikos_sync_file(const char *path, oikos_error *err);

/** Begin to write a part of an open file to disk, if it is one, and come back: a hint. */
void oikos_sync_begin(int fd, off_t offset, off_t bytes);

/** The same as oikos_sync_file for a large file: beats while it waits. */
oikos_status oikos_sync_large(const char *path, oikos_pulse *pulse, oikos_error *err);

/** Rename, and make the rename durable. */
oikos_status oikos_rename_synced(const char *from, const char *to, oikos_error *err);

#endif
