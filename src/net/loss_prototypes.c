/* SPDX-License-Identifier: MIT
 * Prototypical networks (Snell, Swersky and Zemel 2017): the first n_support outputs make a mean
 * per class, the others are classified by softmax over minus the squared distance to the means. The
 * cache holds the means (classes, size) and, behind them, the probabilities (queries, classes);
 * there are at most n classes. */
#include <string.h>

#include "net/loss.h"

typedef oikos_real real;

/* The classes are 0 .. largest label of the support set. */
static size_t classes_of(const oikos_loss_pass *p) {
  size_t classes = 0;
  for (size_t i = 0; i < p->n_support; i++)
    classes = (size_t)p->target[i] >= classes ? (size_t)p->target[i] + 1 : classes;
  return classes;
}

static size_t shots_of(const oikos_loss_pass *p, size_t label) {
  size_t shots = 0;
  for (size_t i = 0; i < p->n_support; i++)
    shots += (size_t)p->target[i] == label;
  return shots;
}

static void means(const oikos_loss_pass *p, size_t classes, real *mean) {
  memset(mean, 0, classes * p->size * sizeof *mean);
  for (size_t i = 0; i < p->n_support; i++) {
    size_t label = (size_t)p->target[i];
    real share = 1 / (real)shots_of(p, label);
    for (size_t j = 0; j < p->size; j++)
      mean[label * p->size + j] += share * p->y[i * p->size + j];
  }
}

/* dy of a query and of the means, in place of the probabilities: logit_c = -|y - mean_c|^2 */
static void backward_query(const oikos_loss_pass *p, size_t i, size_t classes, const real *mean,
                           const real *probability) {
  const real *y = p->y + i * p->size;
  real *dy = p->dy + i * p->size;
  for (size_t c = 0; c < classes; c++) {
    real hit = c == (size_t)p->target[i];
    real slope = 2 * p->weight * (probability[c] - hit) / (real)(p->n - p->n_support);
    for (size_t j = 0; j < p->size; j++)
      dy[j] -= slope * (y[j] - mean[c * p->size + j]);
    for (size_t s = 0; s < p->n_support; s++)
      if ((size_t)p->target[s] == c)
        for (size_t j = 0; j < p->size; j++)
          p->dy[s * p->size + j] += slope * (y[j] - mean[c * p->size + j]) / (real)shots_of(p, c);
  }
}

static real *probabilities(const oikos_loss_pass *p, size_t classes, size_t i) {
  return p->cache + classes * p->size + (i - p->n_support) * classes;
}

static oikos_judgement forward(const oikos_loss_pass *p) {
  size_t classes = classes_of(p);
  oikos_judgement judgement = {0};
  real *mean = p->cache;
  means(p, classes, mean);
  for (size_t i = p->n_support; i < p->n; i++) {
    real *logit = probabilities(p, classes, i);
    size_t label = (size_t)p->target[i];
    for (size_t c = 0; c < classes; c++) {
      logit[c] = 0;
      for (size_t j = 0; j < p->size; j++) {
        real difference = p->y[i * p->size + j] - mean[c * p->size + j];
        logit[c] -= difference * difference;
      }
    }
    judgement.correct += oikos_argmax(classes, logit) == label;
    judgement.loss += oikos_softmax(classes, logit, label, logit) / (double)(p->n - p->n_support);
  }
  return judgement;
}

static void backward(const oikos_loss_pass *p) {
  size_t classes = classes_of(p);
  memset(p->dy, 0, p->n * p->size * sizeof *p->dy);
  for (size_t i = p->n_support; i < p->n; i++)
    backward_query(p, i, classes, p->cache, probabilities(p, classes, i));
}

const oikos_loss_type oikos_loss_prototypes = {.forward = forward, .backward = backward};
