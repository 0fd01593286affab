/* SPDX-License-Identifier: MIT */
#include "import/idx_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

enum { UNSIGNED_BYTE = 0x08, INTEGER = 0x0C, BLOCK = 16 << 10, MAX_COLUMNS = 64 };

static uint32_t big_endian(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The magic number and `least` to `most` dimensions, *n of them; *type is the element type. */
static oikos_status header(oikos_stream *stream, const char *path, int least, int most, int *n,
                           int64_t *dims, int *type, oikos_error *err) {
  uint8_t bytes[4];
  OIKOS_TRY(oikos_stream_read(stream, bytes, sizeof bytes, "the magic number", err));
  if (bytes[0] || bytes[1] || bytes[3] < least || bytes[3] > most)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: not an IDX file of %d dimension%s: it begins with %02x %02x %02x %02x, "
                      "expected 00 00 type %02x",
                      path, least, least > 1 ? "s" : "", bytes[0], bytes[1], bytes[2], bytes[3],
                      least);
  *n = bytes[3];
  *type = bytes[2];
  for (int i = 0; i < *n; i++) {
    OIKOS_TRY(oikos_stream_read(stream, bytes, sizeof bytes, "the dimensions", err));
    dims[i] = big_endian(bytes);
    if (dims[i] == 0)
      return oikos_fail(err, OIKOS_ERROR, "%s: dimension %d is 0; nothing to import", path, i + 1);
  }
  return OIKOS_OK;
}

oikos_status oikos_idx_images(oikos_stream *stream, const char *path, int64_t dims[3],
                              oikos_error *err) {
  int n, type = 0;
  OIKOS_TRY(header(stream, path, 3, 3, &n, dims, &type, err));
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

/* A labels file: n rows, of which the first number is the class. */
typedef struct labels_file {
  oikos_stream *stream;
  int64_t n, columns;
  size_t size; /* of a number */
} labels_file;

/* Grows with the bytes that come, not with the number the header announces. */
static oikos_status read_labels(const labels_file *f, int32_t **labels, oikos_error *err) {
  uint8_t bytes[BLOCK * 4];
  size_t row = (size_t)f->columns * f->size;
  int64_t capacity = 0, block = (int64_t)(sizeof bytes / (row > 0 ? row : 1));
  for (int64_t done = 0, count; done < f->n; done += count) {
    count = f->n - done < block ? f->n - done : block;
    if (done + count > capacity) {
      capacity = 2 * capacity + block;
      int32_t *grown = realloc(*labels, oikos_mul((size_t)capacity, sizeof **labels));
      if (!grown)
        return oikos_fail(err, OIKOS_ERROR, "out of memory for %lld labels", (long long)capacity);
      *labels = grown;
    }
    OIKOS_TRY(oikos_stream_read(f->stream, bytes, (size_t)count * row, "the labels", err));
    for (int64_t i = 0; i < count; i++) {
      const uint8_t *first = bytes + (size_t)i * row;
      (*labels)[done + i] = f->size == 4 ? (int32_t)big_endian(first) : *first;
    }
  }
  return oikos_stream_end(f->stream, err);
}

static oikos_status labels_of(oikos_stream *stream, const char *path, int32_t **labels, int64_t *n,
                              oikos_error *err) {
  int64_t dims[2] = {0, 1};
  int type = 0, n_dims;
  OIKOS_TRY(header(stream, path, 1, 2, &n_dims, dims, &type, err));
  if (type != UNSIGNED_BYTE && type != INTEGER)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: labels of IDX type 0x%02X, expected unsigned bytes "
                      "(0x08) or 32-bit integers (0x0C)",
                      path, (unsigned)type);
  if (dims[1] > MAX_COLUMNS)
    return oikos_fail(err, OIKOS_ERROR, "%s: %lld numbers for each label, expected at most %d",
                      path, (long long)dims[1], MAX_COLUMNS);
  const labels_file file = {stream, dims[0], dims[1], type == INTEGER ? 4 : 1};
  *n = dims[0];
  return read_labels(&file, labels, err);
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
