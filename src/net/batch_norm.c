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

#include "math/vectors.h"
#include "net/batch_norm_impl.h"

typedef oikos_real real;
typedef oikos_norm_view view;

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
    real before = (real)i, share = 1 / (real)(i + 1);
    oikos_norm_moments(v, p->x + i * l->in_size, mean_i, square_i);
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      real delta = mean_i[j] - mean[j];
      mean[j] += delta * share;
      square[j] += square_i[j] + delta * delta * (real)rows * before * share;
    }
  }
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    v->r[j] = (real)(1 / sqrt((double)square[j] / v->count + l->arg[0]));
}

/* The same of what is recomputed, which says them itself. */
static void given_statistics(const oikos_layer *l, const oikos_pass *p, const view *v) {
  oikos_norm_before(p)->statistics(p->before_layer, p->before, v->mean, v->r);
  for (size_t j = 0; j < v->c; j++)
    v->r[j] = (real)(1 / sqrt((double)v->r[j] + l->arg[0]));
}

/* y, xh and at (c) of a window of side x side positions, whose first one is x, `width` positions a
 * line: those of its largest y, of equal ones the first; y after relu. */
OIKOS_INLINE void forward_window(const view *v, size_t side, const real *restrict x,
                                 real *restrict y, real *restrict xh, real *restrict at) {
  const size_t c = v->c, line = v->width * c;
  const real *restrict mean = v->mean, *restrict r = v->r, *restrict scale = v->scale,
                       *restrict shift = v->shift, floor = v->floor;
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real its_xh = (x[j] - mean[j]) * r[j], most = scale[j] * its_xh + shift[j], its_q = 0;
#pragma GCC unroll 3
    for (size_t a = 0; a < side; a++)
#pragma GCC unroll 3
      for (size_t b = 0; b < side; b++) {
        real xh_q = (x[a * line + b * c + j] - mean[j]) * r[j], y_q = scale[j] * xh_q + shift[j],
             q = (real)(a * side + b);
        its_q = y_q > most ? q : its_q;
        its_xh = y_q > most ? xh_q : its_xh;
        most = y_q > most ? y_q : most;
      }
    y[j] = most < floor ? floor : most;
    xh[j] = its_xh;
    if (side > 1)
      at[j] = its_q;
  }
}

/* A row of windows, from window `first` of all on. */
OIKOS_INLINE void forward_row(const oikos_pass *p, const view *v, size_t side, const real *x,
                              size_t first) {
  for (size_t k = 0; k < v->columns; k++) {
    size_t out = (first + k) * v->c, kept = p->inference ? 0 : out;
    forward_window(v, side, x + k * side * v->c, p->y + out, v->xh + kept,
                   side > 1 ? v->at + kept : NULL);
  }
}

/* The usual sides are known where the loops are compiled. */
static void forward_lines(const oikos_pass *p, const view *v, const real *x, size_t first) {
  if (v->side == 1)
    forward_row(p, v, 1, x, first);
  else if (v->side == 2)
    forward_row(p, v, 2, x, first);
  else if (v->side == 3)
    forward_row(p, v, 3, x, first);
  else
    forward_row(p, v, v->side, x, first);
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_view_of(l, p);
  if (p->before)
    given_statistics(l, p, &v);
  else
    statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    if (p->before)
      oikos_norm_before(p)->take(p->before_layer, p->before, i);
    for (size_t row = 0; row < v.rows; row++) {
      if (p->before)
        oikos_norm_before(p)->lines(p->before_layer, p->before, row * v.side, v.side, p->lines);
      forward_lines(p, &v, p->before ? p->lines : p->x + oikos_norm_line(l, &v, i, row),
                    i * v.windows + row * v.columns);
    }
  }
}

/* mean_t and m of x_t. */
static void tangent_statistics(const oikos_layer *l, const oikos_pass *p, const view *v,
                               real *scratch) {
  size_t c = v->c;
  real *restrict sum = scratch, *restrict product = scratch + c;
  memset(v->mean_t, 0, 2 * c * sizeof *v->mean_t);
  for (size_t i = 0; p->x_t && i < v->n_norm; i++) {
    size_t first = i * l->in_size;
    oikos_norm_tangent_moments(v, p->x + first, p->x_t + first, sum, product);
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      v->mean_t[j] += sum[j] / (real)v->count;
      v->m[j] += product[j] / (real)v->count;
    }
  }
  if (p->before) {
    oikos_norm_before(p)->tangent_statistics(p->before_layer, p->before, v->mean_t, v->m);
    for (size_t j = 0; j < c; j++)
      v->m[j] *= v->r[j];
  }
}

/* y_t and xh_t (c) of a window, those of its largest y: window number `out`, in numbers. x_t is the
 * first position of it, NULL: it stands still. */
OIKOS_INLINE void tangent_window(const oikos_pass *p, const view *v, size_t side,
                                 const real *restrict x_t, size_t out) {
  const size_t c = v->c, line = v->width * c;
  const real *restrict xh = v->xh + out, *restrict y = p->y + out, *restrict mean_t = v->mean_t,
                       *restrict m = v->m, *restrict r = v->r, *restrict scale = v->scale;
  const real *restrict scale_t = p->theta_t, *restrict shift_t = p->theta_t + c,
                       *restrict at = side > 1 ? v->at + out : NULL, floor = v->floor;
  real *restrict xh_t = v->xh_t + out, *restrict y_t = p->y_t + out;
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real its_t = x_t ? x_t[j] : 0;
#pragma GCC unroll 3
    for (size_t a = 0; x_t && a < side; a++)
#pragma GCC unroll 3
      for (size_t b = 0; b < side; b++) {
        real x_t_q = x_t[a * line + b * c + j];
        its_t = side > 1 && at[j] == (real)(a * side + b) ? x_t_q : its_t;
      }
    real moved_xh = x_t ? r[j] * (its_t - mean_t[j] - xh[j] * m[j]) : 0,
         moved = scale_t[j] * xh[j] + scale[j] * moved_xh + shift_t[j];
    xh_t[j] = moved_xh;
    y_t[j] = y[j] > floor ? moved : 0;
  }
}

OIKOS_INLINE void tangent_row(const oikos_pass *p, const view *v, size_t side, const real *x_t,
                              size_t first) {
  for (size_t k = 0; k < v->columns; k++)
    if (x_t)
      tangent_window(p, v, side, x_t + k * side * v->c, (first + k) * v->c);
    else
      tangent_window(p, v, side, NULL, (first + k) * v->c);
}

static void tangent_lines(const oikos_pass *p, const view *v, const real *x_t, size_t first) {
  if (v->side == 1)
    tangent_row(p, v, 1, x_t, first);
  else if (v->side == 2)
    tangent_row(p, v, 2, x_t, first);
  else if (v->side == 3)
    tangent_row(p, v, 3, x_t, first);
  else
    tangent_row(p, v, v->side, x_t, first);
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_tangent_view_of(l, p);
  tangent_statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    if (p->before)
      oikos_norm_before(p)->take(p->before_layer, p->before, i);
    for (size_t row = 0; row < v.rows; row++) {
      const real *x_t = p->x_t ? p->x_t + oikos_norm_line(l, &v, i, row) : NULL;
      if (p->before)
        oikos_norm_before(p)->tangent_lines(p->before_layer, p->before, row * v.side, v.side,
                                            p->lines);
      tangent_lines(p, &v, p->before ? p->lines : x_t, i * v.windows + row * v.columns);
    }
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
