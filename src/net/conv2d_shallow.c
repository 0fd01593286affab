/* SPDX-License-Identifier: MIT
 * Convolution of few input numbers a patch, image by image, without copies of patches. What goes
 * back to the input, if a layer before wants it, is left to the products over patches. */
#include <string.h>

#include "base/memory.h"
#include "math/shallow_convolution.h"
#include "math/vector.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

bool oikos_conv2d_is_shallow(const oikos_layer *l) {
  oikos_patches g = oikos_conv2d_patches(l);
  return oikos_shallow_suits(&g, (size_t)l->out.channels);
}

/* A convolution and its buffers in scratch. */
typedef struct shallow_rig {
  oikos_shallow s;
  size_t weights, positions, n_norm; /* depth * filters; of an image; images of the statistics */
  real *padded;                      /* an image */
  real *w, *w_t;                     /* (depth, filters) */
  real *one, *sum;           /* likewise, and the bias: gradients of an image, of the batch */
  double *mean, *covariance; /* in the cache: of the patches (depth), (depth, depth) */
} shallow_rig;

static shallow_rig sizes_of(const oikos_layer *l) {
  oikos_patches g = oikos_conv2d_patches(l);
  shallow_rig r = {.s = oikos_shallow_of(&g, (size_t)l->out.channels)};
  r.weights = oikos_mul(r.s.depth, r.s.filters);
  r.positions = (size_t)(l->out.height * l->out.width);
  return r;
}

size_t oikos_conv2d_shallow_scratch(const oikos_layer *l) {
  shallow_rig r = sizes_of(l);
  return oikos_shallow_padded(&r.s) + oikos_mul(4, r.weights) + 2 * r.s.filters;
}

size_t oikos_conv2d_shallow_cache(const oikos_layer *l) {
  shallow_rig r = sizes_of(l);
  return (r.s.depth + 1) * r.s.depth * (sizeof(double) / sizeof(real));
}

static shallow_rig rig_of(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = sizes_of(l);
  r.n_norm = p->n_norm ? p->n_norm : p->n;
  r.padded = p->scratch;
  r.w = r.padded + oikos_shallow_padded(&r.s);
  r.w_t = r.w + r.weights;
  r.one = r.w_t + r.weights;
  r.sum = r.one + r.weights + r.s.filters;
  r.mean = (double *)(void *)p->cache;
  r.covariance = r.mean + r.s.depth;
  return r;
}

/* to (depth, filters) = from (filters, depth) */
static void turn(const shallow_rig *r, const real *restrict from, real *restrict to) {
  for (size_t i = 0; i < r->s.filters; i++)
    for (size_t k = 0; k < r->s.depth; k++)
      to[k * r->s.filters + i] = from[i * r->s.depth + k];
}

/* sum and one are zero. */
static void begin(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  turn(&r, p->theta, r.w);
  if (p->theta_t)
    turn(&r, p->theta_t, r.w_t);
  memset(r.one, 0, 2 * (r.weights + r.s.filters) * sizeof *r.one);
}

/* The gradient of an example is summed by itself first, so that few numbers are added at a time. */
static void add_one(const shallow_rig *r) {
  size_t all = r->weights + r->s.filters;
  real *restrict one = r->one, *restrict sum = r->sum;
#pragma omp simd
  for (size_t k = 0; k < all; k++) {
    sum[k] += one[k];
    one[k] = 0;
  }
}

/* The moments of the patches, of the images whose statistics are taken. */
static void set_moments(const oikos_layer *l, const oikos_pass *p, const shallow_rig *r) {
  double product[OIKOS_SHALLOW * OIKOS_SHALLOW] = {0}, rows = (double)(r->n_norm * r->positions);
  size_t depth = r->s.depth;
  memset(r->mean, 0, depth * sizeof *r->mean);
  for (size_t i = 0; i < r->n_norm; i++) {
    oikos_shallow_pad(&r->s, p->x + i * l->in_size, r->padded);
    oikos_shallow_moments(&r->s, r->padded, r->mean, product);
  }
  for (size_t k = 0; k < depth; k++)
    r->mean[k] /= rows;
  for (size_t k = 0; k < depth; k++)
    for (size_t q = 0; q < depth; q++)
      r->covariance[k * depth + q] =
          product[k * OIKOS_SHALLOW + q] / rows - r->mean[k] * r->mean[q];
}

/* mean (filters) of patches a + bias, and their covariance (filters) with patches b; a and b
 * (depth, filters). */
static void statistics_of(const shallow_rig *r, const real *a, const real *bias, const real *b,
                          real *mean, real *covariance) {
  size_t depth = r->s.depth, filters = r->s.filters;
  for (size_t f = 0; f < filters; f++) {
    double first = (double)bias[f], second = 0;
    for (size_t k = 0; k < depth; k++) {
      double row = 0;
      for (size_t q = 0; q < depth; q++)
        row += r->covariance[k * depth + q] * (double)b[q * filters + f];
      first += r->mean[k] * (double)a[k * filters + f];
      second += row * (double)a[k * filters + f];
    }
    mean[f] = (real)first;
    covariance[f] = (real)second;
  }
}

static void statistics(const oikos_layer *l, const oikos_pass *p, real *mean, real *variance) {
  shallow_rig r = rig_of(l, p);
  set_moments(l, p, &r);
  statistics_of(&r, r.w, p->theta + r.weights, r.w, mean, variance);
  for (size_t f = 0; f < r.s.filters; f++)
    variance[f] = variance[f] < 0 ? 0 : variance[f]; // by rounding, of a filter that sees no change
}

