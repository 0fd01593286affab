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
  size_t weights;  /* depth * filters */
  real *padded;    /* an image */
  real *w, *w_t;   /* (depth, filters) */
  real *one, *sum; /* likewise, and the bias: gradients of an image, of the batch */
} shallow_rig;

static shallow_rig sizes_of(const oikos_layer *l) {
  oikos_patches g = oikos_conv2d_patches(l);
  shallow_rig r = {.s = oikos_shallow_of(&g, (size_t)l->out.channels)};
  r.weights = oikos_mul(r.s.depth, r.s.filters);
  return r;
}

size_t oikos_conv2d_shallow_scratch(const oikos_layer *l) {
  shallow_rig r = sizes_of(l);
  return oikos_shallow_padded(&r.s) + oikos_mul(4, r.weights) + 2 * r.s.filters;
}

static shallow_rig rig_of(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = sizes_of(l);
  r.padded = p->scratch;
  r.w = r.padded + oikos_shallow_padded(&r.s);
  r.w_t = r.w + r.weights;
  r.one = r.w_t + r.weights;
  r.sum = r.one + r.weights + r.s.filters;
  return r;
}

/* to (depth, filters) = from (filters, depth) */
static void turn(const shallow_rig *r, const real *restrict from, real *restrict to) {
  for (size_t i = 0; i < r->s.filters; i++)
    for (size_t k = 0; k < r->s.depth; k++)
      to[k * r->s.filters + i] = from[i * r->s.depth + k];
}

static void begin(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  turn(&r, p->theta, r.w);
  if (p->theta_t)
    turn(&r, p->theta_t, r.w_t);
  memset(r.sum, 0, (r.weights + r.s.filters) * sizeof *r.sum);
}

/* y, unless NULL, and y_t, unless NULL, of example i; x does not move. */
static void example(const oikos_layer *l, const oikos_pass *p, size_t i, real *y, real *y_t) {
  shallow_rig r = rig_of(l, p);
  oikos_shallow_pad(&r.s, p->x + i * l->in_size, r.padded);
  if (y)
    oikos_shallow_forward(&r.s, r.padded, r.w, p->theta + r.weights, y);
  if (y_t)
    oikos_shallow_forward(&r.s, r.padded, r.w_t, p->theta_t + r.weights, y_t);
}

/* The gradient of an example is summed by itself first, so that few numbers are added at a time. */
static void add(const shallow_rig *r, const oikos_layer *l, const real *x, const real *dy,
                bool with_bias) {
  size_t positions = (size_t)(l->out.height * l->out.width), all = r->weights + r->s.filters;
  const real *restrict one = r->one;
  real *restrict sum = r->sum;
  oikos_shallow_pad(&r->s, x, r->padded);
  memset(r->one, 0, all * sizeof *one);
  oikos_shallow_gradient(&r->s, r->padded, dy, r->one);
  if (with_bias)
    oikos_add_columns(positions, r->s.filters, dy, r->one + r->weights);
#pragma omp simd
  for (size_t k = 0; k < all; k++)
    sum[k] += one[k];
}

static void gradient(const oikos_layer *l, const oikos_pass *p, size_t i, const real *dy) {
  shallow_rig r = rig_of(l, p);
  add(&r, l, p->x + i * l->in_size, dy, true);
}

static void end(const oikos_layer *l, const oikos_pass *p, real *grad) {
  shallow_rig r = rig_of(l, p);
  for (size_t i = 0; i < r.s.filters; i++)
    for (size_t k = 0; k < r.s.depth; k++)
      grad[i * r.s.depth + k] += r.sum[k * r.s.filters + i];
  for (size_t i = 0; i < r.s.filters; i++)
    grad[r.weights + i] += r.sum[r.weights + i];
}

static bool suits(const oikos_layer *l) {
  return l->arg[CONV_WINOGRAD] <= 0 && oikos_conv2d_is_shallow(l);
}

const oikos_recompute oikos_conv2d_recompute = {
    .suits = suits, .begin = begin, .example = example, .gradient = gradient, .end = end};

void oikos_conv2d_shallow_forward(const oikos_layer *l, const oikos_pass *p) {
  begin(l, p);
  for (size_t i = 0; i < p->n; i++)
    example(l, p, i, p->y + i * l->out_size, NULL);
}

void oikos_conv2d_shallow_tangent(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  begin(l, p);
  for (size_t i = 0; i < p->n; i++) {
    example(l, p, i, NULL, p->y_t + i * l->out_size);
    if (p->x_t) {
      oikos_shallow_pad(&r.s, p->x_t + i * l->in_size, r.padded);
      oikos_shallow_forward(&r.s, r.padded, r.w, NULL, p->y_t + i * l->out_size);
    }
  }
}

void oikos_conv2d_shallow_backward(const oikos_layer *l, const oikos_pass *p) {
  oikos_pass back = *p;
  begin(l, p);
  for (size_t i = 0; p->grad && i < p->n; i++)
    gradient(l, p, i, p->dy + i * l->out_size);
  if (p->grad)
    end(l, p, p->grad);
  back.grad = NULL;
  if (p->dx)
    oikos_conv2d_direct_backward(l, &back);
}

void oikos_conv2d_shallow_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  shallow_rig r = rig_of(l, p);
  oikos_pass back = *p;
  begin(l, p);
  for (size_t i = 0; i < p->n; i++) {
    gradient(l, p, i, p->dy_t + i * l->out_size);
    if (p->x_t)
      add(&r, l, p->x_t + i * l->in_size, p->dy + i * l->out_size, false);
  }
  end(l, p, p->grad_t);
  back.grad_t = NULL;
  if (p->dx_t)
    oikos_conv2d_direct_tangent_backward(l, &back);
}
