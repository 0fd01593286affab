/* SPDX-License-Identifier: MIT
 * PNG decoding. */
#ifndef OIKOS_IMPORT_PNG_H
#define OIKOS_IMPORT_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

/**
 * Decode a grey PNG of 1, 2, 4 or 8 bits. Checksums and the end chunk are checked; transparency and
 * gamma are ignored.
 * @param bytes       the file, (size)
 * @param max_side    the largest height and width accepted, checked before anything is allocated
 * @param[out] pixels (height, width), 0 black to 255 white; released by free(). Not set on failure
 * @return OIKOS_ERROR if it is not such a PNG, is damaged or is too large
 */
oikos_status oikos_png_decode(const void *bytes, size_t size, int64_t max_side, uint8_t **pixels,
                              int64_t *height, int64_t *width, oikos_error *err);

#endif
