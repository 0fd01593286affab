/* SPDX-License-Identifier: MIT
 * y = max(x, 0). Its second derivative is zero, so every derivative is the same mask. */
#include "net/activation.h"

typedef oikos_real real;

/* to = from where y > 0, else 0 */
static void mask(size_t count, const real *y, const real *from, real *to) {
  for (size_t i = 0; i < count; i++)
    to[i] = y[i] > 0 ? from[i] : 0;
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->n * l->out_size; i < count; i++)
    p->y[i] = p->x[i] > 0 ? p->x[i] : 0;
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->n * l->out_size; i < count; i++)
    p->y_t[i] = p->x_t && p->y[i] > 0 ? p->x_t[i] : 0;
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  if (p->dx)
    mask(p->n * l->out_size, p->y, p->dy, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  if (p->dx_t)
    mask(p->n * l->out_size, p->y, p->dy_t, p->dx_t);
}

const oikos_layer_type oikos_layer_relu = {
    .kind = "relu",
    .meaning = "max(x, 0).",
    .configure = oikos_configure_same,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
