/* SPDX-License-Identifier: MIT
 * Prototypical networks (Snell, Swersky and Zemel 2017): the first n_support outputs make a mean
 * per class, the others are classified by softmax over minus the squared distance to the means. The
 * cache holds the means (classes, size) and, behind them, the probabilities (queries, classes);
 * there are at most n classes. The cost is queries * classes * size, and support * size beside it;
 * outputs are taken some numbers at a time, so that those of all means and of all queries stay in
 * the caches. */
#include <string.h>

#include "math/vectors.h"
#include "net/loss.h"

typedef oikos_real real;

typedef oikos_vector vector;

enum { SLICE = 128, SUMS = 16, LANES = OIKOS_LANES, WIDE = 4 };

/* The classes are 0 .. largest label of the support set. */
static size_t classes_of(const oikos_loss_pass *p) {
  size_t classes = 0;
  for (size_t i = 0; i < p->n_support; i++)
    classes = (size_t)p->target[i] >= classes ? (size_t)p->target[i] + 1 : classes;
  return classes;
}

static bool is_of(const oikos_loss_pass *p, size_t i, size_t label) {
  return (size_t)p->target[i] == label;
}

static real shots_of(const oikos_loss_pass *p, size_t label) {
  size_t shots = 0;
  for (size_t i = 0; i < p->n_support; i++)
    shots += is_of(p, i, label);
  return (real)shots;
}

/* The first example of a class, n_support if there is none. */
static size_t first_of(const oikos_loss_pass *p, size_t label) {
  size_t i = 0;
  while (i < p->n_support && !is_of(p, i, label))
    i++;
  return i;
}

static size_t queries_of(const oikos_loss_pass *p) {
  return p->n - p->n_support;
}

/* (queries, classes) */
static real *probabilities_of(const oikos_loss_pass *p, size_t classes) {
  return p->cache + classes * p->size;
}

static void set_means(const oikos_loss_pass *p, size_t classes) {
  memset(p->cache, 0, classes * p->size * sizeof *p->cache);
  for (size_t c = 0; c < classes; c++) {
    real *restrict mean = p->cache + c * p->size, share = 1 / shots_of(p, c);
    for (size_t i = first_of(p, c); i < p->n_support; i++)
      for (size_t j = 0; is_of(p, i, c) && j < p->size; j++)
        mean[j] += share * p->y[i * p->size + j];
  }
}

/* By SUMS sums in a fixed order, which vector units take at once. */
static real squared_distance(size_t n, const real *restrict a, const real *restrict b) {
  real sum[SUMS] = {0};
  size_t j = 0;
  for (; j + SUMS <= n; j += SUMS)
    for (size_t k = 0; k < SUMS; k++)
      sum[k] += (a[j + k] - b[j + k]) * (a[j + k] - b[j + k]);
  for (; j < n; j++)
    sum[j % SUMS] += (a[j] - b[j]) * (a[j] - b[j]);
  for (size_t half = SUMS / 2; half > 0; half /= 2)
    for (size_t k = 0; k < half; k++)
      sum[k] += sum[k + half];
  return sum[0];
}

/* logit (queries, classes) = minus the squared distances. */
static void set_logits(const oikos_loss_pass *p, size_t classes, real *logit) {
  const real *query = p->y + p->n_support * p->size;
  memset(logit, 0, queries_of(p) * classes * sizeof *logit);
  for (size_t j = 0; j < p->size; j += SLICE) {
    size_t width = p->size - j < SLICE ? p->size - j : SLICE;
    for (size_t i = 0; i < queries_of(p); i++)
      for (size_t c = 0; c < classes; c++)
        logit[i * classes + c] -=
            squared_distance(width, query + i * p->size + j, p->cache + c * p->size + j);
  }
}

static oikos_judgement forward(const oikos_loss_pass *p) {
  size_t classes = classes_of(p);
  real *logit = probabilities_of(p, classes);
  oikos_judgement judgement = {0};
  set_means(p, classes);
  set_logits(p, classes, logit);
  for (size_t i = p->n_support; i < p->n; i++, logit += classes) {
    size_t label = (size_t)p->target[i];
    judgement.correct += oikos_argmax(classes, logit) == label;
    judgement.loss += oikos_softmax(classes, logit, label, logit) / (double)queries_of(p);
  }
  return judgement;
}

