/* SPDX-License-Identifier: MIT
 * y = max(x, 0). Its second derivative is zero, so every derivative is the same mask. */
#include <string.h>

#include "net/activation.h"

typedef oikos_real real;

/* to = from where y > 0, else 0 */
static void mask(size_t count, const real *restrict y, const real *restrict from,
                 real *restrict to) {
  for (size_t i = 0; i < count; i++) {
    real value = from[i];
    to[i] = y[i] > 0 ? value : 0;
  }
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  const real *restrict x = p->x;
  real *restrict y = p->y;
  for (size_t i = 0, count = p->n * l->out_size; i < count; i++)
    y[i] = x[i] < 0 ? 0 : x[i];
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  size_t count = p->n * l->out_size;
  if (p->x_t)
    mask(count, p->y, p->x_t, p->y_t);
  else
    memset(p->y_t, 0, count * sizeof *p->y_t);
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
    .batches_learners = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
