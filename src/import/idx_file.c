/* SPDX-License-Identifier: MIT */
#include "import/idx_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

enum { UNSIGNED_BYTE = 0x08, INTEGER = 0x0C, BLOCK = 16 << 10 };

static uint32_t big_endian(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The magic number and n dimensions; *type is the element type. */
static oikos_status header(oikos_stream *stream, const char *path, int n, int64_t *dims, int *type,
                           oikos_error *err) {
  uint8_t bytes[4];
  OIKOS_TRY(oikos_stream_read(stream, bytes, sizeof bytes, "the magic number", err));
  if (bytes[0] || bytes[1] || bytes[3] != n)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: not an IDX file of %d dimension%s: it begins with %02x %02x %02x %02x, "
                      "expected 00 00 type %02x",
                      path, n, n > 1 ? "s" : "", bytes[0], bytes[1], bytes[2], bytes[3], n);
  *type = bytes[2];
  for (int i = 0; i < n; i++) {
    OIKOS_TRY(oikos_stream_read(stream, bytes, sizeof bytes, "the dimensions", err));
    dims[i] = big_endian(bytes);
    if (dims[i] == 0)
      return oikos_fail(err, OIKOS_ERROR, "%s: dimension %d is 0; nothing to import", path, i + 1);
  }
  return OIKOS_OK;
}

oikos_status oikos_idx_images(oikos_stream *stream, const char *path, int64_t dims[3],
                              oikos_error *err) {
  int type = 0;
  OIKOS_TRY(header(stream, path, 3, dims, &type, err));
  if (type != UNSIGNED_BYTE)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: images of IDX type 0x%02X, expected unsigned bytes "
                      "(0x08)",
                      path, (unsigned)type);
  if (dims[1] > OIKOS_IDX_MAX_SIDE || dims[2] > OIKOS_IDX_MAX_SIDE)
    return oikos_fail(err, OIKOS_ERROR, "%s: images of %lldx%lld, expected at most %d a side", path,
                      (long long)dims[1], (long long)dims[2], OIKOS_IDX_MAX_SIDE);
  return OIKOS_OK;
}

static void convert(const uint8_t *bytes, int64_t n, int type, int32_t *labels) {
  for (int64_t i = 0; i < n; i++)
    labels[i] = type == INTEGER ? (int32_t)big_endian(bytes + 4 * i) : bytes[i];
}

/* Grows with the bytes that come, not with the number the header announces. */
static oikos_status read_labels(oikos_stream *stream, int64_t n, int type, int32_t **labels,
                                oikos_error *err) {
  uint8_t bytes[BLOCK * 4];
  size_t size = type == INTEGER ? 4 : 1;
  int64_t capacity = 0;
  for (int64_t done = 0, count; done < n; done += count) {
    count = n - done < BLOCK ? n - done : BLOCK;
    if (done + count > capacity) {
      capacity = 2 * capacity + BLOCK;
      int32_t *grown = realloc(*labels, oikos_mul((size_t)capacity, sizeof **labels));
      if (!grown)
        return oikos_fail(err, OIKOS_ERROR, "out of memory for %lld labels", (long long)capacity);
      *labels = grown;
    }
    OIKOS_TRY(oikos_stream_read(stream, bytes, (size_t)count * size, "the labels", err));
    convert(bytes, count, type, *labels + done);
  }
  return oikos_stream_end(stream, err);
}

static oikos_status labels_of(oikos_stream *stream, const char *path, int32_t **labels, int64_t *n,
                              oikos_error *err) {
  int type = 0;
  OIKOS_TRY(header(stream, path, 1, n, &type, err));
  if (type != UNSIGNED_BYTE && type != INTEGER)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: labels of IDX type 0x%02X, expected unsigned bytes "
                      "(0x08) or 32-bit integers (0x0C)",
                      path, (unsigned)type);
  return read_labels(stream, *n, type, labels, err);
}

oikos_status oikos_idx_labels(const char *path, int32_t **labels, int64_t *n, oikos_error *err) {
  oikos_stream *stream;
  int32_t *read = NULL;
  OIKOS_TRY(oikos_stream_open(&stream, path, err));
  oikos_status status = labels_of(stream, path, &read, n, err);
  oikos_stream_close(stream);
  if (status == OIKOS_OK)
    *labels = read;
  else
    free(read);
  return status;
}
