/* SPDX-License-Identifier: MIT
 * y = the sum of all inputs. Linear, so every derivative is a sum or a copy. */
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  for (int k = 1; k < l->n_inputs; k++)
    if (memcmp(&l->offers[k].shape, &l->in, sizeof l->in) != 0)
      return oikos_layer_refuse(l, "inputs of equal shape", err);
  return OIKOS_OK;
}

/* y (count) = x, or += x if something stands there already; without x nothing is added */
static bool take(size_t count, const real *restrict x, bool stands, real *restrict y) {
  if (x && stands)
    for (size_t i = 0; i < count; i++)
      y[i] += x[i];
  else if (x)
    memcpy(y, x, count * sizeof *y);
  return stands || x;
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  bool stands = false;
  for (int k = 0; k < l->n_inputs; k++)
    stands = take(p->n * l->out_size, p->strands[k].x, stands, p->y);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  bool stands = false;
  for (int k = 0; k < l->n_inputs; k++)
    stands = take(p->n * l->out_size, p->strands[k].x_t, stands, p->y_t);
  if (!stands)
    memset(p->y_t, 0, p->n * l->out_size * sizeof *p->y_t);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  for (int k = 0; k < l->n_inputs; k++)
    if (p->strands[k].dx)
      memcpy(p->strands[k].dx, p->dy, p->n * l->out_size * sizeof *p->dy);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  for (int k = 0; k < l->n_inputs; k++)
    if (p->strands[k].dx_t)
      memcpy(p->strands[k].dx_t, p->dy_t, p->n * l->out_size * sizeof *p->dy_t);
}

const oikos_layer_type oikos_layer_add = {
    .kind = "add",
    .meaning = "The sum of the layers that `from` names, which are of equal shape.",
    .configure = configure,
    .batches_learners = true,
    .several = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
