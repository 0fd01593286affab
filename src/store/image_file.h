/* SPDX-License-Identifier: MIT
 *
 * The image file: what importers write and the task source `images` reads. One HDF5 file, version
 * 1:
 *
 *   attribute  format          string  "oikos images"
 *   attribute  format_version  int32   1
 *   attribute  source          string  what it was imported from
 *   /images       uint8 (n, height, width, channels)   images of one class stand together; 255 is
 * full ink /class_start  int64 (classes + 1)                  class k is rows class_start[k] ..
 * class_start[k+1]-1 /class_name   string (classes)                     unique, UTF-8 /class_group
 * int32 (classes)                      index into group_name (the alphabet; 0 if there are no
 * groups) /group_name   string (groups) /split        uint8 (classes)                      the
 * publisher's split: 0 train, 1 validation, 2 test
 *
 * /images is chunked by whole images (about 1 MiB a chunk) with shuffle off and deflate on.
 */
#ifndef OIKOS_STORE_IMAGE_FILE_H
#define OIKOS_STORE_IMAGE_FILE_H

#include <stdint.h>

#include "oikos/error.h"
#include "tasks/image_index.h"

/** Called for images first .. first+count-1: fill pixels (count, height, width, channels). */
typedef oikos_status oikos_image_reader(void *user, int64_t first, int64_t count, uint8_t *pixels,
                                        oikos_error *err);

/**
 * Write an image file, chunk by chunk, never holding all pixels. Writes under a temporary name,
 * then renames: a failed import leaves no file. Not collective: called by one process.
 */
oikos_status oikos_image_file_write(const char *path, const oikos_image_index *index,
                                    oikos_image_reader *read, void *user, oikos_error *err);

#endif
