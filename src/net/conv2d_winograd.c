/* SPDX-License-Identifier: MIT
 * Convolution by Winograd's tiles, a few images at a time: with U the transformed filters, V the
 * transformed input and M = V U (36 matrix products), y = output(M); backwards dM = output^T(dy),
 * dU = V^T dM, dV = dM U^T. The tangents follow by the product rule. U is wanted as (channels,
 * filters) on the way forward and as (filters, channels) on the way back: plain products are the
 * fastest (see `oikos bench gemm`). */
#include <string.h>

#include "base/memory.h"
#include "math/blas.h"
#include "math/tile_product.h"
#include "math/vector.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

enum { BLOCK_TILES = 48, SIDE = 16 };

/* A convolution and its buffers in scratch. */
typedef struct winograd_rig {
  oikos_tiles g;
  size_t c, f, images, tiles; /* channels, filters; images and tiles of a block */
  size_t filter_stride, v_stride, m_stride;
  real *u, *u_t, *du; /* (36, c, f) or (36, f, c) */
  real *turned;       /* (c, 3, 3, f) */
  real *v, *m, *m_t;  /* (36, tiles, c), (36, tiles, f), likewise */
} winograd_rig;

static real *cut(real **scratch, size_t numbers) {
  real *at = *scratch;
  *scratch += numbers;
  return at;
}

static winograd_rig rig_of(const oikos_layer *l) {
  winograd_rig r = {.g = oikos_tiles_of(l->in.height, l->in.width, l->in.channels, l->out.channels,
                                        (int64_t)l->arg[CONV_PADDING]),
                    .c = (size_t)l->in.channels,
                    .f = (size_t)l->out.channels};
  size_t each = (size_t)(r.g.tiles_y * r.g.tiles_x);
  r.images = each >= BLOCK_TILES ? 1 : BLOCK_TILES / each;
  r.tiles = r.images * each;
  r.filter_stride = oikos_winograd_stride(r.c, r.f);
  return r;
}

size_t oikos_conv2d_winograd_scratch(const oikos_layer *l) {
  winograd_rig r = rig_of(l);
  size_t filters = oikos_mul(3 * (size_t)OIKOS_PLACES + 9, r.filter_stride);
  size_t block = oikos_mul(OIKOS_PLACES, oikos_winograd_stride(r.tiles, r.c) +
                                             2 * oikos_winograd_stride(r.tiles, r.f));
  return filters + block;
}

static winograd_rig rig_in(const oikos_layer *l, const oikos_pass *p) {
  winograd_rig r = rig_of(l);
  real *at = p->scratch;
  size_t filters = OIKOS_PLACES * r.filter_stride,
         inputs = OIKOS_PLACES * oikos_winograd_stride(r.tiles, r.c),
         outputs = OIKOS_PLACES * oikos_winograd_stride(r.tiles, r.f);
  r.u = cut(&at, filters);
  r.u_t = cut(&at, filters);
  r.du = cut(&at, filters);
  r.v = cut(&at, inputs);
  r.m = cut(&at, outputs);
  r.m_t = cut(&at, outputs);
  r.turned = cut(&at, 9 * r.c * r.f);
  return r;
}

/* The images from `first` on: as many as a block holds; returns how many. */
static size_t set_block(winograd_rig *r, const oikos_pass *p, size_t first) {
  size_t count = p->n - first < r->images ? p->n - first : r->images;
  r->tiles = count * (size_t)(r->g.tiles_y * r->g.tiles_x);
  r->v_stride = oikos_winograd_stride(r->tiles, r->c);
  r->m_stride = oikos_winograd_stride(r->tiles, r->f);
  return count;
}

/* to (c, 9, f) = from (f, 9, c), in squares that stay in the cache. */
static void turn(size_t f, size_t c, const real *restrict from, real *restrict to) {
  for (size_t k = 0; k < 9; k++)
    for (size_t i0 = 0; i0 < c; i0 += SIDE)
      for (size_t j0 = 0; j0 < f; j0 += SIDE)
        for (size_t i = i0; i < c && i < i0 + SIDE; i++)
          for (size_t j = j0; j < f && j < j0 + SIDE; j++)
            to[(i * 9 + k) * f + j] = from[(j * 9 + k) * c + i];
}

/* U (36, c, f) for the way forward. */
static void filters_forward(const winograd_rig *r, const real *w, real *u) {
  turn(r->f, r->c, w, r->turned);
  oikos_winograd_filter(r->c, r->f, r->turned, u);
}

/* U^T (36, f, c) for the way back. */
static void filters_back(const winograd_rig *r, const real *w, real *u) {
  oikos_winograd_filter(r->f, r->c, w, u);
}

/* The products of a place: whoever computes them, by the shapes alone. */
static void multiply_nn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                        real *c) {
  if (!oikos_tile_nn(m, n, k, a, b, beta, c))
    oikos_blas_nn(m, n, k, a, b, beta, c);
}

static void multiply_tn(size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                        real *c) {
  if (!oikos_tile_tn(m, n, k, a, b, beta, c))
    oikos_blas_tn(m, n, k, a, b, beta, c);
}

