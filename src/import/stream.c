/* SPDX-License-Identifier: MIT */
#include "import/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/try.h"

enum { BLOCK = 64 << 10, TRAILER = 8, MAX_RATIO = 200 };
/* Before the ratio counts: sorted labels pack well. */
static const int64_t FREE_BYTES = INT64_C(64) << 20;

struct oikos_stream {
  char *path;
  struct archive *reader;
  int64_t total, file_bytes;
  bool gzip;
  uint8_t trailer[TRAILER]; /* CRC-32 and length, least significant byte first */
  uint32_t crc, table[256];
};

static uint32_t crc_add(const uint32_t table[256], uint32_t crc, const uint8_t *bytes, size_t n) {
  for (crc = ~crc; n; n--)
    crc = table[(crc ^ *bytes++) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

static void crc_table(uint32_t table[256]) {
  for (uint32_t i = 0; i < 256; i++) {
    table[i] = i;
    for (int bit = 0; bit < 8; bit++)
      table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xEDB88320u : table[i] >> 1;
  }
}

/* libarchive does not check the end of a gzip file, so we keep it to check it ourselves. */
static oikos_status read_trailer(oikos_stream *s, oikos_error *err) {
  uint8_t magic[2] = {0, 0};
  FILE *file = fopen(s->path, "rb");
  if (!file)
    return oikos_fail(err, OIKOS_USAGE, "cannot be opened: %s", strerror(errno));
  s->gzip = fread(magic, 1, 2, file) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
  bool good = !s->gzip || (fseeko(file, -TRAILER, SEEK_END) == 0 &&
                           fread(s->trailer, 1, TRAILER, file) == TRAILER);
  fclose(file);
  return good ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "a gzip file cut short; fetch it again");
}

static oikos_status start(oikos_stream *s, oikos_error *err) {
  struct stat info;
  struct archive_entry *entry;
  if (stat(s->path, &info) != 0)
    return oikos_fail(err, OIKOS_USAGE, "cannot be opened: %s", strerror(errno));
  if (!S_ISREG(info.st_mode) || info.st_size == 0)
    return oikos_fail(err, OIKOS_ERROR, "is not a file, or is empty; fetch it again");
  s->file_bytes = info.st_size;
  OIKOS_TRY(read_trailer(s, err));
  s->reader = archive_read_new();
  if (!s->reader || archive_read_support_format_raw(s->reader) != ARCHIVE_OK ||
      archive_read_support_filter_gzip(s->reader) != ARCHIVE_OK)
    return oikos_fail(err, OIKOS_ERROR, "libarchive cannot read gzip here");
  if (archive_read_open_filename(s->reader, s->path, BLOCK) != ARCHIVE_OK ||
      archive_read_next_header(s->reader, &entry) != ARCHIVE_OK)
    return oikos_fail(err, OIKOS_ERROR, "cannot be read (%s); fetch it again",
                      archive_error_string(s->reader));
  return OIKOS_OK;
}

oikos_status oikos_stream_open(oikos_stream **out, const char *path, oikos_error *err) {
  oikos_stream *s;
  OIKOS_TRY(oikos_alloc(&s, 1, sizeof *s, "a stream", err));
  crc_table(s->table);
  s->path = strdup(path);
  oikos_status status = s->path ? start(s, err) : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status != OIKOS_OK) {
    oikos_fail_prefix(err, "%s: ", path);
    oikos_stream_close(s);
    return status;
  }
  *out = s;
  return OIKOS_OK;
}

oikos_status oikos_stream_read_some(oikos_stream *s, void *to, size_t size, size_t *got,
                                    oikos_error *err) {
  uint8_t *bytes = to;
  la_ssize_t n = 1;
  for (*got = 0; *got < size && n > 0; *got += (size_t)n) {
    n = archive_read_data(s->reader, bytes + *got, size - *got);
    if (n < 0)
      return oikos_fail(err, OIKOS_ERROR,
                        "%s: damaged or cut short after %lld bytes (%s); fetch it again", s->path,
                        (long long)s->total, archive_error_string(s->reader));
    s->crc = s->gzip ? crc_add(s->table, s->crc, bytes + *got, (size_t)n) : 0;
    s->total += n;
    if (s->total > FREE_BYTES && s->total / MAX_RATIO > s->file_bytes)
      return oikos_fail(err, OIKOS_ERROR,
                        "%s: %lld bytes came out of %lld: more than %d for each, which images do "
                        "not reach; refused as a decompression bomb",
                        s->path, (long long)s->total, (long long)s->file_bytes, MAX_RATIO);
  }
  return OIKOS_OK;
}

oikos_status oikos_stream_read(oikos_stream *stream, void *bytes, size_t size, const char *what,
                               oikos_error *err) {
  size_t got;
  OIKOS_TRY(oikos_stream_read_some(stream, bytes, size, &got, err));
  if (got == size)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR,
                    "%s: cut short: it ends after %lld bytes, in %s; fetch it again", stream->path,
                    (long long)stream->total, what);
}

static uint32_t little_endian(const uint8_t *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

oikos_status oikos_stream_end(oikos_stream *stream, oikos_error *err) {
  uint8_t extra;
  size_t got;
  int64_t expected = stream->total;
  OIKOS_TRY(oikos_stream_read_some(stream, &extra, 1, &got, err));
  if (got)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: bytes are left after the %lld its header announces; fetch it again",
                      stream->path, (long long)expected);
  if (stream->gzip && (little_endian(stream->trailer) != stream->crc ||
                       little_endian(stream->trailer + 4) != (uint32_t)stream->total))
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: the checksum at the end of the gzip file does not fit its content; "
                      "fetch it again",
                      stream->path);
  return OIKOS_OK;
}

void oikos_stream_close(oikos_stream *stream) {
  if (!stream)
    return;
  if (stream->reader)
    archive_read_free(stream->reader);
  free(stream->path);
  free(stream);
}
