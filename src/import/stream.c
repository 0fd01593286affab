/* SPDX-License-Identifier: MIT */
#include "import/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/memory.h"
#include "base/regular.h"
#include "base/try.h"

enum { BLOCK = 64 << 10, MAX_RATIO = 200, GZIP_ONLY = 15 + 16 /* inflateInit2() */ };
/* Before the ratio counts: sorted labels pack well. */
static const int64_t FREE_BYTES = INT64_C(64) << 20;

struct oikos_stream {
  char *path;
  int fd; /* -1 until it is open */
  int64_t total, file_bytes;
  bool gzip, inflating;  /* it is one; z is to be released */
  bool between, padding; /* members have ended, and zeros stood behind them */
  z_stream z;            /* next_in, avail_in: what is read and not used, of plain files too */
  uint8_t block[BLOCK];
};

/* Read the next block behind the last, which is used up; none at the end. */
static oikos_status fill(oikos_stream *s, oikos_error *err) {
  ssize_t n;
  do
    n = read(s->fd, s->block, BLOCK);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  s->z.next_in = s->block;
  s->z.avail_in = (uInt)n;
  return OIKOS_OK;
}

static oikos_status start(oikos_stream *s, oikos_error *err) {
  OIKOS_TRY(oikos_regular_open(s->path, &s->fd, &s->file_bytes, err));
  OIKOS_TRY(fill(s, err));
  if (s->z.avail_in == 0)
    return oikos_fail(err, OIKOS_ERROR, "it is empty; fetch it again");
  s->gzip = s->z.avail_in > 1 && s->block[0] == 0x1F && s->block[1] == 0x8B;
  s->inflating = s->gzip && inflateInit2(&s->z, GZIP_ONLY) == Z_OK;
  return s->gzip && !s->inflating ? oikos_fail(err, OIKOS_ERROR, "zlib cannot inflate here")
                                  : OIKOS_OK;
}

oikos_status oikos_stream_open(oikos_stream **out, const char *path, oikos_error *err) {
  oikos_stream *s;
  OIKOS_TRY(oikos_alloc(&s, 1, sizeof *s, "a stream", err));
  s->fd = -1;
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

/* Behind a member of a gzip file: another one, or zeros to the end. */
static oikos_status next_member(oikos_stream *s, oikos_error *err) {
  while (s->z.avail_in > 0 && *s->z.next_in == 0) {
    s->padding = true;
    s->z.next_in++;
    s->z.avail_in--;
  }
  if (s->z.avail_in == 0)
    return OIKOS_OK;
  if (s->padding || *s->z.next_in != 0x1F || inflateReset(&s->z) != Z_OK)
    return oikos_fail(
        err, OIKOS_ERROR,
        "bytes that are no gzip follow after its content of %lld bytes; fetch it again",
        (long long)s->total);
  s->between = false;
  return OIKOS_OK;
}

/* Some bytes; none at the end, where the checksum and the length have been checked. */
static oikos_status inflate_some(oikos_stream *s, uint8_t *to, size_t size, size_t *got,
                                 oikos_error *err) {
  for (*got = 0; *got == 0;) {
    if (s->z.avail_in == 0)
      OIKOS_TRY(fill(s, err));
    if (s->between && s->z.avail_in > 0)
      OIKOS_TRY(next_member(s, err));
    if (s->z.avail_in == 0 && s->between)
      return OIKOS_OK;
    if (s->between)
      continue;
    s->z.next_out = to;
    s->z.avail_out = size < BLOCK ? (uInt)size : BLOCK;
    size_t room = s->z.avail_out;
    bool end = s->z.avail_in == 0;
    int code = inflate(&s->z, Z_NO_FLUSH);
    *got = room - s->z.avail_out;
    s->between = code == Z_STREAM_END;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return oikos_fail(err, OIKOS_ERROR, "it is damaged after %lld bytes (%s); fetch it again",
                        (long long)s->total, s->z.msg ? s->z.msg : "no details");
    if (end && *got == 0 && !s->between)
      return oikos_fail(err, OIKOS_ERROR,
                        "a gzip file cut short after %lld bytes of content; fetch it again",
                        (long long)s->total);
  }
  return OIKOS_OK;
}

static oikos_status copy_some(oikos_stream *s, uint8_t *to, size_t size, size_t *got,
                              oikos_error *err) {
  if (s->z.avail_in == 0)
    OIKOS_TRY(fill(s, err));
  *got = size < s->z.avail_in ? size : s->z.avail_in;
  memcpy(to, s->z.next_in, *got);
  s->z.next_in += *got;
  s->z.avail_in -= (uInt)*got;
  return OIKOS_OK;
}

oikos_status oikos_stream_read_some(oikos_stream *s, void *to, size_t size, size_t *got,
                                    oikos_error *err) {
  uint8_t *bytes = to;
  size_t n = 1;
  for (*got = 0; *got < size && n > 0; *got += n) {
    oikos_status status = s->gzip ? inflate_some(s, bytes + *got, size - *got, &n, err)
                                  : copy_some(s, bytes + *got, size - *got, &n, err);
    if (status != OIKOS_OK) {
      oikos_fail_prefix(err, "%s: ", s->path);
      return status;
    }
    s->total += (int64_t)n;
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

oikos_status oikos_stream_end(oikos_stream *stream, oikos_error *err) {
  uint8_t extra;
  size_t got;
  int64_t expected = stream->total;
  OIKOS_TRY(oikos_stream_read_some(stream, &extra, 1, &got, err));
  if (got)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: bytes are left after the %lld its header announces; fetch it again",
                      stream->path, (long long)expected);
  return OIKOS_OK;
}

void oikos_stream_close(oikos_stream *stream) {
  if (!stream)
    return;
  if (stream->inflating)
    inflateEnd(&stream->z);
  if (stream->fd >= 0)
    close(stream->fd);
  free(stream->path);
  free(stream);
}
