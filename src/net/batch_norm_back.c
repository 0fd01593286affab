/* SPDX-License-Identifier: MIT
 * The way back through batch normalisation: the formulas are in batch_norm.c. */
#include <string.h>

#include "net/batch_norm_impl.h"

typedef oikos_real real;
typedef oikos_norm_view view;
typedef oikos_norm_example example;

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
  bool counts = i < v->n_norm; // in the statistics
  if (!counts)
    memset(dx, 0, c * sizeof *dx);
#pragma omp simd
  for (size_t j = 0; j < (counts ? c : 0); j++)
    dx[j] = constant[j] + of_u[j] * (x[j] - mean[j]);
  if (counts && f->of_u_t && e->x_t) {
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
    example e = oikos_norm_example_of(l, p, i, f->of_u_t != NULL);
    real *to = p->before ? p->example : dx + i * l->in_size;
    for (size_t k = 0; k < v->positions; k++)
      apply_position(l, p, v, f, i, k, &e, to + k * v->c);
    if (p->before)
      p->before_layer->type->recompute->gradient(p->before_layer, p->before, i, to);
  }
}

void oikos_batch_norm_backward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_view_of(l, p);
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

void oikos_batch_norm_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_tangent_view_of(l, p);
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