/* m (+)= v u */
static void multiply(const winograd_rig *r, const real *v, const real *u, real beta, real *m) {
  for (size_t k = 0; k < OIKOS_PLACES; k++)
    multiply_nn(r->tiles, r->f, r->c, v + k * r->v_stride, u + k * r->filter_stride, beta,
                m + k * r->m_stride);
}

/* dv (+)= dm u^T */
static void multiply_back(const winograd_rig *r, const real *dm, const real *u, real beta,
                          real *dv) {
  for (size_t k = 0; k < OIKOS_PLACES; k++)
    multiply_nn(r->tiles, r->c, r->f, dm + k * r->m_stride, u + k * r->filter_stride, beta,
                dv + k * r->v_stride);
}

/* du (36, f, c) (+)= dm^T v */
static void add_filters(const winograd_rig *r, const real *dm, const real *v, real beta) {
  for (size_t k = 0; k < OIKOS_PLACES; k++)
    multiply_tn(r->f, r->c, r->tiles, dm + k * r->m_stride, v + k * r->v_stride, beta,
                r->du + k * r->filter_stride);
}

/* The bias gradient of a block, while its slopes are in the cache. */
static void add_bias(const winograd_rig *r, const oikos_layer *l, size_t images, const real *dy,
                     real *grad) {
  size_t rows = images * (size_t)(l->out.height * l->out.width);
  oikos_add_columns(rows, r->f, dy, grad + 9 * r->c * r->f);
}

void oikos_conv2d_winograd_forward(const oikos_layer *l, const oikos_pass *p) {
  winograd_rig r = rig_in(l, p);
  filters_forward(&r, p->theta, r.u);
  for (size_t i = 0; i < p->n; i += r.images) {
    size_t n = set_block(&r, p, i);
    oikos_winograd_input(&r.g, n, p->x + i * l->in_size, r.v);
    multiply(&r, r.v, r.u, 0, r.m);
    oikos_winograd_output(&r.g, n, r.m, p->theta + 9 * r.c * r.f, p->y + i * l->out_size);
  }
}

void oikos_conv2d_winograd_tangent(const oikos_layer *l, const oikos_pass *p) {
  winograd_rig r = rig_in(l, p);
  filters_forward(&r, p->theta_t, r.u_t);
  if (p->x_t)
    filters_forward(&r, p->theta, r.u);
  for (size_t i = 0; i < p->n; i += r.images) {
    size_t n = set_block(&r, p, i);
    oikos_winograd_input(&r.g, n, p->x + i * l->in_size, r.v);
    multiply(&r, r.v, r.u_t, 0, r.m);
    if (p->x_t) {
      oikos_winograd_input(&r.g, n, p->x_t + i * l->in_size, r.v);
      multiply(&r, r.v, r.u, 1, r.m);
    }
    oikos_winograd_output(&r.g, n, r.m, p->theta_t + 9 * r.c * r.f, p->y_t + i * l->out_size);
  }
}

void oikos_conv2d_winograd_backward(const oikos_layer *l, const oikos_pass *p) {
  winograd_rig r = rig_in(l, p);
  if (p->dx)
    filters_back(&r, p->theta, r.u);
  for (size_t i = 0; i < p->n; i += r.images) {
    size_t n = set_block(&r, p, i);
    oikos_winograd_output_transposed(&r.g, n, p->dy + i * l->out_size, r.m);
    if (p->grad) {
      oikos_winograd_input(&r.g, n, p->x + i * l->in_size, r.v);
      add_filters(&r, r.m, r.v, i > 0);
      add_bias(&r, l, n, p->dy + i * l->out_size, p->grad);
    }
    if (p->dx) {
      multiply_back(&r, r.m, r.u, 0, r.v);
      oikos_winograd_input_transposed(&r.g, n, r.v, p->dx + i * l->in_size);
    }
  }
  if (p->grad)
    oikos_winograd_filter_transposed(r.f, r.c, r.du, p->grad);
}

void oikos_conv2d_winograd_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  winograd_rig r = rig_in(l, p);
  if (p->dx_t) {
    filters_back(&r, p->theta, r.u);
    filters_back(&r, p->theta_t, r.u_t);
  }
  for (size_t i = 0; i < p->n; i += r.images) {
    size_t n = set_block(&r, p, i);
    oikos_winograd_output_transposed(&r.g, n, p->dy_t + i * l->out_size, r.m_t);
    oikos_winograd_output_transposed(&r.g, n, p->dy + i * l->out_size, r.m);
    oikos_winograd_input(&r.g, n, p->x + i * l->in_size, r.v);
    add_filters(&r, r.m_t, r.v, i > 0);
    add_bias(&r, l, n, p->dy_t + i * l->out_size, p->grad_t);
    if (p->x_t) {
      oikos_winograd_input(&r.g, n, p->x_t + i * l->in_size, r.v);
      add_filters(&r, r.m, r.v, 1);
    }
    if (p->dx_t) {
      multiply_back(&r, r.m_t, r.u, 0, r.v);
      multiply_back(&r, r.m, r.u_t, 1, r.v);
      oikos_winograd_input_transposed(&r.g, n, r.v, p->dx_t + i * l->in_size);
    }
  }
  oikos_winograd_filter_transposed(r.f, r.c, r.du, p->grad_t);
}
