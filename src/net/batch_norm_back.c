/* SPDX-License-Identifier: MIT
 * The way back through batch normalisation: the formulas are in batch_norm.c. */
#include <string.h>

#include "math/vectors.h"
#include "net/batch_norm_impl.h"

typedef oikos_real real;
typedef oikos_norm_view view;

/* An input gradient is constant + of_u u + of_u_t u_t + of_g g + of_g_t g_t, by channel; without
 * tangents the terms of u_t and g_t fall away. */
typedef struct linear {
  real *constant, *of_u, *of_u_t, *of_g, *of_g_t; /* (c) */
} linear;

/* Which of the terms there are; known where the loops are compiled. */
typedef struct terms {
  bool dense; /* the first two: of examples that count in the statistics */
  bool moved; /* that of u_t */
  bool both;  /* that of g_t */
} terms;

/* Some lines of x: those of a row of windows, which begins with window `first` of all, or those
 * behind the last row. */
typedef struct lines {
  const real *x, *x_t; /* (count, width, c), or NULL without their terms */
  real *dx;            /* likewise */
  size_t first, count;
} lines;

/* The terms of x and x_t at a number of channel j. */
OIKOS_INLINE real dense_terms(const view *v, const linear *f, terms t, const lines *a, size_t at,
                              size_t j) {
  real sum = 0;
  if (t.dense)
    sum = f->constant[j] + f->of_u[j] * (a->x[at] - v->mean[j]);
  if (t.moved)
    sum += f->of_u_t[j] * (a->x_t[at] - v->mean_t[j]);
  return sum;
}

/* dx of the positions of window k. */
OIKOS_INLINE void back_window(const oikos_pass *p, const view *v, const linear *f, terms t,
                              size_t side, const lines *a, size_t k) {
  const size_t c = v->c, line = v->width * c, out = (a->first + k) * c;
  const real *restrict dy = p->dy + out, *restrict y = p->y + out,
                       *restrict dy_t = t.both ? p->dy_t + out : NULL,
                       *restrict at = side > 1 ? v->at + out : NULL, floor = v->floor;
  real *restrict dx = a->dx;
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real all = f->of_g[j] * dy[j];
    if (t.both)
      all += f->of_g_t[j] * dy_t[j];
    real g = y[j] > floor ? all : 0;
#pragma GCC unroll 3
    for (size_t i = 0; i < side; i++)
#pragma GCC unroll 3
      for (size_t q = 0; q < side; q++) {
        size_t to = (k * side + q) * c + i * line + j;
        real here = side == 1 || at[j] == (real)(i * side + q) ? g : 0;
        dx[to] = dense_terms(v, f, t, a, to, j) + here;
      }
  }
}

/* dx of positions outside all windows. */
OIKOS_INLINE void back_rest(const view *v, const linear *f, terms t, const lines *a,
                            size_t position, size_t count) {
  real *restrict dx = a->dx;
  for (size_t k = position; k < position + count; k++)
#pragma omp simd
    for (size_t j = 0; j < v->c; j++)
      dx[k * v->c + j] = dense_terms(v, f, t, a, k * v->c + j, j);
}

OIKOS_INLINE void back_row(const oikos_pass *p, const view *v, const linear *f, terms t,
                           size_t side, const lines *a) {
  size_t covered = v->columns * side;
  for (size_t k = 0; k < v->columns; k++)
    back_window(p, v, f, t, side, a, k);
  for (size_t i = 0; i < side; i++)
    back_rest(v, f, t, a, i * v->width + covered, v->width - covered);
}

OIKOS_INLINE void back_terms(const oikos_pass *p, const view *v, const linear *f, terms t,
                             const lines *a, bool windows) {
  if (!windows)
    back_rest(v, f, t, a, 0, a->count * v->width);
  else if (v->side == 1)
    back_row(p, v, f, t, 1, a);
  else if (v->side == 2)
    back_row(p, v, f, t, 2, a);
  else if (v->side == 3)
    back_row(p, v, f, t, 3, a);
  else
    back_row(p, v, f, t, v->side, a);
}

static void back_lines(const oikos_pass *p, const view *v, const linear *f, terms t, const lines *a,
                       bool windows) {
  if (t.moved)
    back_terms(p, v, f, (terms){true, true, true}, a, windows);
  else if (t.dense && t.both)
    back_terms(p, v, f, (terms){true, false, true}, a, windows);
  else if (t.dense)
    back_terms(p, v, f, (terms){true, false, false}, a, windows);
  else if (t.both)
    back_terms(p, v, f, (terms){false, false, true}, a, windows);
  else
    back_terms(p, v, f, (terms){false, false, false}, a, windows);
}

