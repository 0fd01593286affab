/* SPDX-License-Identifier: MIT
 * Convolution as matrix products over patches (Chellapilla et al. 2006), a few images at a time so
 * that the patches stay in the cache: with X the patches (rows, k), W (filters, k): Y = X W^T + b,
 * dW = dY^T X, dX = dY W; the tangents follow by the product rule. */
#include <string.h>

#include "base/memory.h"
#include "math/blas.h"
#include "math/im2col.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

enum { BLOCK_BYTES = 512 * 1024 };

static oikos_patches patches(const oikos_layer *l) {
  return (oikos_patches){l->in.height,
                         l->in.width,
                         l->in.channels,
                         (int64_t)l->arg[CONV_KERNEL],
                         (int64_t)l->arg[CONV_KERNEL_WIDTH],
                         (int64_t)l->arg[CONV_STRIDE],
                         (int64_t)l->arg[CONV_PADDING],
                         l->out.height,
                         l->out.width};
}

static size_t positions(const oikos_layer *l) {
  return (size_t)(l->out.height * l->out.width);
}

static size_t patch_size(const oikos_layer *l) {
  return (size_t)l->arg[CONV_KERNEL] * (size_t)l->arg[CONV_KERNEL_WIDTH] * (size_t)l->in.channels;
}

/* Images in a block: fixed by the shapes alone, so that the bits never depend on who computes
 * beside whom. */
static size_t block_images(const oikos_layer *l) {
  size_t bytes = positions(l) * patch_size(l) * sizeof(real);
  return bytes >= BLOCK_BYTES ? 1 : BLOCK_BYTES / bytes;
}

/* The images first .. first+count-1 of a pass, as matrices. */
typedef struct block {
  size_t first, count, rows, k, filters;
  real *x, *x_t; /* patches (rows, k) in scratch, or what is to be their gradient */
} block;

static block block_at(const oikos_layer *l, const oikos_pass *p, size_t first) {
  block b = {.first = first,
             .count = block_images(l),
             .k = patch_size(l),
             .filters = (size_t)l->out.channels};
  if (first + b.count > p->n)
    b.count = p->n - first;
  b.rows = b.count * positions(l);
  b.x = p->scratch;
  b.x_t = b.x + oikos_conv2d_direct_scratch(l) / 2;
  return b;
}

static void load(const oikos_layer *l, const block *b, const real *x, real *rows) {
  oikos_patches g = patches(l);
  oikos_im2col(&g, b->count, x + b->first * l->in_size, rows);
}

static void store(const oikos_layer *l, const block *b, const real *rows, real *dx) {
  oikos_patches g = patches(l);
  oikos_col2im(&g, b->count, rows, dx + b->first * l->in_size);
}

size_t oikos_conv2d_direct_scratch(const oikos_layer *l) {
  return oikos_mul(2, oikos_mul(block_images(l), oikos_mul(positions(l), patch_size(l))));
}

static void fill_bias(const block *b, const real *bias, real *y) {
  for (size_t i = 0; i < b->rows; i++)
    memcpy(y + i * b->filters, bias, b->filters * sizeof *y);
}

void oikos_conv2d_direct_forward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    real *y = p->y + i * l->out_size;
    load(l, &b, p->x, b.x);
    fill_bias(&b, p->theta + b.filters * b.k, y);
    oikos_gemm_nt(b.rows, b.filters, b.k, b.x, p->theta, 1, y);
  }
}

void oikos_conv2d_direct_tangent(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    real *y_t = p->y_t + i * l->out_size;
    load(l, &b, p->x, b.x);
    fill_bias(&b, p->theta_t + b.filters * b.k, y_t);
    oikos_gemm_nt(b.rows, b.filters, b.k, b.x, p->theta_t, 1, y_t);
    if (p->x_t) {
      load(l, &b, p->x_t, b.x_t);
      oikos_gemm_nt(b.rows, b.filters, b.k, b.x_t, p->theta, 1, y_t);
    }
  }
}

void oikos_conv2d_direct_backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    const real *dy = p->dy + i * l->out_size;
    if (p->grad) {
      load(l, &b, p->x, b.x);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x, 1, p->grad);
      oikos_conv2d_add_columns(b.rows, b.filters, dy, p->grad + b.filters * b.k);
    }
    if (p->dx) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta, 0, b.x);
      store(l, &b, b.x, p->dx);
    }
  }
}

void oikos_conv2d_direct_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    const real *dy = p->dy + i * l->out_size, *dy_t = p->dy_t + i * l->out_size;
    load(l, &b, p->x, b.x);
    oikos_gemm_tn(b.filters, b.k, b.rows, dy_t, b.x, 1, p->grad_t);
    if (p->x_t) {
      load(l, &b, p->x_t, b.x_t);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x_t, 1, p->grad_t);
    }
    oikos_conv2d_add_columns(b.rows, b.filters, dy_t, p->grad_t + b.filters * b.k);
    if (p->dx_t) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy_t, p->theta, 0, b.x);
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta_t, 1, b.x);
      store(l, &b, b.x, p->dx_t);
    }
  }
}
