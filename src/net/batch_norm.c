/* SPDX-License-Identifier: MIT
 * Batch normalisation on the batch's own statistics (Ioffe and Szegedy 2015): per channel, over
 * examples and positions,
 *
 *   xh = r u,  u = x - mean,  r = (var + epsilon)^(-1/2),  y = scale xh + shift
 *
 * A relu and a max_pool that follow are computed along: of each window only the largest y goes on,
 * so its gradient g reaches one position and is zero at the others. With mean() over all R rows,
 * K = r scale, and the tangents u_t = x_t - mean(x_t), m = mean(xh x_t), r_t = -r^2 m,
 * xh_t = r (u_t - xh m), K_t = r_t scale + r scale_t, the derivatives are
 *
 *   dx   = K z,            z   = g - mean(g) - xh mean(g xh)
 *   dx_t = K_t z + K z_t,  z_t = g_t - mean(g_t) - xh_t mean(g xh) - xh mean(g_t xh + g xh_t)
 *
 * which per channel are linear in g, g_t, u and u_t. Where the statistics are those of the first
 * n_norm examples alone, the means are sums over all rows, of g and of what it is multiplied by,
 * but divided by the rows of these; and only these have the terms behind g in z: of the others z =
 * g, z_t = g_t. The cache holds, per example and window, xh of the largest and which one that was;
 * per batch mean and r. Its tangent: xh_t; mean(x_t) and m. */
#include <math.h>
#include <string.h>

#include "net/batch_norm_impl.h"

typedef oikos_real real;
typedef oikos_norm_view view;
typedef oikos_norm_example example;

static void set_sizes(oikos_layer *l) {
  size_t kept = (size_t)(l->out.height * l->out.width * l->out.channels);
  l->cache_example = l->pool > 1 ? 2 * kept : kept;
  l->cache_batch = 2 * (size_t)l->in.channels;
  l->scratch = 13 * (size_t)l->in.channels; // as tangent_backward cuts it
}

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  (void)err;
  l->out = l->in;
  int64_t c = l->in.channels;
  oikos_layer_add_tensor(l, "scale", OIKOS_SCALE, 1, &c);
  oikos_layer_add_tensor(l, "shift", OIKOS_BIAS, 1, &c);
  set_sizes(l);
  return OIKOS_OK;
}

/* A relu, and a max_pool without overlap; in either order they commute. */
static bool absorb(oikos_layer *l, const oikos_layer *next) {
  bool pools = next->type == &oikos_layer_max_pool && next->arg[0] == next->arg[1] && l->pool == 1;
  if (next->type == &oikos_layer_relu)
    l->relu = true;
  else if (pools)
    l->pool = (int64_t)next->arg[0];
  else
    return false;
  l->out = next->out;
  set_sizes(l);
  return true;
}

/* mean and r of x, image by image while it is in the cache: with the mean_i of each image and the
 * squares around it, the whole follows without cancellation (Chan, Golub and LeVeque 1979). */
static void statistics(const oikos_layer *l, const oikos_pass *p, const view *v, real *scratch) {
  size_t c = v->c, rows = v->positions;
  real *restrict mean_i = scratch, *restrict square_i = scratch + c;
  real *restrict mean = v->mean, *restrict square = scratch + 2 * c;
  memset(mean, 0, c * sizeof *mean);
  memset(square, 0, c * sizeof *square);
  for (size_t i = 0; i < v->n_norm; i++) {
    const real *restrict x = oikos_norm_example_of(l, p, i, false).x;
    real before = (real)i, share = 1 / (real)(i + 1);
    memset(mean_i, 0, c * sizeof *mean_i);
    memset(square_i, 0, c * sizeof *square_i);
    for (size_t k = 0; k < rows; k++) {
#pragma omp simd
      for (size_t j = 0; j < c; j++)
        mean_i[j] += x[k * c + j];
    }
#pragma omp simd
    for (size_t j = 0; j < c; j++)
      mean_i[j] /= (real)rows;
    for (size_t k = 0; k < rows; k++) {
#pragma omp simd
      for (size_t j = 0; j < c; j++)
        square_i[j] += (x[k * c + j] - mean_i[j]) * (x[k * c + j] - mean_i[j]);
    }
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      real delta = mean_i[j] - mean[j];
      mean[j] += delta * share;
      square[j] += square_i[j] + delta * delta * (real)rows * before * share;
    }
  }
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    v->r[j] = (real)(1 / sqrt((double)square[j] / v->rows + l->arg[0]));
}

/* The place of position q of window `window` of an example, in numbers. */
static size_t place(const oikos_layer *l, size_t window, size_t q) {
  size_t out_w = (size_t)l->out.width, s = (size_t)l->pool, w = (size_t)l->in.width;
  size_t y = window / out_w * s + q / s, x = window % out_w * s + q % s;
  return (y * w + x) * (size_t)l->in.channels;
}

/* y and xh (c) of position q of a window, where it is the first or its y is larger than those
 * before; at (c; NULL without pooling) says which one it was. */