/* dx (n, in) */
static void apply(const oikos_layer *l, const oikos_pass *p, const view *v, const linear *f,
                  real *dx) {
  size_t left = (size_t)l->in.height - v->rows * v->side;
  for (size_t i = 0; i < p->n; i++) {
    bool dense = i < v->n_norm;
    terms t = {dense, dense && f->of_u_t && p->x_t, f->of_g_t};
    for (size_t row = 0; row < v->rows + (left > 0); row++) {
      size_t at = oikos_norm_line(l, v, i, row);
      lines a = {.x = p->x + at, .x_t = t.moved ? p->x_t + at : NULL, .dx = dx + at};
      a.first = i * v->windows + row * v->columns;
      a.count = row < v->rows ? v->side : left;
      back_lines(p, v, f, t, &a, row < v->rows);
    }
  }
}

/* The same for what is recomputed, which takes it line by line, the dense terms as they are. */
static void give_back(const oikos_pass *p, const view *v, const linear *f, real *grad) {
  const oikos_recompute *before = oikos_norm_before(p);
  oikos_slope slope = {.constant = f->constant, .of_y = f->of_u, .of_y_t = f->of_u_t};
  terms t = {false, false, f->of_g_t};
  for (size_t i = 0; i < p->n; i++) {
    before->take(p->before_layer, p->before, i);
    for (size_t row = 0; row < v->rows; row++) {
      lines a = {.dx = p->lines, .first = i * v->windows + row * v->columns, .count = v->side};
      back_lines(p, v, f, t, &a, true);
      before->gradient(p->before_layer, p->before, row * v->side, v->side, p->lines);
    }
  }
  before->end(p->before_layer, p->before, &slope, grad);
}

void oikos_batch_norm_backward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_view_of(l, p);
  size_t c = v.c;
  oikos_norm_sums sums = {.g = p->scratch, .g_xh = p->scratch + c};
  linear f = {
      .constant = p->scratch + 2 * c, .of_u = p->scratch + 3 * c, .of_g = p->scratch + 4 * c};
  oikos_pass_begin(l, p, p->grad);
  oikos_norm_sum(&v, p, false, &sums, p->scratch + 5 * c);
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real k = v.r[j] * v.scale[j], count = (real)v.count;
    if (p->grad) {
      p->grad[j] += sums.g_xh[j];
      p->grad[c + j] += sums.g[j];
    }
    f.of_g[j] = k;
    f.of_u[j] = -k * v.r[j] * (sums.g_xh[j] / count);
    f.constant[j] = -k * (sums.g[j] / count);
  }
  if (p->before && p->before->grad)
    give_back(p, &v, &f, p->before->grad);
  else if (p->dx)
    apply(l, p, &v, &f, p->dx);
}

void oikos_batch_norm_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  view v = oikos_norm_tangent_view_of(l, p);
  size_t c = v.c;
  real *s = p->scratch;
  oikos_norm_sums sums = {.g = s, .g_xh = s + c, .g_t = s + 2 * c, .g_xh_t = s + 3 * c};
  linear f = {s + 4 * c, s + 5 * c, s + 6 * c, s + 7 * c, s + 8 * c};
  oikos_pass_begin(l, p, p->grad_t);
  oikos_norm_sum(&v, p, true, &sums, s + 9 * c);
#pragma omp simd
  for (size_t j = 0; j < c; j++) {
    real r = v.r[j], m = v.m[j], count = (real)v.count, both = sums.g_xh_t[j];
    real k = r * v.scale[j], k_t = -r * r * m * v.scale[j] + r * p->theta_t[j];
    p->grad_t[j] += both;
    p->grad_t[c + j] += sums.g_t[j];
    real mean_p = sums.g_xh[j] / count;
    f.of_g[j] = k_t;
    f.of_g_t[j] = k;
    f.of_u[j] = -k_t * r * mean_p + k * r * (r * m * mean_p - both / count);
    f.of_u_t[j] = -k * r * mean_p;
    f.constant[j] = -k_t * (sums.g[j] / count) - k * (sums.g_t[j] / count);
  }
  if (p->before)
    give_back(p, &v, &f, p->before->grad_t);
  else if (p->dx_t)
    apply(l, p, &v, &f, p->dx_t);
}
