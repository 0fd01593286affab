/* SPDX-License-Identifier: MIT
 * The two ways to compute a convolution: over patches, and by Winograd's tiles. */
#ifndef OIKOS_NET_CONV2D_IMPL_H
#define OIKOS_NET_CONV2D_IMPL_H

#include "math/winograd.h"
#include "net/layer.h"

/* Arguments of the layer. */
enum { CONV_FILTERS, CONV_KERNEL, CONV_KERNEL_WIDTH, CONV_STRIDE, CONV_PADDING, CONV_WINOGRAD };

oikos_layer_function oikos_conv2d_direct_forward, oikos_conv2d_direct_tangent,
    oikos_conv2d_direct_backward, oikos_conv2d_direct_tangent_backward;
oikos_layer_function oikos_conv2d_winograd_forward, oikos_conv2d_winograd_tangent,
    oikos_conv2d_winograd_backward, oikos_conv2d_winograd_tangent_backward;

/** Whether Winograd's tiles can compute it: 3x3, stride 1. */
bool oikos_conv2d_has_tiles(const oikos_layer *layer);

size_t oikos_conv2d_direct_scratch(const oikos_layer *layer);
size_t oikos_conv2d_winograd_scratch(const oikos_layer *layer);

#endif
