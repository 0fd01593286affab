/* SPDX-License-Identifier: MIT
 * The batch is a set: y_i = mean_j x_j for every example i, or [x_i, mean_j x_j]; whatever follows
 * sees no order (Zaheer et al., "Deep sets", NeurIPS 2017, sections 2 and 3). Linear, so every
 * derivative is the same map. */
#include <string.h>

#include "math/vector.h"
#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  if (l->in.height != 1 || l->in.width != 1)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: expected a vector, found an input of %lld x %lld x %lld; put `flatten` before it",
        l->where, (long long)l->in.height, (long long)l->in.width, (long long)l->in.channels);
  l->out = (oikos_shape){1, 1, l->arg[0] != 0 ? 2 * l->in.channels : l->in.channels};
  l->scratch = (size_t)l->in.channels;
  return OIKOS_OK;
}

/* mean (c) = column means of x, whose rows are `stride` apart */
static void column_means(size_t n, size_t c, size_t stride, const real *x, real *restrict mean) {
  memset(mean, 0, c * sizeof *mean);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < c; j++)
      mean[j] += x[i * stride + j];
  for (size_t j = 0; j < c; j++)
    mean[j] /= (real)n;
}

/* y (n, out) of x (n, in) */
static void spread(const oikos_layer *l, size_t n, const real *x, real *mean, real *y) {
  size_t c = l->in_size, kept = l->out_size - c; // kept: c or 0
  column_means(n, c, c, x, mean);
  for (size_t i = 0; i < n; i++) {
    memcpy(y + i * l->out_size, x + i * c, kept * sizeof *y);
    memcpy(y + i * l->out_size + kept, mean, c * sizeof *y);
  }
}

/* dx (n, in) of dy (n, out): the transposed map */
static void collect(const oikos_layer *l, size_t n, const real *dy, real *mean, real *dx) {
  size_t c = l->in_size, kept = l->out_size - c;
  column_means(n, c, l->out_size, dy + kept, mean);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < c; j++)
      dx[i * c + j] = mean[j] + (kept ? dy[i * l->out_size + j] : 0);
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  spread(l, p->n, p->x, p->scratch, p->y);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  if (p->x_t)
    spread(l, p->n, p->x_t, p->scratch, p->y_t);
  else
    memset(p->y_t, 0, p->n * l->out_size * sizeof *p->y_t);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  if (p->dx)
    collect(l, p->n, p->dy, p->scratch, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  if (p->dx_t)
    collect(l, p->n, p->dy_t, p->scratch, p->dx_t);
}

const oikos_layer_type oikos_layer_set_mean = {
    .kind = "set_mean",
    .meaning =
        "The mean over the examples of the batch, for each of them: what follows sees a set.",
    .args = {{"concat", 0, 0, 1, true, "1: behind the example's own numbers, not in their place"}},
    .configure = configure,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
