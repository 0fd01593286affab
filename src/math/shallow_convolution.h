/* SPDX-License-Identifier: MIT
 *
 * Convolution of few input numbers a patch, as the first layer of a network on images has: patches
 * are never copied. They are read where they stand in a padded image, and a tile of the result
 * stays in registers. Channels last; one image at a time.
 */
#ifndef OIKOS_MATH_SHALLOW_CONVOLUTION_H
#define OIKOS_MATH_SHALLOW_CONVOLUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "math/im2col.h"
#include "oikos/real.h"

enum { OIKOS_SHALLOW = 32 }; /* numbers of a patch, at most */

typedef struct oikos_shallow {
  oikos_patches g;
  size_t depth, filters;        /* of the weights: depth = kernel_h * kernel_w * channels */
  size_t step, line, line_step; /* in the padded image: to the next position, a line, to the next
                                   row of positions */
  size_t lines;                 /* of the padded image */
  size_t offset[OIKOS_SHALLOW]; /* of a patch's numbers from its first */
} oikos_shallow;

/** Whether the kernels take this convolution: depth <= OIKOS_SHALLOW, and filters that fill a
 * vector. */
bool oikos_shallow_suits(const oikos_patches *g, size_t filters);

oikos_shallow oikos_shallow_of(const oikos_patches *g, size_t filters);

/** Numbers of a padded image. */
size_t oikos_shallow_padded(const oikos_shallow *s);

/** padded = the image x (height, width, channels) with zeros around. */
void oikos_shallow_pad(const oikos_shallow *s, const oikos_real *x, oikos_real *padded);

/** y (lines * out_w, filters) = bias (filters) + patches w, w (depth, filters), of the rows of
 * positions from `first` on; bias NULL: y += . */
void oikos_shallow_forward(const oikos_shallow *s, size_t first, size_t lines,
                           const oikos_real *padded, const oikos_real *w, const oikos_real *bias,
                           oikos_real *y);

/** dw (depth, filters) += patches^T dy, dy (lines * out_w, filters), of these rows. */
void oikos_shallow_gradient(const oikos_shallow *s, size_t first, size_t lines,
                            const oikos_real *padded, const oikos_real *dy, oikos_real *dw);

/** sum (depth) += the patches of an image, product (depth, OIKOS_SHALLOW) += their products with
 * each other, of all positions. */
void oikos_shallow_moments(const oikos_shallow *s, const oikos_real *padded, double *sum,
                           double *product);

#endif
