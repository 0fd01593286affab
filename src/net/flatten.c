/* SPDX-License-Identifier: MIT
 * (height, width, channels) becomes one vector; channels run fastest. */
#include <string.h>

#include "net/layer.h"

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  (void)err;
  l->out = (oikos_shape){1, 1, (int64_t)l->in_size};
  return OIKOS_OK;
}

static void copy(const oikos_layer *l, const oikos_pass *p, const oikos_real *from,
                 oikos_real *to) {
  if (to && from)
    memcpy(to, from, p->n * l->in_size * sizeof *to);
  else if (to)
    memset(to, 0, p->n * l->in_size * sizeof *to);
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  copy(l, p, p->x, p->y);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  copy(l, p, p->x_t, p->y_t);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  copy(l, p, p->dy, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  copy(l, p, p->dy_t, p->dx_t);
}

const oikos_layer_type oikos_layer_flatten = {
    .kind = "flatten",
    .meaning = "Height, width and channels become one vector (channels fastest).",
    .configure = configure,
    .batches_learners = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
