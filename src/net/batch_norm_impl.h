/* SPDX-License-Identifier: MIT
 * What the parts of batch normalisation share: batch_norm.c goes forward, batch_norm_back.c back,
 * batch_norm_sums.c has the sums over examples and positions. The formulas are in the first. */
#ifndef OIKOS_NET_BATCH_NORM_IMPL_H
#define OIKOS_NET_BATCH_NORM_IMPL_H

#include <math.h>

#include "net/layer.h"

oikos_layer_function oikos_batch_norm_backward, oikos_batch_norm_tangent_backward;

/* What the four functions see. Arrays are (c) unless said otherwise. */
typedef struct oikos_norm_view {
  size_t c, positions, windows; /* of an example */
  size_t width, side;           /* of x; positions of a window in each direction */
  size_t rows, columns;         /* of windows */
  size_t n_norm;                /* examples whose statistics are taken: the first ones */
  double count;                 /* of their positions */
  oikos_real floor;             /* a gradient passes where y > floor: that of relu, or of nothing */
  const oikos_real *scale, *shift;
  oikos_real *xh,
      *at; /* (n, windows, c): of the largest in each window; at is NULL without pooling */
  oikos_real *mean, *r;
  oikos_real *xh_t, *mean_t, *m;
} oikos_norm_view;

static inline oikos_norm_view oikos_norm_view_of(const oikos_layer *l, const oikos_pass *p) {
  oikos_norm_view v = {.c = (size_t)l->in.channels, .scale = p->theta};
  v.positions = (size_t)(l->in.height * l->in.width);
  v.windows = (size_t)(l->out.height * l->out.width);
  v.width = (size_t)l->in.width;
  v.side = (size_t)l->pool;
  v.rows = (size_t)l->out.height;
  v.columns = (size_t)l->out.width;
  v.n_norm = p->n_norm ? p->n_norm : p->n;
  v.count = (double)(v.n_norm * v.positions);
  v.floor = l->relu ? 0 : (oikos_real)-INFINITY;
  v.shift = p->theta + v.c;
  v.xh = p->cache;
  v.at = l->pool > 1 ? p->cache + p->n * v.windows * v.c : NULL;
  v.mean = p->cache + p->n * l->cache_example;
  v.r = v.mean + v.c;
  return v;
}

static inline oikos_norm_view oikos_norm_tangent_view_of(const oikos_layer *l,
                                                         const oikos_pass *p) {
  oikos_norm_view v = oikos_norm_view_of(l, p);
  v.xh_t = p->cache_t;
  v.mean_t = p->cache_t + p->n * l->cache_example;
  v.m = v.mean_t + v.c;
  return v;
}

/* What is recomputed. */
static inline const oikos_recompute *oikos_norm_before(const oikos_pass *p) {
  return p->before_layer->type->recompute;
}

/* Where the lines of row `row` of windows of example i begin, in numbers of x. */
static inline size_t oikos_norm_line(const oikos_layer *l, const oikos_norm_view *v, size_t i,
                                     size_t row) {
  return i * l->in_size + row * v->side * v->width * v->c;
}

/* mean (c) and square (c) of an example's x (positions, c): the sum of squares around that mean. */
void oikos_norm_moments(const oikos_norm_view *v, const oikos_real *x, oikos_real *mean,
                        oikos_real *square);

/* sum, product (c) = sums over an example's positions of x_t and of x_t xh. */
void oikos_norm_tangent_moments(const oikos_norm_view *v, const oikos_real *x,
                                const oikos_real *x_t, oikos_real *sum, oikos_real *product);

/* Sums over all windows: g is dy where relu lets it through. Each (c). */
typedef struct oikos_norm_sums {
  oikos_real *g, *g_xh;     /* of g, of g xh */
  oikos_real *g_t, *g_xh_t; /* of g_t, of g_t xh + g xh_t */
} oikos_norm_sums;

/* The sums of a batch, those with tangents only `along` a direction; scratch holds 4 c numbers. */
void oikos_norm_sum(const oikos_norm_view *v, const oikos_pass *p, bool along,
                    const oikos_norm_sums *sums, oikos_real *scratch);

#endif
