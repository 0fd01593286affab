/* SPDX-License-Identifier: MIT
 * The three ways to compute a convolution: over patches, over the few numbers of shallow ones
 * without copying them, and by Winograd's tiles. */
#ifndef OIKOS_NET_CONV2D_IMPL_H
#define OIKOS_NET_CONV2D_IMPL_H

#include "math/im2col.h"
#include "math/winograd.h"
#include "net/layer.h"

/* Arguments of the layer. */
enum { CONV_FILTERS, CONV_KERNEL, CONV_KERNEL_WIDTH, CONV_STRIDE, CONV_PADDING, CONV_WINOGRAD };

oikos_layer_function oikos_conv2d_direct_forward, oikos_conv2d_direct_tangent,
    oikos_conv2d_direct_backward, oikos_conv2d_direct_tangent_backward;
oikos_layer_function oikos_conv2d_shallow_forward, oikos_conv2d_shallow_tangent,
    oikos_conv2d_shallow_backward, oikos_conv2d_shallow_tangent_backward;
oikos_layer_function oikos_conv2d_winograd_forward, oikos_conv2d_winograd_tangent,
    oikos_conv2d_winograd_backward, oikos_conv2d_winograd_tangent_backward;

extern const oikos_recompute oikos_conv2d_recompute; /* of shallow ones */

/** Whether Winograd's tiles can compute it: 3x3, stride 1. */
bool oikos_conv2d_has_tiles(const oikos_layer *layer);

/** Whether its patches are so small that they need not be copied. */
bool oikos_conv2d_is_shallow(const oikos_layer *layer);

oikos_patches oikos_conv2d_patches(const oikos_layer *layer);

/** Numbers of scratch memory: for any of the ways, or any but by tiles. */
size_t oikos_conv2d_scratch(const oikos_layer *layer, bool tiles);
size_t oikos_conv2d_direct_scratch(const oikos_layer *layer);
size_t oikos_conv2d_shallow_scratch(const oikos_layer *layer);
size_t oikos_conv2d_winograd_scratch(const oikos_layer *layer);

/** Numbers that a shallow one keeps of a batch where it is recomputed. */
size_t oikos_conv2d_shallow_cache(const oikos_layer *layer);

#endif