static void forward_position(const view *v, size_t q, const real *restrict x, real *restrict y,
                             real *restrict xh, real *restrict at) {
  const size_t c = v->c;
  const real *restrict mean = v->mean, *restrict r = v->r, *restrict scale = v->scale,
                       *restrict shift = v->shift, this_q = (real)q;
  if (q == 0) {
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      xh[j] = (x[j] - mean[j]) * r[j];
      y[j] = scale[j] * xh[j] + shift[j];
    }
    if (at)
      memset(at, 0, c * sizeof *at);
    return;
  }
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real xh_q = (x[j] - mean[j]) * r[j], y_q = scale[j] * xh_q + shift[j];
    real most = y[j], its_xh = xh[j], its_q = at[j];
    at[j] = y_q > most ? this_q : its_q;
    xh[j] = y_q > most ? xh_q : its_xh;
    y[j] = y_q > most ? y_q : most;
  }
}

/* y, xh and at of window k of example i, which is x; after relu. */
static void forward_window(const oikos_layer *l, const oikos_pass *p, const view *v, const real *x,
                           size_t i, size_t k) {
  size_t c = v->c, out = (i * v->windows + k) * c, kept = p->inference ? 0 : out;
  const real floor = v->floor;
  real *restrict y = p->y + out, *at = v->at ? v->at + kept : NULL;
  for (size_t q = 0; q < (size_t)(l->pool * l->pool); q++)
    forward_position(v, q, x + place(l, k, q), y, v->xh + kept, at);
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    y[j] = y[j] < floor ? floor : y[j];
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_view_of(l, p);
  statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    const real *x = oikos_norm_example_of(l, p, i, false).x;
    for (size_t k = 0; k < v.windows; k++)
      forward_window(l, p, &v, x, i, k);
  }
}

/* Whether x has a tangent. */
static bool moves(const oikos_pass *p) {
  return p->before || p->x_t;
}

/* mean_t and m of x_t. */
static void tangent_statistics(const oikos_layer *l, const oikos_pass *p, const view *v,
                               real *scratch) {
  size_t c = v->c;
  real *restrict sum = scratch, *restrict product = scratch + c;
  const real *restrict mean = v->mean, *restrict r = v->r;
  memset(v->mean_t, 0, 2 * c * sizeof *v->mean_t);
  for (size_t i = 0; moves(p) && i < v->n_norm; i++) {
    example e = oikos_norm_example_of(l, p, i, true);
    const real *restrict x = e.x, *restrict x_t = e.x_t;
    memset(sum, 0, c * sizeof *sum);
    memset(product, 0, c * sizeof *product);
    for (size_t k = 0; k < v->positions * c; k += c) {
#pragma omp simd
      for (size_t j = 0; j < c; j++) {
        sum[j] += x_t[k + j];
        product[j] += x_t[k + j] * ((x[k + j] - mean[j]) * r[j]);
      }
    }
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      v->mean_t[j] += sum[j] / (real)v->rows;
      v->m[j] += product[j] / (real)v->rows;
    }
  }
}

/* y_t and xh_t of one window of example i, which moves along x_t, if it does: those of its largest
 * y. */
static void tangent_window(const oikos_layer *l, const oikos_pass *p, const view *v,
                           const real *example_t, size_t i, size_t window) {
  size_t c = v->c, out = (i * v->windows + window) * c;
  const real *restrict scale_t = p->theta_t, *restrict shift_t = p->theta_t + c;
  const real *restrict xh = v->xh + out, *restrict y = p->y + out, *restrict mean_t = v->mean_t,
                       *restrict m = v->m, *restrict r = v->r, *restrict scale = v->scale;
  real *restrict xh_t = v->xh_t + out, *restrict y_t = p->y_t + out;
  memset(xh_t, 0, c * sizeof *xh_t);
  for (size_t q = 0; example_t && q < (size_t)(l->pool * l->pool); q++) {
    const real *restrict x_t = example_t + place(l, window, q);
    const real *restrict at = v->at ? v->at + out : NULL;
    if (!at)
#pragma omp simd
      for (size_t j = 0; j < c; j++)
        xh_t[j] = r[j] * (x_t[j] - mean_t[j] - xh[j] * m[j]);
    if (at)
#pragma omp simd
      for (size_t j = 0; j < c; j++) {
        real here = r[j] * (x_t[j] - mean_t[j] - xh[j] * m[j]);
        xh_t[j] = at[j] == (real)q ? here : xh_t[j];
      }
  }
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real moved = scale_t[j] * xh[j] + scale[j] * xh_t[j] + shift_t[j];
    y_t[j] = y[j] > v->floor ? moved : 0;
  }
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_tangent_view_of(l, p);
  tangent_statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    const real *x_t = moves(p) ? oikos_norm_example_of(l, p, i, true).x_t : NULL;
    for (size_t k = 0; k < v.windows; k++)
      tangent_window(l, p, &v, x_t, i, k);
  }
}

const oikos_layer_type oikos_layer_batch_norm = {
    .kind = "batch_norm",
    .meaning =
        "Batch normalisation on the statistics of the set at hand (model.norm_statistics: the "
        "query set, or the support set), with learned scale and shift.",
    .args = {{"epsilon", 1e-5, 1e-12, 1, false, "added to the variance"}},
    .configure = configure,
    .absorb = absorb,
    .recomputes_input = true,
    .forward = forward,
    .tangent = tangent,
    .backward = oikos_batch_norm_backward,
    .tangent_backward = oikos_batch_norm_tangent_backward,
};