/* Some vectors of outputs from number j on, the last one of `width` numbers. Pointers are to number
 * j of the first query and of the first mean. */
typedef struct output_strip {
  const oikos_loss_pass *p;
  const real *y, *mean, *probability; /* (queries, size), (classes, size), (queries, classes) */
  real factor;
  size_t classes, j;
} output_strip;

/* Slope of the loss at minus the squared distance of query i to mean c. */
OIKOS_INLINE real slope_of(const output_strip *s, size_t i, size_t c) {
  real hit = is_of(s->p, s->p->n_support + i, c);
  return s->factor * (s->probability[i * s->classes + c] - hit);
}

/* sum += slope (y - mean) */
OIKOS_INLINE void add(int wide, size_t width, real slope, const real *y, const real *mean,
                      vector *sum) {
#pragma GCC unroll 4
  for (int w = 0; w < wide; w++)
    sum[w] +=
        slope * (oikos_load_some(y + w * LANES, width) - oikos_load_some(mean + w * LANES, width));
}

OIKOS_INLINE void put(int wide, size_t width, real factor, const vector *sum, real *to) {
#pragma GCC unroll 4
  for (int w = 0; w < wide; w++)
    oikos_store_some(to + w * LANES, factor * sum[w], width);
}

/* The slopes of the queries' outputs, and of those of the means, which are left at the first
 * example of each class. */
OIKOS_INLINE void back_strip(int wide, size_t width, const output_strip *s) {
  const oikos_loss_pass *p = s->p;
  real *dy = p->dy + s->j;
  for (size_t i = 0; i < queries_of(p); i++) {
    vector sum[WIDE] = {0};
    for (size_t c = 0; c < s->classes; c++)
      add(wide, width, slope_of(s, i, c), s->y + i * p->size, s->mean + c * p->size, sum);
    put(wide, width, -1, sum, dy + (p->n_support + i) * p->size);
  }
  for (size_t c = 0; c < s->classes; c++) {
    vector sum[WIDE] = {0};
    size_t first = first_of(p, c);
    for (size_t i = 0; first < p->n_support && i < queries_of(p); i++)
      add(wide, width, slope_of(s, i, c), s->y + i * p->size, s->mean + c * p->size, sum);
    if (first < p->n_support)
      put(wide, width, 1, sum, dy + first * p->size);
  }
}

/* The slope of a class's mean, at the first of its examples, is shared out to all of them. */
static void share_out(const oikos_loss_pass *p, size_t label) {
  size_t first = first_of(p, label);
  if (first == p->n_support)
    return;
  real *dy = p->dy + first * p->size, shots = shots_of(p, label);
  for (size_t j = 0; j < p->size; j++)
    dy[j] /= shots;
  for (size_t i = first + 1; i < p->n_support; i++)
    if (is_of(p, i, label))
      memcpy(p->dy + i * p->size, dy, p->size * sizeof *dy);
}

static output_strip strip_at(const oikos_loss_pass *p, size_t classes, size_t j) {
  return (output_strip){.p = p,
                        .y = p->y + p->n_support * p->size + j,
                        .mean = p->cache + j,
                        .probability = probabilities_of(p, classes),
                        .factor = 2 * p->weight / (real)queries_of(p),
                        .classes = classes,
                        .j = j};
}

static void backward(const oikos_loss_pass *p) {
  size_t classes = classes_of(p), j = 0;
  memset(p->dy, 0, p->n_support * p->size * sizeof *p->dy);
  for (; j + WIDE * LANES <= p->size; j += WIDE * LANES) {
    output_strip s = strip_at(p, classes, j);
    back_strip(WIDE, LANES, &s);
  }
  for (; j < p->size; j += LANES) {
    output_strip s = strip_at(p, classes, j);
    if (p->size - j >= LANES)
      back_strip(1, LANES, &s);
    else
      back_strip(1, p->size - j, &s);
  }
  for (size_t c = 0; c < classes; c++)
    share_out(p, c);
}

const oikos_loss_type oikos_loss_prototypes = {.forward = forward, .backward = backward};
