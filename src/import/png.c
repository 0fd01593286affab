/* SPDX-License-Identifier: MIT */
#include "import/png.h"

#include <spng.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

enum { MAX_CHUNK = 1 << 20 }; /* bytes of text and profiles a picture may make us hold */

static oikos_status bad(oikos_error *err, int code) {
  return oikos_fail(err, OIKOS_ERROR, "not an intact PNG image: %s", spng_strerror(code));
}

static oikos_status check_header(const struct spng_ihdr *header, int64_t max_side,
                                 oikos_error *err) {
  if (header->color_type != SPNG_COLOR_TYPE_GRAYSCALE || header->bit_depth > 8)
    return oikos_fail(err, OIKOS_ERROR,
                      "a PNG of colour type %d with %d bits: expected grey (0) of 1 to 8 bits",
                      header->color_type, header->bit_depth);
  if (header->height > max_side || header->width > max_side)
    return oikos_fail(err, OIKOS_ERROR, "a PNG of %ux%u pixels: expected at most %lld a side",
                      (unsigned)header->height, (unsigned)header->width, (long long)max_side);
  return OIKOS_OK;
}

static oikos_status decode(spng_ctx *context, const void *bytes, size_t size, int64_t max_side,
                           uint8_t **pixels, struct spng_ihdr *header, oikos_error *err) {
  int code = spng_set_chunk_limits(context, MAX_CHUNK, MAX_CHUNK);
  if (!code)
    code = spng_set_png_buffer(context, bytes, size);
  if (!code)
    code = spng_get_ihdr(context, header);
  if (code)
    return bad(err, code);
  OIKOS_TRY(check_header(header, max_side, err));
  size_t length = oikos_mul(header->height, header->width);
  OIKOS_TRY(oikos_alloc(pixels, length, 1, "an image", err));
  code = spng_decode_image(context, *pixels, length, SPNG_FMT_G8, 0);
  if (!code)
    code = spng_decode_chunks(context); /* to the end chunk: finds a cut file */
  if (!code)
    return OIKOS_OK;
  free(*pixels);
  return bad(err, code);
}

oikos_status oikos_png_decode(const void *bytes, size_t size, int64_t max_side, uint8_t **pixels,
                              int64_t *height, int64_t *width, oikos_error *err) {
  struct spng_ihdr header = {0};
  uint8_t *decoded = NULL;
  spng_ctx *context = spng_ctx_new(0);
  if (!context)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a PNG decoder");
  oikos_status status = decode(context, bytes, size, max_side, &decoded, &header, err);
  spng_ctx_free(context);
  if (status != OIKOS_OK)
    return status;
  *pixels = decoded;
  *height = header.height;
  *width = header.width;
  return OIKOS_OK;
}
