/* SPDX-License-Identifier: MIT
 * y = [x, x2]: behind the input, what an earlier layer gives, as numbers. Linear, so every
 * derivative is a copy of each part. */
#include <math.h>
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int from = (int)l->arg[0];
  if (from >= l->number)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: layer: expected the number of a layer before this one, which is %d, "
                      "found %d",
                      l->where, l->number, from);
  if (l->in.height != 1 || l->in.width != 1)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: expected a vector, found an input of %lld x %lld x %lld; put `flatten` before it",
        l->where, (long long)l->in.height, (long long)l->in.width, (long long)l->in.channels);
  l->second = from;
  l->in2_size = l->given[from];
  l->out = (oikos_shape){1, 1, l->in.channels + (int64_t)l->in2_size};
  return OIKOS_OK;
}

/* y (n, out) = x (n, in) beside x2 (n, in2), each zero where it does not move */
static void join(const oikos_layer *l, size_t n, const real *x, const real *x2, real *y) {
  size_t in = l->in_size, in2 = l->in2_size;
  if (!x || !x2)
    memset(y, 0, n * l->out_size * sizeof *y);
  for (size_t i = 0; i < n; i++, y += l->out_size) {
    if (x)
      memcpy(y, x + i * in, in * sizeof *y);
    if (x2)
      memcpy(y + in, x2 + i * in2, in2 * sizeof *y);
  }
}

/* The two parts of dy (n, out), where they are wanted. */
static void part(const oikos_layer *l, size_t n, const real *dy, real *dx, real *dx2) {
  size_t in = l->in_size, in2 = l->in2_size;
  for (size_t i = 0; i < n; i++, dy += l->out_size) {
    if (dx)
      memcpy(dx + i * in, dy, in * sizeof *dy);
    memcpy(dx2 + i * in2, dy + in, in2 * sizeof *dy);
  }
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  join(l, p->n, p->x, p->x2, p->y);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  join(l, p->n, p->x_t, p->x2_t, p->y_t);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  part(l, p->n, p->dy, p->dx, p->dx2);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  part(l, p->n, p->dy_t, p->dx_t, p->dx2_t);
}

const oikos_layer_type oikos_layer_concat = {
    .kind = "concat",
    .meaning = "The input and, behind it, what an earlier layer gives.",
    .args = {{"layer", NAN, 0, OIKOS_MAX_LAYERS - 1, true,
              "the earlier layer: its number in the list, from 0"}},
    .configure = configure,
    .joins = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
