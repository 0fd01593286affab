/* SPDX-License-Identifier: MIT
 * What the two halves of batch normalisation share: batch_norm.c goes forward, batch_norm_back.c
 * back. The formulas are in the former. */
#ifndef OIKOS_NET_BATCH_NORM_IMPL_H
#define OIKOS_NET_BATCH_NORM_IMPL_H

#include <math.h>

#include "net/layer.h"

oikos_layer_function oikos_batch_norm_backward, oikos_batch_norm_tangent_backward;

/* What the four functions see. Arrays are (c) unless said otherwise. */
typedef struct oikos_norm_view {
  size_t c, positions, windows; /* of an example */
  size_t n_norm;                /* examples whose statistics are taken: the first ones */
  double rows;
  oikos_real floor; /* a gradient passes where y > floor: that of relu, or of nothing */
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
  v.n_norm = p->n_norm ? p->n_norm : p->n;
  v.rows = (double)(v.n_norm * v.positions);
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

/* Example i of x, and of x_t if it moves. */
typedef struct oikos_norm_example {
  const oikos_real *x, *x_t; /* (positions, c) */
} oikos_norm_example;

static inline oikos_norm_example oikos_norm_example_of(const oikos_layer *l, const oikos_pass *p,
                                                       size_t i, bool with_tangent) {
  size_t first = i * l->in_size;
  if (!p->before)
    return (oikos_norm_example){p->x + first, with_tangent && p->x_t ? p->x_t + first : NULL};
  oikos_real *x_t = with_tangent ? p->example_t : NULL;
  p->before_layer->type->recompute->example(p->before_layer, p->before, i, p->example, x_t);
  return (oikos_norm_example){p->example, x_t};
}

#endif