static void tangent_statistics(const oikos_layer *l, const oikos_pass *p, real *mean_t,
                               real *covariance) {
  shallow_rig r = rig_of(l, p);
  statistics_of(&r, r.w_t, p->theta_t + r.weights, r.w, mean_t, covariance);
}

static void take(const oikos_layer *l, const oikos_pass *p, size_t i) {
  shallow_rig r = rig_of(l, p);
  oikos_shallow_pad(&r.s, p->x + i * l->in_size, r.padded);
  add_one(&r);
}

static void lines(const oikos_layer *l, const oikos_pass *p, size_t first, size_t count, real *y) {
  shallow_rig r = rig_of(l, p);
  oikos_shallow_forward(&r.s, first, count, r.padded, r.w, p->theta + r.weights, y);
}

static void tangent_lines(const oikos_layer *l, const oikos_pass *p, size_t first, size_t count,
                          real *y_t) {
  shallow_rig r = rig_of(l, p);
  oikos_shallow_forward(&r.s, first, count, r.padded, r.w_t, p->theta_t + r.weights, y_t);
}

static void gradient(const oikos_layer *l, const oikos_pass *p, size_t first, size_t count,
                     const real *dy) {
  shallow_rig r = rig_of(l, p);
  oikos_shallow_gradient(&r.s, first, count, r.padded, dy, r.one);
}

/* A bias moves the mean alone, which is taken away again: its gradient is zero. */
static void end(const oikos_layer *l, const oikos_pass *p, const oikos_slope *slope, real *grad) {
  shallow_rig r = rig_of(l, p);
  size_t depth = r.s.depth, filters = r.s.filters;
  double rows = (double)(r.n_norm * r.positions);
  oikos_pass_begin(l, p, grad);
  add_one(&r);
  for (size_t f = 0; f < filters; f++)
    for (size_t k = 0; k < depth; k++) {
      double all = (double)slope->constant[f] * r.mean[k];
      for (size_t q = 0; q < depth; q++) {
        double along = (double)slope->of_y[f] * (double)r.w[q * filters + f];
        if (slope->of_y_t)
          along += (double)slope->of_y_t[f] * (double)r.w_t[q * filters + f];
        all += r.covariance[k * depth + q] * along;
      }
      grad[f * depth + k] += (real)((double)r.sum[k * filters + f] + rows * all);
    }
}

static bool suits(const oikos_layer *l) {
  return l->arg[CONV_WINOGRAD] <= 0 && oikos_conv2d_is_shallow(l);
}

const oikos_recompute oikos_conv2d_recompute = {.suits = suits,
                                                .begin = begin,
                                                .statistics = statistics,
                                                .tangent_statistics = tangent_statistics,
                                                .take = take,
                                                .lines = lines,
                                                .tangent_lines = tangent_lines,
                                                .gradient = gradient,
                                                .end = end};

/* dy of an image, and of its bias if that moves too. */
static void add_image(const shallow_rig *r, const real *x, const real *dy, bool with_bias) {
  size_t lines_of = (size_t)r->s.g.out_h;
  oikos_shallow_pad(&r->s, x, r->padded);
  oikos_shallow_gradient(&r->s, 0, lines_of, r->padded, dy, r->one);
  if (with_bias)
    oikos_add_columns(r->positions, r->s.filters, dy, r->one + r->weights);
  add_one(r);
}

/* y (+)= patches w, of all images; bias NULL: added. */
static void multiply(const oikos_layer *l, const oikos_pass *p, const real *x, const real *w,
                     const real *bias, real *y) {
  shallow_rig r = rig_of(l, p);
  for (size_t i = 0; i < p->n; i++) {
    oikos_shallow_pad(&r.s, x + i * l->in_size, r.padded);
    oikos_shallow_forward(&r.s, 0, (size_t)r.s.g.out_h, r.padded, w, bias, y + i * l->out_size);
  }
}

void oikos_conv2d_shallow_forward(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  begin(l, p);
  multiply(l, p, p->x, r.w, p->theta + r.weights, p->y);
}

void oikos_conv2d_shallow_tangent(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  begin(l, p);
  multiply(l, p, p->x, r.w_t, p->theta_t + r.weights, p->y_t);
  if (p->x_t)
    multiply(l, p, p->x_t, r.w, NULL, p->y_t);
}

static void add_sum(const shallow_rig *r, real *grad) {
  for (size_t i = 0; i < r->s.filters; i++)
    for (size_t k = 0; k < r->s.depth; k++)
      grad[i * r->s.depth + k] += r->sum[k * r->s.filters + i];
  for (size_t i = 0; i < r->s.filters; i++)
    grad[r->weights + i] += r->sum[r->weights + i];
}

void oikos_conv2d_shallow_backward(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  oikos_pass back = *p;
  begin(l, p);
  for (size_t i = 0; p->grad && i < p->n; i++)
    add_image(&r, p->x + i * l->in_size, p->dy + i * l->out_size, true);
  if (p->grad)
    add_sum(&r, p->grad);
  back.grad = NULL;
  if (p->dx)
    oikos_conv2d_direct_backward(l, &back);
}

void oikos_conv2d_shallow_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  oikos_pass back = *p;
  begin(l, p);
  for (size_t i = 0; i < p->n; i++) {
    add_image(&r, p->x + i * l->in_size, p->dy_t + i * l->out_size, true);
    if (p->x_t)
      add_image(&r, p->x_t + i * l->in_size, p->dy + i * l->out_size, false);
  }
  add_sum(&r, p->grad_t);
  back.grad_t = NULL;
  if (p->dx_t)
    oikos_conv2d_direct_tangent_backward(l, &back);
}
