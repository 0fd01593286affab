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
 * which per channel are linear in g, g_t, u and u_t. The cache holds, per example and window, xh of
 * the largest and which one that was; per batch mean and r. Its tangent: xh_t; mean(x_t) and m. */
#include <math.h>
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

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

/* What the four functions see. Arrays are (c) unless said otherwise. */
typedef struct view {
  size_t c, positions, windows; /* of an example */
  double rows;
  real floor; /* a gradient passes where y > floor: that of relu, or of nothing */
  const real *scale, *shift;
  real *xh, *at; /* (n, windows, c): of the largest in each window; at is NULL without pooling */
  real *mean, *r;
  real *xh_t, *mean_t, *m;
} view;

static view view_of(const oikos_layer *l, const oikos_pass *p) {
  view v = {.c = (size_t)l->in.channels, .scale = p->theta};
  v.positions = (size_t)(l->in.height * l->in.width);
  v.windows = (size_t)(l->out.height * l->out.width);
  v.rows = (double)(p->n * v.positions);
  v.floor = l->relu ? 0 : (real)-INFINITY;
  v.shift = p->theta + v.c;
  v.xh = p->cache;
  v.at = l->pool > 1 ? p->cache + p->n * v.windows * v.c : NULL;
  v.mean = p->cache + p->n * l->cache_example;
  v.r = v.mean + v.c;
  return v;
}

static view tangent_view_of(const oikos_layer *l, const oikos_pass *p) {
  view v = view_of(l, p);
  v.xh_t = p->cache_t;
  v.mean_t = p->cache_t + p->n * l->cache_example;
  v.m = v.mean_t + v.c;
  return v;
}

/* Example i of x, and of x_t if it moves. */
typedef struct example {
  const real *x, *x_t; /* (positions, c) */
} example;

static example example_of(const oikos_layer *l, const oikos_pass *p, size_t i, bool with_tangent) {
  size_t first = i * l->in_size;
  if (!p->before)
    return (example){p->x + first, with_tangent && p->x_t ? p->x_t + first : NULL};
  real *x_t = with_tangent ? p->example_t : NULL;
  p->before_layer->type->recompute->example(p->before_layer, p->before, i, p->example, x_t);
  return (example){p->example, x_t};
}

/* mean and r of x, image by image while it is in the cache: with the mean_i of each image and the
 * squares around it, the whole follows without cancellation (Chan, Golub and LeVeque 1979). */
