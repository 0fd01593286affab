/* SPDX-License-Identifier: MIT
 *
 * The files of an archive or of a folder, one after another, from sources nobody vouches for.
 *
 * Archives are zip (read by its central directory), tar and 7-zip, with the compressions libarchive
 * does itself (gzip, bzip2, xz, lzma, zstd, compress): formats that make libarchive open other
 * files or start other programs are off. A folder is walked recursively, names in byte order.
 *
 * Both refuse, naming the source and the entry: absolute paths, `..`, backslashes, control
 * characters, names that are not UTF-8, links, devices, and anything over the limits. Limits count
 * the bytes really decompressed, whatever the headers say.
 */
#ifndef OIKOS_IMPORT_ARCHIVE_H
#define OIKOS_IMPORT_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

typedef struct oikos_archive_limits {
  int64_t entry_bytes; /**< of one entry, decompressed */
  int64_t total_bytes; /**< of all entries, decompressed */
  int64_t entries;     /**< files and folders */
  int64_t ratio;       /**< decompressed bytes for each byte of the archive, after the first MiB */
} oikos_archive_limits;

/** For archives of pictures: 64 MiB an entry, 8 GiB in all, two million entries, ratio 200. */
extern const oikos_archive_limits oikos_archive_image_limits;

/** For archives of tables that are streamed: 64 GiB an entry and in all, 10,000 entries, ratio 200.
 */
extern const oikos_archive_limits oikos_archive_table_limits;

/** An open archive or folder. */
typedef struct oikos_archive oikos_archive;

/** Open @p path. On success *out is released by oikos_archive_close(). @p limits are copied. */
oikos_status oikos_archive_open(oikos_archive **out, const char *path,
                                const oikos_archive_limits *limits, oikos_error *err);

/**
 * Step to the next regular file.
 * @param[out] name its path inside the source, `/` between parts, valid until the next call; NULL
 *                  at the end
 */
oikos_status oikos_archive_next(oikos_archive *archive, const char **name, oikos_error *err);

/**
 * Read the file stepped to, at most once.
 * @param[out] bytes (size), belonging to the archive, valid until the next call
 */
oikos_status oikos_archive_read(oikos_archive *archive, const uint8_t **bytes, size_t *size,
                                oikos_error *err);

/**
 * Read some of the file stepped to, in order, holding nothing; not mixed with oikos_archive_read().
 * @param[out] got at most @p size bytes; fewer only at the end of the file
 */
oikos_status oikos_archive_read_some(oikos_archive *archive, void *to, size_t size, size_t *got,
                                     oikos_error *err);

/** Pass over the file stepped to; in a zip, without decompressing it. */
oikos_status oikos_archive_skip(oikos_archive *archive, oikos_error *err);

/** How far reading got: bytes of the archive; for a folder, entries done and a total of 0. */
void oikos_archive_position(oikos_archive *archive, int64_t *done, int64_t *total);

/** Release; NULL is allowed. */
void oikos_archive_close(oikos_archive *archive);

#endif
