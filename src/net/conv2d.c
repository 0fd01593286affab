/* SPDX-License-Identifier: MIT
 * Convolution as matrix products over patches (Chellapilla et al. 2006), a few images at a time so
 * that the patches stay in the cache: with X the patches (rows, k), W (filters, k): Y = X W^T + b,
 * dW = dY^T X, dX = dY W; the tangents follow by the product rule. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/blas.h"
#include "math/im2col.h"
#include "net/layer.h"

typedef oikos_real real;

enum { BLOCK_BYTES = 512 * 1024 };

static oikos_patches patches(const oikos_layer *l) {
  return (oikos_patches){l->in.height,       l->in.width,        l->in.channels,
                         (int64_t)l->arg[1], (int64_t)l->arg[2], (int64_t)l->arg[3],
                         (int64_t)l->arg[4], l->out.height,      l->out.width};
}

static size_t positions(const oikos_layer *l) {
  return (size_t)(l->out.height * l->out.width);
}

static size_t patch_size(const oikos_layer *l) {
  return (size_t)l->arg[1] * (size_t)l->arg[2] * (size_t)l->in.channels;
}

/* Images in a block: fixed by the shapes alone, so that the bits never depend on who computes
 * beside whom. */
static size_t block_images(const oikos_layer *l) {
  size_t bytes = positions(l) * patch_size(l) * sizeof(real);
  return bytes >= BLOCK_BYTES ? 1 : BLOCK_BYTES / bytes;
}

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t filters = (int64_t)l->arg[0], stride = (int64_t)l->arg[3], padding = (int64_t)l->arg[4];
  if (!l->arg[2])
    l->arg[2] = l->arg[1];
  int64_t kh = (int64_t)l->arg[1], kw = (int64_t)l->arg[2];
  if (l->in.height + 2 * padding < kh || l->in.width + 2 * padding < kw)
    return oikos_fail(
        err, OIKOS_USAGE, "%s: the kernel is %lld x %lld but the padded input only %lld x %lld",
        l->where, (long long)kh, (long long)kw, (long long)(l->in.height + 2 * padding),
        (long long)(l->in.width + 2 * padding));
  if (padding >= kh || padding >= kw)
    return oikos_fail(err, OIKOS_USAGE, "%s: padding %lld must be smaller than the kernel",
                      l->where, (long long)padding);
  l->out = (oikos_shape){(l->in.height + 2 * padding - kh) / stride + 1,
                         (l->in.width + 2 * padding - kw) / stride + 1, filters};
  oikos_layer_add_tensor(l, "weight", OIKOS_WEIGHT, 4,
                         (int64_t[]){filters, kh, kw, l->in.channels});
  oikos_layer_add_tensor(l, "bias", OIKOS_BIAS, 1, &filters);
  l->scratch = oikos_mul(2, oikos_mul(block_images(l), oikos_mul(positions(l), patch_size(l))));
  return OIKOS_OK;
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
  b.x_t = p->scratch + l->scratch / 2;
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

static void fill_bias(const block *b, const real *bias, real *y) {
  for (size_t i = 0; i < b->rows; i++)
    memcpy(y + i * b->filters, bias, b->filters * sizeof *y);
}

static void add_columns(const block *b, const real *restrict dy, real *restrict grad) {
  for (size_t i = 0; i < b->rows; i++)
    for (size_t j = 0; j < b->filters; j++)
      grad[j] += dy[i * b->filters + j];
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    real *y = p->y + i * l->out_size;
    load(l, &b, p->x, b.x);
    fill_bias(&b, p->theta + b.filters * b.k, y);
    oikos_gemm_nt(b.rows, b.filters, b.k, b.x, p->theta, 1, y);
  }
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
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

static void backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    const real *dy = p->dy + i * l->out_size;
    load(l, &b, p->x, b.x);
    oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x, 1, p->grad);
    add_columns(&b, dy, p->grad + b.filters * b.k);
    if (p->dx) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta, 0, b.x);
      store(l, &b, b.x, p->dx);
    }
  }
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  for (size_t i = 0; i < p->n; i += block_images(l)) {
    block b = block_at(l, p, i);
    const real *dy = p->dy + i * l->out_size, *dy_t = p->dy_t + i * l->out_size;
    load(l, &b, p->x, b.x);
    oikos_gemm_tn(b.filters, b.k, b.rows, dy_t, b.x, 1, p->grad_t);
    if (p->x_t) {
      load(l, &b, p->x_t, b.x_t);
      oikos_gemm_tn(b.filters, b.k, b.rows, dy, b.x_t, 1, p->grad_t);
    }
    add_columns(&b, dy_t, p->grad_t + b.filters * b.k);
    if (p->dx_t) {
      oikos_gemm_nn(b.rows, b.k, b.filters, dy_t, p->theta, 0, b.x);
      oikos_gemm_nn(b.rows, b.k, b.filters, dy, p->theta_t, 1, b.x);
      store(l, &b, b.x, p->dx_t);
    }
  }
}

const oikos_layer_type oikos_layer_conv2d = {
    .kind = "conv2d",
    .meaning = "Two-dimensional convolution with a bias; zero padding.",
    .args = {{"filters", NAN, 1, 0x1p20, true, "output channels"},
             {"kernel", 3, 1, 1024, true, "kernel height (and width)"},
             {"kernel_width", 0, 0, 1024, true, "kernel width; 0 takes the height"},
             {"stride", 1, 1, 1024, true, "step between positions"},
             {"padding", 0, 0, 1023, true, "zeros added on each side"}},
    .configure = configure,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