static void statistics(const oikos_layer *l, const oikos_pass *p, const view *v, real *scratch) {
  size_t c = v->c, rows = v->positions;
  real *restrict mean_i = scratch, *restrict square_i = scratch + c;
  real *restrict mean = v->mean, *restrict square = scratch + 2 * c;
  memset(mean, 0, c * sizeof *mean);
  memset(square, 0, c * sizeof *square);
  for (size_t i = 0; i < p->n; i++) {
    const real *restrict x = example_of(l, p, i, false).x;
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
  size_t c = v->c, out = (i * v->windows + k) * c, kept = p->forgets ? 0 : out;
  const real floor = v->floor;
  real *restrict y = p->y + out, *at = v->at ? v->at + kept : NULL;
  for (size_t q = 0; q < (size_t)(l->pool * l->pool); q++)
    forward_position(v, q, x + place(l, k, q), y, v->xh + kept, at);
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    y[j] = y[j] < floor ? floor : y[j];
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  view v = view_of(l, p);
  statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    const real *x = example_of(l, p, i, false).x;
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
  for (size_t i = 0; moves(p) && i < p->n; i++) {
    example e = example_of(l, p, i, true);
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
  view v = tangent_view_of(l, p);
  tangent_statistics(l, p, &v, p->scratch);
  for (size_t i = 0; i < p->n; i++) {
    const real *x_t = moves(p) ? example_of(l, p, i, true).x_t : NULL;
    for (size_t k = 0; k < v.windows; k++)
      tangent_window(l, p, &v, x_t, i, k);
  }
}

/* sum (c) = sum of g, product (c) = sum of g * xh, over windows; g is dy where relu lets it
 * through. */
static void sums(const oikos_pass *p, const view *v, const real *dy, const real *factor,
                 real *restrict sum, real *restrict product, real *scratch) {
  size_t c = v->c;
  real *restrict sum_i = scratch, *restrict product_i = scratch + c, floor = v->floor;
  memset(sum, 0, c * sizeof *sum);
  memset(product, 0, c * sizeof *product);
  for (size_t i = 0; i < p->n; i++) {
    memset(sum_i, 0, c * sizeof *sum_i);
    memset(product_i, 0, c * sizeof *product_i);
    for (size_t k = 0; k < v->windows; k++) {
      size_t out = (i * v->windows + k) * c;
      const real *restrict d = dy + out, *restrict xh = factor + out, *restrict y = p->y + out;
#pragma omp simd
      for (size_t j = 0; j < c; j++) {
        real d_j = d[j], g = y[j] > floor ? d_j : 0;
        sum_i[j] += g;
        product_i[j] += g * xh[j];
      }
    }
#pragma omp simd
    for (size_t j = 0; j < c; j++) {
      sum[j] += sum_i[j];
      product[j] += product_i[j];
    }
  }
}

/* An input gradient is constant + of_u u + of_u_t u_t + of_g g + of_g_t g_t, by channel; without
 * tangents the terms of u_t and g_t fall away. */
typedef struct linear {
  real *constant, *of_u, *of_u_t, *of_g, *of_g_t; /* (c) */
} linear;

/* The window that holds a position and which one of the window it is: false if none does. */
static bool window_of(const oikos_layer *l, size_t position, size_t *window, size_t *q) {
  size_t w = (size_t)l->in.width, s = (size_t)l->pool, y = position / w, x = position % w;
  *window = y / s * (size_t)l->out.width + x / s;
  *q = y % s * s + x % s;
  return y / s < (size_t)l->out.height && x / s < (size_t)l->out.width;
}

/* dx (c) += factor dy where y is above the floor and, with pooling, position q of the window was
 * the largest. */
static void add_gradient(const view *v, size_t out, size_t q, const oikos_pass *p, const real *dy,
                         const real *restrict factor, real *restrict dx) {
  const real *restrict d = dy + out, *restrict y = p->y + out, floor = v->floor;
  if (v->at) {
    const real *restrict at = v->at + out, here = (real)q;
#pragma omp simd
    for (size_t j = 0; j < v->c; j++) {
      real g = factor[j] * d[j], open = y[j] > floor ? g : 0;
      dx[j] += at[j] == here ? open : 0;
    }
  } else {
#pragma omp simd
    for (size_t j = 0; j < v->c; j++) {
      real g = factor[j] * d[j];
      dx[j] += y[j] > floor ? g : 0;
    }
  }
}

/* dx of one position of example i; x itself may be its place. */
static void apply_position(const oikos_layer *l, const oikos_pass *p, const view *v,
                           const linear *f, size_t i, size_t position, const example *e, real *dx) {
  size_t c = v->c, window, q;
  const real *x = e->x + position * c, *restrict mean = v->mean, *restrict mean_t = v->mean_t,
             *restrict constant = f->constant, *restrict of_u = f->of_u;
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    dx[j] = constant[j] + of_u[j] * (x[j] - mean[j]);
  if (f->of_u_t && e->x_t) {
    const real *restrict x_t = e->x_t + position * c, *restrict of_u_t = f->of_u_t;
#pragma omp simd
    for (size_t j = 0; j < c; j++)
      dx[j] += of_u_t[j] * (x_t[j] - mean_t[j]);
  }
  if (!window_of(l, position, &window, &q))
    return;
  size_t out = (i * v->windows + window) * c;
  add_gradient(v, out, q, p, p->dy, f->of_g, dx);
  if (f->of_g_t)
    add_gradient(v, out, q, p, p->dy_t, f->of_g_t, dx);
}

/* dx (n, in), or each example's goes back to the layer before. */
static void apply(const oikos_layer *l, const oikos_pass *p, const view *v, const linear *f,
                  real *dx) {
  for (size_t i = 0; i < p->n; i++) {
    example e = example_of(l, p, i, f->of_u_t != NULL);
    real *to = p->before ? p->example : dx + i * l->in_size;
    for (size_t k = 0; k < v->positions; k++)
      apply_position(l, p, v, f, i, k, &e, to + k * v->c);
    if (p->before)
      p->before_layer->type->recompute->gradient(p->before_layer, p->before, i, to);
  }
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  view v = view_of(l, p);
  size_t c = v.c;
  real *sum = p->scratch, *product = p->scratch + c;
  linear f = {
      .constant = p->scratch + 2 * c, .of_u = p->scratch + 3 * c, .of_g = p->scratch + 4 * c};
  oikos_pass_begin(l, p, p->grad);
  sums(p, &v, p->dy, v.xh, sum, product, p->scratch + 5 * c);
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real k = v.r[j] * v.scale[j], rows = (real)v.rows;
    if (p->grad) {
      p->grad[j] += product[j];
      p->grad[c + j] += sum[j];
    }
    f.of_g[j] = k;
    f.of_u[j] = -k * v.r[j] * (product[j] / rows);
    f.constant[j] = -k * (sum[j] / rows);
  }
  if (p->dx || p->before)
    apply(l, p, &v, &f, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  view v = tangent_view_of(l, p);
  size_t c = v.c;
  real *s = p->scratch, *sum = s, *product = s + c, *sum_t = s + 2 * c, *product_t = s + 3 * c,
       *ignored = s + 4 * c, *cross = s + 5 * c, *rest = s + 11 * c;
  linear f = {s + 6 * c, s + 7 * c, s + 8 * c, s + 9 * c, s + 10 * c};
  oikos_pass_begin(l, p, p->grad_t);
  sums(p, &v, p->dy, v.xh, sum, product, rest);
  sums(p, &v, p->dy_t, v.xh, sum_t, product_t, rest);
  sums(p, &v, p->dy, v.xh_t, ignored, cross, rest);
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real r = v.r[j], m = v.m[j], rows = (real)v.rows, both = product_t[j] + cross[j];
    real k = r * v.scale[j], k_t = -r * r * m * v.scale[j] + r * p->theta_t[j];
    p->grad_t[j] += both;
    p->grad_t[c + j] += sum_t[j];
    real mean_p = product[j] / rows;
    f.of_g[j] = k_t;
    f.of_g_t[j] = k;
    f.of_u[j] = -k_t * r * mean_p + k * r * (r * m * mean_p - both / rows);
    f.of_u_t[j] = -k * r * mean_p;
    f.constant[j] = -k_t * (sum[j] / rows) - k * (sum_t[j] / rows);
  }
  if (p->dx_t || p->before)
    apply(l, p, &v, &f, p->dx_t);
}

const oikos_layer_type oikos_layer_batch_norm = {
    .kind = "batch_norm",
    .meaning = "Batch normalisation on the statistics of the set at hand (support or query), with "
               "learned scale and shift.",
    .args = {{"epsilon", 1e-5, 1e-12, 1, false, "added to the variance"}},
    .configure = configure,
    .absorb = absorb,
    .asks = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
