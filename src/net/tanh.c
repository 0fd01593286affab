/* SPDX-License-Identifier: MIT
 * y = tanh x; y' = 1 - y^2; the tangent of y' is -2 y y_t. */
#include <math.h>

#include "net/activation.h"

typedef oikos_real real;

static void forward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->n * l->out_size; i < count; i++)
    p->y[i] = (real)tanh((double)p->x[i]);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->n * l->out_size; i < count; i++)
    p->y_t[i] = p->x_t ? (1 - p->y[i] * p->y[i]) * p->x_t[i] : 0;
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->dx ? p->n * l->out_size : 0; i < count; i++)
    p->dx[i] = (1 - p->y[i] * p->y[i]) * p->dy[i];
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0, count = p->dx_t ? p->n * l->out_size : 0; i < count; i++)
    p->dx_t[i] = (1 - p->y[i] * p->y[i]) * p->dy_t[i] - 2 * p->y[i] * p->y_t[i] * p->dy[i];
}

const oikos_layer_type oikos_layer_tanh = {
    .kind = "tanh",
    .meaning = "Hyperbolic tangent.",
    .configure = oikos_configure_same,
    .batches_learners = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
