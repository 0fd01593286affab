/* SPDX-License-Identifier: MIT
 * Batch normalisation on the batch's own statistics (Ioffe and Szegedy 2015): per channel, over
 * examples and positions,
 *
 *   xh = (x - mean) r,  r = (var + epsilon)^(-1/2),  y = scale xh + shift
 *
 * With R rows and the sums below over rows, the four functions are
 *   tangent            xh_t = r (x_t - mean(x_t) - xh m),  m = mean(xh x_t);  r_t = -r^2 m
 *   backward           dx = r z,  z = scale (dy - mean(dy) - xh mean(dy xh))
 *   tangent_backward   dx_t = r_t z + r z_t
 * The cache holds xh per example, and r per batch; their tangents likewise. */
#include <math.h>
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  (void)err;
  l->out = l->in;
  int64_t c = l->in.channels;
  oikos_layer_add_tensor(l, "scale", OIKOS_SCALE, 1, &c);
  oikos_layer_add_tensor(l, "shift", OIKOS_BIAS, 1, &c);
  l->cache_example = l->in_size;
  l->cache_batch = (size_t)c;
  l->scratch = 6 * (size_t)c;
  return OIKOS_OK;
}

/* sum (c) = column sums of a (rows,c), product (c) = column sums of a*b */
static void sums(size_t rows, size_t c, const real *restrict a, const real *restrict b,
                 real *restrict sum, real *restrict product) {
  memset(sum, 0, c * sizeof *sum);
  memset(product, 0, c * sizeof *product);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < c; j++) {
      sum[j] += a[i * c + j];
      product[j] += a[i * c + j] * b[i * c + j];
    }
}

static size_t rows_of(const oikos_layer *l, const oikos_pass *p) {
  return p->n * l->in_size / (size_t)l->in.channels;
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  size_t c = (size_t)l->in.channels, rows = rows_of(l, p);
  const real *restrict x = p->x, *restrict scale = p->theta, *restrict shift = p->theta + c;
  real *restrict xh = p->cache, *restrict r = p->cache + p->n * l->cache_example,
                 *restrict y = p->y;
  real *restrict mean = p->scratch, *restrict var = p->scratch + c;
  memset(mean, 0, 2 * c * sizeof *mean);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < c; j++)
      mean[j] += x[i * c + j];
  for (size_t j = 0; j < c; j++)
    mean[j] /= (real)rows;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < c; j++) {
      real centred = x[i * c + j] - mean[j];
      xh[i * c + j] = centred;
      var[j] += centred * centred;
    }
  for (size_t j = 0; j < c; j++)
    r[j] = 1 / (real)sqrt((double)(var[j] / (real)rows) + l->arg[0]);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < c; j++) {
      xh[i * c + j] *= r[j];
      y[i * c + j] = scale[j] * xh[i * c + j] + shift[j];
    }
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  size_t c = (size_t)l->in.channels, rows = rows_of(l, p);
  const real *restrict xh = p->cache, *restrict r = p->cache + p->n * l->cache_example,
                       *restrict x_t = p->x_t;
  const real *restrict scale = p->theta, *restrict scale_t = p->theta_t,
                       *restrict shift_t = p->theta_t + c;
  real *restrict xh_t = p->cache_t, *restrict r_t = p->cache_t + p->n * l->cache_example,
                 *restrict y_t = p->y_t;
  real *restrict mean = p->scratch, *restrict m = p->scratch + c;
  memset(mean, 0, 2 * c * sizeof *mean);
  if (x_t)
    sums(rows, c, x_t, xh, mean, m);
  for (size_t j = 0; j < c; j++) {
    mean[j] /= (real)rows;
    m[j] /= (real)rows;
    r_t[j] = -r[j] * r[j] * m[j];
  }
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < c; j++) {
      size_t at = i * c + j;
      xh_t[at] = x_t ? r[j] * (x_t[at] - mean[j] - xh[at] * m[j]) : 0;
      y_t[at] = scale_t[j] * xh[at] + scale[j] * xh_t[at] + shift_t[j];
    }
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  size_t c = (size_t)l->in.channels, rows = rows_of(l, p);
  const real *restrict xh = p->cache, *restrict r = p->cache + p->n * l->cache_example,
                       *restrict dy = p->dy;
  const real *restrict scale = p->theta;
  real *restrict sum = p->scratch, *restrict product = p->scratch + c, *restrict dx = p->dx;
  sums(rows, c, dy, xh, sum, product);
  for (size_t j = 0; j < c; j++) {
    p->grad[j] += product[j];
    p->grad[c + j] += sum[j];
    sum[j] /= (real)rows;
    product[j] /= (real)rows;
  }
  for (size_t i = 0; dx && i < rows; i++)
    for (size_t j = 0; j < c; j++)
      dx[i * c + j] = r[j] * scale[j] * (dy[i * c + j] - sum[j] - xh[i * c + j] * product[j]);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  size_t c = (size_t)l->in.channels, rows = rows_of(l, p);
  const real *restrict xh = p->cache, *restrict r = p->cache + p->n * l->cache_example;
  const real *restrict xh_t = p->cache_t, *restrict r_t = p->cache_t + p->n * l->cache_example;
  const real *restrict dy = p->dy, *restrict dy_t = p->dy_t, *restrict scale = p->theta,
                       *restrict scale_t = p->theta_t;
  real *restrict sum = p->scratch, *restrict product = sum + c, *restrict sum_t = sum + 2 * c;
  real *restrict product_t = sum + 3 * c, *restrict ignored = sum + 4 * c,
                 *restrict cross = sum + 5 * c;
  real *restrict dx_t = p->dx_t;
  sums(rows, c, dy, xh, sum, product);
  sums(rows, c, dy_t, xh, sum_t, product_t);
  sums(rows, c, dy, xh_t, ignored, cross);
  for (size_t j = 0; j < c; j++) {
    product_t[j] += cross[j];
    p->grad_t[j] += product_t[j];
    p->grad_t[c + j] += sum_t[j];
    sum[j] /= (real)rows;
    product[j] /= (real)rows;
    sum_t[j] /= (real)rows;
    product_t[j] /= (real)rows;
  }
  for (size_t i = 0; dx_t && i < rows; i++)
    for (size_t j = 0; j < c; j++) {
      size_t at = i * c + j;
      real z = dy[at] - sum[j] - xh[at] * product[j];
      real z_t = dy_t[at] - sum_t[j] - xh_t[at] * product[j] - xh[at] * product_t[j];
      dx_t[at] = (r_t[j] * scale[j] + r[j] * scale_t[j]) * z + r[j] * scale[j] * z_t;
    }
}

const oikos_layer_type oikos_layer_batch_norm = {
    .kind = "batch_norm",
    .meaning = "Batch normalisation on the statistics of the set at hand (support or query), with "
               "learned scale and shift.",
    .args = {{"epsilon", 1e-5, 1e-12, 1, false, "added to the variance"}},
    .configure = configure,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
