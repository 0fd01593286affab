/* SPDX-License-Identifier: MIT
 * The largest value of each window. The cache holds where it was, so every derivative is a copy to
 * or from there. */
#include <math.h>
#include <string.h>

#include "base/try.h"
#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t size = (int64_t)l->arg[0], stride = l->arg[1] ? (int64_t)l->arg[1] : size;
  if (l->in.height < size || l->in.width < size)
    return oikos_fail(
        err, OIKOS_USAGE, "%s: the window is %lld x %lld but the input only %lld x %lld", l->where,
        (long long)size, (long long)size, (long long)l->in.height, (long long)l->in.width);
  l->arg[1] = (double)stride;
  l->out = (oikos_shape){(l->in.height - size) / stride + 1, (l->in.width - size) / stride + 1,
                         l->in.channels};
  if (l->in_size > 1 << 24) // indices are kept as numbers, exact in float up to here
    return oikos_fail(err, OIKOS_USAGE, "%s: the input has %zu numbers; at most 2^24", l->where,
                      l->in_size);
  l->cache_example = (size_t)(l->out.height * l->out.width * l->out.channels);
  return OIKOS_OK;
}

/* Output row `oy` of one image: y and the index of each maximum. */
static void pool_row(const oikos_layer *l, int64_t oy, const real *x, real *y, real *index) {
  int64_t size = (int64_t)l->arg[0], stride = (int64_t)l->arg[1], w = l->in.width,
          c = l->in.channels;
  for (int64_t ox = 0; ox < l->out.width; ox++)
    for (int64_t ch = 0; ch < c; ch++) {
      int64_t best = ((oy * stride) * w + ox * stride) * c + ch;
      for (int64_t ky = 0; ky < size; ky++)
        for (int64_t kx = 0; kx < size; kx++) {
          int64_t offset = ((oy * stride + ky) * w + ox * stride + kx) * c + ch;
          best = x[offset] > x[best] ? offset : best;
        }
      int64_t o = (oy * l->out.width + ox) * c + ch;
      y[o] = x[best];
      index[o] = (real)best;
    }
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i++)
    for (int64_t oy = 0; oy < l->out.height; oy++)
      pool_row(l, oy, p->x + i * l->in_size, p->y + i * l->out_size, p->cache + i * l->out_size);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i++)
    for (size_t o = i * l->out_size; o < (i + 1) * l->out_size; o++)
      p->y_t[o] = p->x_t ? p->x_t[i * l->in_size + (size_t)p->cache[o]] : 0;
}

/* dx (n,in) = 0, then each dy (n,out) is added where its maximum was */
static void scatter(const oikos_layer *l, const oikos_pass *p, const real *dy, real *dx) {
  if (!dx)
    return;
  memset(dx, 0, p->n * l->in_size * sizeof *dx);
  for (size_t i = 0; i < p->n; i++)
    for (size_t o = i * l->out_size; o < (i + 1) * l->out_size; o++)
      dx[i * l->in_size + (size_t)p->cache[o]] += dy[o];
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  scatter(l, p, p->dy, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  scatter(l, p, p->dy_t, p->dx_t);
}

const oikos_layer_type oikos_layer_max_pool = {
    .kind = "max_pool",
    .meaning = "The largest value of each window.",
    .args = {{"size", 2, 1, 1024, true, "window height and width"},
             {"stride", 0, 0, 1024, true, "0 takes the size"}},
    .configure = configure,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
