/* SPDX-License-Identifier: MIT
 * Sums by channel, over the positions or windows of an example: a few vectors of channels at a
 * time, whose sums stay in registers. Each example is summed by itself first, so that few numbers
 * are added at a time. */
#include <string.h>

#include "math/vectors.h"
#include "net/batch_norm_impl.h"

typedef oikos_real real;
typedef oikos_vector vector;
typedef oikos_norm_view view;

enum { LANES = OIKOS_LANES, WIDE = OIKOS_REGISTERS == 32 ? 4 : 2 };

/* `wide` vectors of channels from j on, each of `width` numbers. */
typedef void channel_strip(int wide, size_t width, const void *job, size_t j);

OIKOS_INLINE void all_channels(channel_strip *f, const void *job, size_t c) {
  size_t j = 0;
  for (; j + WIDE * LANES <= c; j += WIDE * LANES)
    f(WIDE, LANES, job, j);
  for (; j + LANES <= c; j += LANES)
    f(1, LANES, job, j);
  if (j < c)
    f(1, c - j, job, j);
}

OIKOS_INLINE vector load(const real *from, int w, size_t width) {
  return oikos_load_some(from + w * LANES, width);
}

OIKOS_INLINE void store(int wide, size_t width, real *to, const vector *value) {
#pragma GCC unroll 4
  for (int w = 0; w < wide; w++)
    oikos_store_some(to + w * LANES, value[w], width);
}

typedef struct moments {
  const view *v;
  const real *x, *x_t;
  real *first, *second;
} moments;

OIKOS_INLINE void moments_strip(int wide, size_t width, const void *job, size_t j) {
  const moments *a = job;
  const real *x = a->x + j, *end = x + a->v->positions * a->v->c;
  vector mean[WIDE] = {0}, square[WIDE] = {0};
  for (const real *at = x; at < end; at += a->v->c)
#pragma GCC unroll 4
    for (int w = 0; w < wide; w++)
      mean[w] += load(at, w, width);
#pragma GCC unroll 4
  for (int w = 0; w < wide; w++)
    mean[w] /= (real)a->v->positions;
  for (const real *at = x; at < end; at += a->v->c)
#pragma GCC unroll 4
    for (int w = 0; w < wide; w++) {
      vector u = load(at, w, width) - mean[w];
      square[w] += u * u;
    }
  store(wide, width, a->first + j, mean);
  store(wide, width, a->second + j, square);
}

void oikos_norm_moments(const view *v, const real *x, real *mean, real *square) {
  moments a = {.v = v, .x = x, .first = mean, .second = square};
  all_channels(moments_strip, &a, v->c);
}

OIKOS_INLINE void tangent_strip(int wide, size_t width, const void *job, size_t j) {
  const moments *a = job;
  vector sum[WIDE] = {0}, product[WIDE] = {0}, mean[WIDE], r[WIDE];
#pragma GCC unroll 4
  for (int w = 0; w < wide; w++) {
    mean[w] = load(a->v->mean + j, w, width);
    r[w] = load(a->v->r + j, w, width);
  }
  for (size_t k = j; k < a->v->positions * a->v->c; k += a->v->c)
#pragma GCC unroll 4
    for (int w = 0; w < wide; w++) {
      vector x_t = load(a->x_t + k, w, width);
      sum[w] += x_t;
      product[w] += x_t * ((load(a->x + k, w, width) - mean[w]) * r[w]);
    }
  store(wide, width, a->first + j, sum);
  store(wide, width, a->second + j, product);
}

void oikos_norm_tangent_moments(const view *v, const real *x, const real *x_t, real *sum,
                                real *product) {
  moments a = {.v = v, .x = x, .x_t = x_t, .first = sum, .second = product};
  all_channels(tangent_strip, &a, v->c);
}

/* The windows of an example, from number `first` on of each array. */
typedef struct windows {
  const view *v;
  const oikos_pass *p;
  size_t first;
  oikos_norm_sums to;
} windows;

/* dy where relu lets it through. */
OIKOS_INLINE vector gradient(const real *dy, vector y, real floor, int w, size_t width) {
  return oikos_masked(y > (vector){0} + floor, load(dy, w, width));
}

OIKOS_INLINE void sum_strip(int wide, size_t width, const void *job, size_t j) {
  const windows *a = job;
  vector sum[WIDE] = {0}, product[WIDE] = {0};
  for (size_t k = 0; k < a->v->windows; k++)
#pragma GCC unroll 4
    for (int w = 0; w < wide; w++) {
      size_t at = a->first + k * a->v->c + j;
      vector y = load(a->p->y + at, w, width),
             g = gradient(a->p->dy + at, y, a->v->floor, w, width);
      sum[w] += g;
      product[w] += g * load(a->v->xh + at, w, width);
    }
  store(wide, width, a->to.g + j, sum);
  store(wide, width, a->to.g_xh + j, product);
}

OIKOS_INLINE void tangent_sum_strip(int wide, size_t width, const void *job, size_t j) {
  const windows *a = job;
  vector sum[WIDE] = {0}, product[WIDE] = {0}, sum_t[WIDE] = {0}, product_t[WIDE] = {0};
  for (size_t k = 0; k < a->v->windows; k++)
#pragma GCC unroll 4
    for (int w = 0; w < wide; w++) {
      size_t at = a->first + k * a->v->c + j;
      vector y = load(a->p->y + at, w, width), xh = load(a->v->xh + at, w, width),
             g = gradient(a->p->dy + at, y, a->v->floor, w, width),
             g_t = gradient(a->p->dy_t + at, y, a->v->floor, w, width);
      sum[w] += g;
      product[w] += g * xh;
      sum_t[w] += g_t;
      product_t[w] += g_t * xh + g * load(a->v->xh_t + at, w, width);
    }
  store(wide, width, a->to.g + j, sum);
  store(wide, width, a->to.g_xh + j, product);
  store(wide, width, a->to.g_t + j, sum_t);
  store(wide, width, a->to.g_xh_t + j, product_t);
}

static void add(size_t c, const real *restrict one, real *restrict sum) {
#pragma omp simd
  for (size_t j = 0; j < c; j++)
    sum[j] += one[j];
}

void oikos_norm_sum(const view *v, const oikos_pass *p, bool along, const oikos_norm_sums *sums,
                    real *scratch) {
  const size_t c = v->c;
  real *const to[] = {sums->g, sums->g_xh, sums->g_t, sums->g_xh_t};
  const size_t kinds = along ? 4 : 2;
  windows a = {.v = v, .p = p, .to = {scratch, scratch + c, scratch + 2 * c, scratch + 3 * c}};
  for (size_t k = 0; k < kinds; k++)
    memset(to[k], 0, c * sizeof(real));
  for (size_t i = 0; i < p->n; i++) {
    a.first = i * v->windows * c;
    if (along)
      all_channels(tangent_sum_strip, &a, c);
    else
      all_channels(sum_strip, &a, c);
    for (size_t k = 0; k < kinds; k++)
      add(c, scratch + k * c, to[k]);
  }
}
