/* SPDX-License-Identifier: MIT
 * y = x W^T + b, with W (out, in) and b (out); a relu that follows is computed along. */
#include <math.h>
#include <string.h>

#include "base/try.h"
#include "math/blas.h"
#include "math/vector.h"
#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t units = (int64_t)l->arg[0];
  if (l->in.height != 1 || l->in.width != 1)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: expected a vector, found an input of %lld x %lld x %lld; put `flatten` before it",
        l->where, (long long)l->in.height, (long long)l->in.width, (long long)l->in.channels);
  l->out = (oikos_shape){1, 1, units};
  oikos_layer_add_tensor(l, "weight", OIKOS_WEIGHT, 2, (int64_t[]){units, l->in.channels});
  oikos_layer_add_tensor(l, "bias", OIKOS_BIAS, 1, (int64_t[]){units});
  return OIKOS_OK;
}

/* A relu: its mask is that of y > 0, for every derivative. */
static bool absorb(oikos_layer *l, const oikos_layer *next) {
  if (next->type != &oikos_layer_relu || l->relu)
    return false;
  l->relu = true;
  l->cache_example = l->out_size; // dy behind the mask
  return true;
}

/* y (n,o) += the bias (o) in each row */
static void add_bias(size_t n, size_t o, const real *restrict bias, real *restrict y) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < o; j++)
      y[i * o + j] += bias[j];
}

/* y (n,o) = max(y + the bias (o) in each row, 0) */
static void add_bias_relu(size_t n, size_t o, const real *restrict bias, real *restrict y) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < o; j++) {
      real value = y[i * o + j] + bias[j];
      y[i * o + j] = value < 0 ? 0 : value;
    }
}

/* y_t (n,o) = y_t + the bias' tangent (o) in each row where y > 0, else 0 */
static void add_bias_masked(size_t n, size_t o, const real *restrict bias_t, const real *restrict y,
                            real *restrict y_t) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < o; j++) {
      real value = y_t[i * o + j] + bias_t[j];
      y_t[i * o + j] = y[i * o + j] > 0 ? value : 0;
    }
}

/* to (n,o) = from where y > 0, else 0 */
static const real *mask(size_t count, const real *restrict y, const real *restrict from,
                        real *restrict to) {
  for (size_t i = 0; i < count; i++) {
    real value = from[i];
    to[i] = y[i] > 0 ? value : 0;
  }
  return to;
}

/* bias gradient (o) (+)= column sums of dy (n,o) */
static void add_columns(bool replace, size_t n, size_t o, const real *dy, real *grad) {
  if (replace)
    memset(grad, 0, o * sizeof *grad);
  oikos_add_columns(n, o, dy, grad);
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  size_t in = l->in_size, out = l->out_size;
  const real *bias = p->theta + out * in;
  oikos_gemm_nt(p->n, out, in, p->x, p->theta, 0, p->y);
  if (l->relu)
    add_bias_relu(p->n, out, bias, p->y);
  else
    add_bias(p->n, out, bias, p->y);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  size_t in = l->in_size, out = l->out_size;
  const real *bias_t = p->theta_t + out * in;
  oikos_gemm_nt(p->n, out, in, p->x, p->theta_t, 0, p->y_t);
  if (p->x_t)
    oikos_gemm_nt(p->n, out, in, p->x_t, p->theta, 1, p->y_t);
  if (l->relu)
    add_bias_masked(p->n, out, bias_t, p->y, p->y_t);
  else
    add_bias(p->n, out, bias_t, p->y_t);
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  size_t in = l->in_size, out = l->out_size;
  const real *dy = l->relu ? mask(p->n * out, p->y, p->dy, p->cache) : p->dy;
  if (p->grad) {
    oikos_gemm_tn(out, in, p->n, dy, p->x, !p->replace, p->grad);
    add_columns(p->replace, p->n, out, dy, p->grad + out * in);
  }
  if (p->dx)
    oikos_gemm_nn(p->n, in, out, dy, p->theta, 0, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  size_t in = l->in_size, out = l->out_size;
  const real *dy = l->relu ? p->cache : p->dy; // as backward left it
  const real *dy_t = l->relu ? mask(p->n * out, p->y, p->dy_t, p->cache_t) : p->dy_t;
  oikos_gemm_tn(out, in, p->n, dy_t, p->x, !p->replace, p->grad_t);
  if (p->x_t)
    oikos_gemm_tn(out, in, p->n, dy, p->x_t, 1, p->grad_t);
  add_columns(p->replace, p->n, out, dy_t, p->grad_t + out * in);
  if (p->dx_t) {
    oikos_gemm_nn(p->n, in, out, dy_t, p->theta, 0, p->dx_t);
    oikos_gemm_nn(p->n, in, out, dy, p->theta_t, 1, p->dx_t);
  }
}

static void product(const oikos_layer *l, size_t *rows, size_t *depth) {
  *rows = 1;
  *depth = l->in_size;
}

const oikos_layer_type oikos_layer_dense = {
    .kind = "dense",
    .meaning = "Every output is a weighted sum of all inputs, plus a bias.",
    .args = {{"units", NAN, 1, 0x1p31, true, "outputs"}},
    .configure = configure,
    .absorb = absorb,
    .product = product,
    .batches_learners = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
