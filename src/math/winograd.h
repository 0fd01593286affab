/* SPDX-License-Identifier: MIT
 *
 * Winograd's minimal filtering F(4x4,3x3) (Lavin and Gray, "Fast algorithms for convolutional
 * neural networks", CVPR 2016): a 4x4 tile of the output of a 3x3 convolution with stride 1 from
 * the 6x6 tile of the input under it,
 *
 *   y = A^T [ (G w G^T) (*) (B^T x B) ] A,   (*) place by place, summed over channels,
 *
 * takes 36 products instead of 144. The sums over channels are 36 matrix products, one for each
 * place. These are the three transforms and their transposes, which make the exact derivatives; all
 * are linear.
 *
 * Transformed arrays are (36, rows, columns); from one place to the next are oikos_winograd_stride
 * numbers, a little more than rows * columns, so that the places do not meet in the cache. Images
 * are channels last. Nothing here allocates.
 */
#ifndef OIKOS_MATH_WINOGRAD_H
#define OIKOS_MATH_WINOGRAD_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/real.h"

enum { OIKOS_TILE = 4, OIKOS_PLACES = 36 };

/** Images of (height, width, channels), cut into tiles_y x tiles_x tiles of 4x4 whose inputs begin
 * `padding` before them. */
typedef struct oikos_tiles {
  int64_t height, width, channels; /* of the input */
  int64_t out_h, out_w, filters;   /* of the output */
  int64_t padding;
  int64_t tiles_y, tiles_x;
} oikos_tiles;

oikos_tiles oikos_tiles_of(int64_t height, int64_t width, int64_t channels, int64_t filters,
                           int64_t padding);

size_t oikos_winograd_stride(size_t rows, size_t columns);

/** u (36, rows, columns) = G w G^T for w (rows, 3, 3, columns). */
void oikos_winograd_filter(size_t rows, size_t columns, const oikos_real *w, oikos_real *u);
/** dw (rows, 3, 3, columns) += G^T du G. */
void oikos_winograd_filter_transposed(size_t rows, size_t columns, const oikos_real *du,
                                      oikos_real *dw);

/** v (36, n tiles, channels) = B^T x B for n images x; outside the image is zero. */
void oikos_winograd_input(const oikos_tiles *g, size_t n, const oikos_real *x, oikos_real *v);
/** dx = B dv B^T, overlapping tiles added. */
void oikos_winograd_input_transposed(const oikos_tiles *g, size_t n, const oikos_real *dv,
                                     oikos_real *dx);

/** y = A^T m A + bias (filters) for m (36, n tiles, filters); what lies outside y is dropped. */
void oikos_winograd_output(const oikos_tiles *g, size_t n, const oikos_real *m,
                           const oikos_real *bias, oikos_real *y);
/** dm = A dy A^T; outside y is zero. */
void oikos_winograd_output_transposed(const oikos_tiles *g, size_t n, const oikos_real *dy,
                                      oikos_real *dm);

#endif
