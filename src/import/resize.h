/* SPDX-License-Identifier: MIT
 * Making images smaller: the exact area average. */
#ifndef OIKOS_IMPORT_RESIZE_H
#define OIKOS_IMPORT_RESIZE_H

#include <stdint.h>

#include "oikos/error.h"

/** The largest height or width taken: the sums below then fit 64 bits with room to spare. */
enum { OIKOS_RESIZE_MAX_SIDE = 1 << 16 };

/**
 * Shrink a grey image. Each output pixel is the mean of the source area it covers, pixels on the
 * border counted by the part covered, in whole numbers and rounded half up: the result does not
 * depend on the machine. Equal sizes copy.
 * @param from    (from_height, from_width)
 * @param[out] to (to_height, to_width), not overlapping @p from
 * @return OIKOS_USAGE for a side of 0, over OIKOS_RESIZE_MAX_SIDE, or larger than in @p from
 */
oikos_status oikos_resize_area(const uint8_t *from, int64_t from_height, int64_t from_width,
                               uint8_t *to, int64_t to_height, int64_t to_width, oikos_error *err);

#endif
