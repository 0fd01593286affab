/* SPDX-License-Identifier: MIT */
#include "bench/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fts.h>
#include <string.h>

#include "base/try.h"
#include "import/archive_formats.h"

enum { BLOCK = 64 << 10 };

/* An archive has entries; any other file is one, packed or not. */
static bool use_formats(struct archive *reader) {
  return oikos_archive_use_formats(reader) &&
         archive_read_support_format_raw(reader) == ARCHIVE_OK &&
         archive_read_support_format_empty(reader) == ARCHIVE_OK;
}

/* All entries; false if one cannot be read. */
static bool drain(struct archive *reader, int64_t *bytes) {
  struct archive_entry *entry;
  const void *block;
  size_t n;
  la_int64_t offset;
  int code;
  while ((code = archive_read_next_header(reader, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN) {
    while ((code = archive_read_data_block(reader, &block, &n, &offset)) == ARCHIVE_OK)
      *bytes += (int64_t)n;
    if (code != ARCHIVE_EOF)
      return false;
  }
  return code == ARCHIVE_EOF;
}

static oikos_status inflate_file(const char *path, int64_t *bytes, oikos_error *err) {
  struct archive *reader = archive_read_new();
  oikos_status status = OIKOS_OK;
  if (!reader || !use_formats(reader))
    status = oikos_fail(err, OIKOS_ERROR, "libarchive cannot read zip, tar and 7-zip here");
  else if (archive_read_open_filename(reader, path, BLOCK) != ARCHIVE_OK || !drain(reader, bytes))
    status = oikos_fail(err, OIKOS_ERROR, "%s cannot be inflated: %s", path,
                        archive_error_string(reader));
  archive_read_free(reader);
  return status;
}

oikos_status oikos_bench_inflate(const char *source, int64_t *bytes, oikos_error *err) {
  char *const roots[] = {(char *)source, NULL};
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
  oikos_status status = OIKOS_OK;
  const FTSENT *entry;
  if (!walk)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be listed: %s", source, strerror(errno));
  while (status == OIKOS_OK && (entry = fts_read(walk)) != NULL)
    if (entry->fts_info == FTS_F)
      status = inflate_file(entry->fts_accpath, bytes, err);
  fts_close(walk);
  return status;
}
