/* SPDX-License-Identifier: MIT
 * Patches of an image as rows of a matrix, so that a convolution is a matrix product. Channels
 * last. */
#ifndef OIKOS_MATH_IM2COL_H
#define OIKOS_MATH_IM2COL_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/real.h"

typedef struct oikos_patches {
  int64_t height, width, channels; /* of the image */
  int64_t kernel_h, kernel_w, stride, padding;
  int64_t out_h, out_w;
} oikos_patches;

/** rows (count, kernel_h*kernel_w*channels): the patches of output positions first ..
 * first+count-1, counted over the images x (n, height, width, channels); outside an image is zero.
 */
void oikos_im2col(const oikos_patches *g, size_t first, size_t count, const oikos_real *x,
                  oikos_real *rows);

/** The transpose: the rows' entries are added to x at their places. */
void oikos_col2im(const oikos_patches *g, size_t first, size_t count, const oikos_real *rows,
                  oikos_real *x);

#endif
