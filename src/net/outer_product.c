/* SPDX-License-Identifier: MIT
 * The first 2 width numbers of x are a and b; the map y[r][c] = a[r] b[c] (He et al., "Outer
 * product-based neural collaborative filtering", IJCAI 2018, section 3.1), as an image, or, kept,
 * as numbers before x. */
#include <math.h>
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t width = (int64_t)l->arg[0];
  bool keep = l->arg[1] != 0;
  if (l->in.height != 1 || l->in.width != 1 || l->in.channels < 2 * width ||
      (!keep && l->in.channels > 2 * width))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: expected a vector of 2 x %lld numbers, found an input of %lld x %lld x "
                      "%lld; with `keep: 1` more numbers may follow, or leave them out by "
                      "task.content false",
                      l->where, (long long)width, (long long)l->in.height, (long long)l->in.width,
                      (long long)l->in.channels);
  l->out =
      keep ? (oikos_shape){1, 1, width * width + l->in.channels} : (oikos_shape){width, width, 1};
  return OIKOS_OK;
}

/* y (w, w) = or += a (w) b (w)^T */
static void multiply(size_t w, const real *a, const real *b, bool add, real *y) {
  for (size_t r = 0; r < w; r++)
    for (size_t c = 0; c < w; c++)
      y[r * w + c] = (add ? y[r * w + c] : 0) + a[r] * b[c];
}

/* da (w), db (w) = or += what dy (w, w) gives each by the other */
static void share(size_t w, const real *a, const real *b, const real *dy, bool add, real *da,
                  real *db) {
  for (size_t k = 0; k < w && !add; k++)
    da[k] = db[k] = 0;
  for (size_t r = 0; r < w; r++)
    for (size_t c = 0; c < w; c++) {
      da[r] += dy[r * w + c] * b[c];
      db[c] += dy[r * w + c] * a[r];
    }
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  size_t w = (size_t)l->arg[0], kept = l->out_size - w * w;
  for (size_t i = 0; i < p->n; i++) {
    const real *x = p->x + i * l->in_size;
    real *y = p->y + i * l->out_size;
    multiply(w, x, x + w, false, y);
    memcpy(y + w * w, x, kept * sizeof *y);
  }
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  size_t w = (size_t)l->arg[0], kept = l->out_size - w * w;
  if (!p->x_t) {
    memset(p->y_t, 0, p->n * l->out_size * sizeof *p->y_t);
    return;
  }
  for (size_t i = 0; i < p->n; i++) {
    const real *x = p->x + i * l->in_size, *x_t = p->x_t + i * l->in_size;
    real *y_t = p->y_t + i * l->out_size;
    multiply(w, x_t, x + w, false, y_t);
    multiply(w, x, x_t + w, true, y_t);
    memcpy(y_t + w * w, x_t, kept * sizeof *y_t);
  }
}

/* dx (n, in) of dy (n, out) at x: linear in dy */
static void pull_back(const oikos_layer *l, const oikos_pass *p, const real *from, real *to) {
  size_t w = (size_t)l->arg[0], kept = l->out_size - w * w;
  for (size_t i = 0; i < p->n; i++) {
    const real *x = p->x + i * l->in_size, *dy = from + i * l->out_size;
    real *dx = to + i * l->in_size;
    memcpy(dx, dy + w * w, kept * sizeof *dx);
    share(w, x, x + w, dy, kept > 0, dx, dx + w);
  }
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  if (p->dx)
    pull_back(l, p, p->dy, p->dx);
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  size_t w = (size_t)l->arg[0];
  if (!p->dx_t)
    return;
  pull_back(l, p, p->dy_t, p->dx_t);
  for (size_t i = 0; i < p->n && p->x_t; i++) {
    const real *x_t = p->x_t + i * l->in_size;
    real *dx_t = p->dx_t + i * l->in_size;
    share(w, x_t, x_t + w, p->dy + i * l->out_size, true, dx_t, dx_t + w);
  }
}

const oikos_layer_type oikos_layer_outer_product = {
    .kind = "outer_product",
    .meaning =
        "The products of each of the first `width` numbers with each of the next `width`, as "
        "an image of width x width.",
    .args = {{"width", NAN, 1, 4096, true, "numbers of each factor"},
             {"keep", 0, 0, 1, true, "1: as numbers, and behind them the input itself"}},
    .configure = configure,
    .batches_learners = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
