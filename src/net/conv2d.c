/* SPDX-License-Identifier: MIT
 * Two-dimensional convolution. Batches of at least `winograd` images are computed by Winograd's
 * tiles, others over patches, which are copied unless they are shallow: by the shapes alone, so
 * that the bits never depend on who computes beside whom. */
#include <math.h>

#include "base/try.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

bool oikos_conv2d_has_tiles(const oikos_layer *l) {
  return l->arg[CONV_KERNEL] == 3 && l->arg[CONV_KERNEL_WIDTH] == 3 && l->arg[CONV_STRIDE] == 1;
}

size_t oikos_conv2d_scratch(const oikos_layer *l, bool tiles) {
  size_t most = oikos_conv2d_direct_scratch(l),
         shallow = oikos_conv2d_is_shallow(l) ? oikos_conv2d_shallow_scratch(l) : 0,
         tiled = tiles ? oikos_conv2d_winograd_scratch(l) : 0;
  most = shallow > most ? shallow : most;
  return tiled > most ? tiled : most;
}

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t filters = (int64_t)l->arg[CONV_FILTERS], stride = (int64_t)l->arg[CONV_STRIDE],
          padding = (int64_t)l->arg[CONV_PADDING];
  if (!l->arg[CONV_KERNEL_WIDTH])
    l->arg[CONV_KERNEL_WIDTH] = l->arg[CONV_KERNEL];
  int64_t kh = (int64_t)l->arg[CONV_KERNEL], kw = (int64_t)l->arg[CONV_KERNEL_WIDTH];
  if (l->in.height + 2 * padding < kh || l->in.width + 2 * padding < kw)
    return oikos_fail(
        err, OIKOS_USAGE, "%s: the kernel is %lld x %lld but the padded input only %lld x %lld",
        l->where, (long long)kh, (long long)kw, (long long)(l->in.height + 2 * padding),
        (long long)(l->in.width + 2 * padding));
  if (padding >= kh || padding >= kw)
    return oikos_fail(err, OIKOS_USAGE, "%s: padding %lld must be smaller than the kernel",
                      l->where, (long long)padding);
  l->out = (oikos_shape){(l->in.height + 2 * padding - kh) / stride + 1,
                         (l->in.width + 2 * padding - kw) / stride + 1, filters};
  oikos_layer_add_tensor(l, "weight", OIKOS_WEIGHT, 4,
                         (int64_t[]){filters, kh, kw, l->in.channels});
  oikos_layer_add_tensor(l, "bias", OIKOS_BIAS, 1, &filters);
  bool tiles = l->arg[CONV_WINOGRAD] > 0;
  if (tiles && !oikos_conv2d_has_tiles(l))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: winograd wants a 3 x 3 kernel and stride 1, found %lld x %lld and %lld; "
                      "leave it out or set it to 0",
                      l->where, (long long)kh, (long long)kw, (long long)stride);
  l->scratch = oikos_conv2d_scratch(l, tiles);
  if (oikos_conv2d_is_shallow(l))
    l->cache_batch = oikos_conv2d_shallow_cache(l);
  return OIKOS_OK;
}

/* The four functions of a way. */
typedef struct conv2d_way {
  oikos_layer_function *forward, *tangent, *backward, *tangent_backward;
} conv2d_way;

static conv2d_way way_of(const oikos_layer *l, const oikos_pass *p) {
  if (l->arg[CONV_WINOGRAD] > 0 && (double)p->n >= l->arg[CONV_WINOGRAD])
    return (conv2d_way){oikos_conv2d_winograd_forward, oikos_conv2d_winograd_tangent,
                        oikos_conv2d_winograd_backward, oikos_conv2d_winograd_tangent_backward};
  if (oikos_conv2d_is_shallow(l))
    return (conv2d_way){oikos_conv2d_shallow_forward, oikos_conv2d_shallow_tangent,
                        oikos_conv2d_shallow_backward, oikos_conv2d_shallow_tangent_backward};
  return (conv2d_way){oikos_conv2d_direct_forward, oikos_conv2d_direct_tangent,
                      oikos_conv2d_direct_backward, oikos_conv2d_direct_tangent_backward};
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  way_of(l, p).forward(l, p);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  way_of(l, p).tangent(l, p);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  oikos_pass_begin(l, p, p->grad);
  way_of(l, p).backward(l, p);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  oikos_pass_begin(l, p, p->grad_t);
  way_of(l, p).tangent_backward(l, p);
}

static void product(const oikos_layer *l, size_t *rows, size_t *depth) {
  *rows = (size_t)(l->out.height * l->out.width);
  *depth = (size_t)l->arg[CONV_KERNEL] * (size_t)l->arg[CONV_KERNEL_WIDTH] * (size_t)l->in.channels;
}

const oikos_layer_type oikos_layer_conv2d = {
    .kind = "conv2d",
    .meaning = "Two-dimensional convolution with a bias; zero padding.",
    .args =
        {{"filters", NAN, 1, 0x1p20, true, "output channels"},
         {"kernel", 3, 1, 1024, true, "kernel height (and width)"},
         {"kernel_width", 0, 0, 1024, true, "kernel width; 0 takes the height"},
         {"stride", 1, 1, 1024, true, "step between positions"},
         {"padding", 0, 0, 1023, true, "zeros added on each side"},
         {"winograd", -1, -1, 0x1p20, true,
          "3x3, stride 1: batches of at least so many images are computed by Winograd's "
          "F(4x4,3x3), with a fourth of the products; 0: none; -1: by a rule of the layer's shape "
          "and the level, when a run begins, and kept with it"}},
    .configure = configure,
    .product = product,
    .recompute = &oikos_conv2d_recompute,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
