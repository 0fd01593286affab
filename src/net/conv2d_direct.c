/* SPDX-License-Identifier: MIT
 * Convolution as matrix products over patches (Chellapilla et al. 2006), a few output positions at
 * a time so that the patches stay in the cache: with X the patches (rows, k), W (filters, k): Y = X
 * W^T + b, dW = dY^T X, dX = dY W; the tangents follow by the product rule. */
#include <string.h>

#include "base/memory.h"
#include "math/blas.h"
#include "math/im2col.h"
#include "math/kernel.h"
#include "math/vector.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

/* OpenBLAS computes small products without packing their operands first, on kernels that know how;
 * the rows at once that go with that (`oikos bench gemm` has these shapes). */
enum { SMALL_PRODUCT = 1000000, FORWARD_ROWS = 16, BACKWARD_ROWS = 24 };
enum { BLOCK_BYTES = 512 * 1024 };

oikos_patches oikos_conv2d_patches(const oikos_layer *l) {
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

static size_t patch_size(const oikos_layer *l) {
  return (size_t)l->arg[CONV_KERNEL] * (size_t)l->arg[CONV_KERNEL_WIDTH] * (size_t)l->in.channels;
}

/* Rows of a block, where `best` are the best for a deep product. */
static size_t block_rows(const oikos_layer *l, size_t best) {
  size_t k = patch_size(l), small = SMALL_PRODUCT / oikos_mul(k, (size_t)l->out.channels);
  if (!oikos_kernel_has_small_products() || small < best) {
    size_t rows = BLOCK_BYTES / sizeof(real) / k;
    return rows ? rows : 1;
  }
  return best;
}

static size_t most_rows(const oikos_layer *l) {
  size_t forward = block_rows(l, FORWARD_ROWS), backward = block_rows(l, BACKWARD_ROWS);
  return forward > backward ? forward : backward;
}

size_t oikos_conv2d_direct_scratch(const oikos_layer *l) {
  return oikos_mul(2, oikos_mul(most_rows(l), patch_size(l)));
}

/* Some output positions of a pass, and the buffers in scratch. */
typedef struct direct_block {
  oikos_patches g;
  size_t rows, k, filters;
  real *x, *x_t; /* patches (rows, k), or what is to be their gradient */
} direct_block;

static direct_block block_of(const oikos_layer *l, const oikos_pass *p) {
  direct_block b = {
      .g = oikos_conv2d_patches(l), .k = patch_size(l), .filters = (size_t)l->out.channels};
  b.x = p->scratch;
  b.x_t = b.x + most_rows(l) * b.k;
  return b;
}

static size_t positions(const oikos_layer *l, const oikos_pass *p) {
  return p->n * (size_t)(l->out.height * l->out.width);
}

/* Move on to position `first` of `all`. */
static void set_block(direct_block *b, size_t first, size_t most, size_t all) {
  b->rows = all - first < most ? all - first : most;
}

static void fill_bias(const direct_block *b, const real *bias, real *y) {
  for (size_t i = 0; i < b->rows; i++)
    memcpy(y + i * b->filters, bias, b->filters * sizeof *y);
}

/* y (rows, filters) += x W^T */
static void multiply(const direct_block *b, const real *x, const real *w, real *y) {
  oikos_gemm_nt(b->rows, b->filters, b->k, x, w, 1, y);
}

void oikos_conv2d_direct_forward(const oikos_layer *l, const oikos_pass *p) {
  direct_block b = block_of(l, p);
  size_t all = positions(l, p), most = block_rows(l, FORWARD_ROWS);
  for (size_t i = 0; i < all; i += most) {
    set_block(&b, i, most, all);
    real *y = p->y + i * b.filters;
    oikos_im2col(&b.g, i, b.rows, p->x, b.x);
    fill_bias(&b, p->theta + b.filters * b.k, y);
    multiply(&b, b.x, p->theta, y);
  }
}

void oikos_conv2d_direct_tangent(const oikos_layer *l, const oikos_pass *p) {
  direct_block b = block_of(l, p);
  size_t all = positions(l, p), most = block_rows(l, FORWARD_ROWS);
  for (size_t i = 0; i < all; i += most) {
    set_block(&b, i, most, all);
    real *y_t = p->y_t + i * b.filters;
    oikos_im2col(&b.g, i, b.rows, p->x, b.x);
    fill_bias(&b, p->theta_t + b.filters * b.k, y_t);
    multiply(&b, b.x, p->theta_t, y_t);
    if (p->x_t) {
      oikos_im2col(&b.g, i, b.rows, p->x_t, b.x_t);
      multiply(&b, b.x_t, p->theta, y_t);
    }
  }
}

void oikos_conv2d_direct_backward(const oikos_layer *l, const oikos_pass *p) {
  direct_block b = block_of(l, p);
  size_t all = positions(l, p), most = block_rows(l, BACKWARD_ROWS);
  if (p->dx)
    memset(p->dx, 0, p->n * l->in_size * sizeof *p->dx);
  for (size_t i = 0; i < all; i += most) {
    set_block(&b, i, most, all);
    const real *dy = p->dy + i * b.filters;
    if (p->grad) {
      oikos_im2col(&b.g, i, b.rows, p->x, b.x);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x, 1, p->grad);
      oikos_add_columns(b.rows, b.filters, dy, p->grad + b.filters * b.k);
    }
    if (p->dx) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta, 0, b.x);
      oikos_col2im(&b.g, i, b.rows, b.x, p->dx);
    }
  }
}

void oikos_conv2d_direct_tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  direct_block b = block_of(l, p);
  size_t all = positions(l, p), most = block_rows(l, BACKWARD_ROWS);
  if (p->dx_t)
    memset(p->dx_t, 0, p->n * l->in_size * sizeof *p->dx_t);
  for (size_t i = 0; i < all; i += most) {
    set_block(&b, i, most, all);
    const real *dy = p->dy + i * b.filters, *dy_t = p->dy_t + i * b.filters;
    if (p->grad_t) {
      oikos_im2col(&b.g, i, b.rows, p->x, b.x);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy_t, b.x, 1, p->grad_t);
      oikos_add_columns(b.rows, b.filters, dy_t, p->grad_t + b.filters * b.k);
    }
    if (p->grad_t && p->x_t) {
      oikos_im2col(&b.g, i, b.rows, p->x_t, b.x_t);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x_t, 1, p->grad_t);
    }
    if (p->dx_t) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy_t, p->theta, 0, b.x);
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta_t, 1, b.x);
      oikos_col2im(&b.g, i, b.rows, b.x, p->dx_t);
    }
  }
}
