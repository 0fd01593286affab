/* SPDX-License-Identifier: MIT
 * Softmax cross entropy, mean over examples: dy = (p - onehot)/n, and its tangent (p y_t - p (p .
 * y_t))/n. The cache holds the probabilities p. */
#include "net/loss.h"

typedef oikos_real real;

static oikos_judgement forward(const oikos_loss_pass *p) {
  oikos_judgement j = {0};
  for (size_t i = 0; i < p->n; i++) {
    const real *y = p->y + i * p->size;
    size_t label = (size_t)p->target[i];
    j.loss += oikos_softmax(p->size, y, label, p->cache + i * p->size) / (double)p->n;
    j.correct += oikos_argmax(p->size, y) == label;
  }
  return j;
}

static void backward(const oikos_loss_pass *p) {
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->size; j++) {
      real hit = j == (size_t)p->target[i];
      p->dy[i * p->size + j] = p->weight * (p->cache[i * p->size + j] - hit) / (real)p->n;
    }
}

static double tangent(const oikos_loss_pass *p) {
  double sum = 0;
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->size; j++) {
      real hit = j == (size_t)p->target[i];
      sum += (double)(p->weight * (p->cache[i * p->size + j] - hit) / (real)p->n *
                      p->y_t[i * p->size + j]);
    }
  return sum;
}

static void tangent_backward(const oikos_loss_pass *p) {
  for (size_t i = 0; i < p->n; i++) {
    const real *probability = p->cache + i * p->size, *y_t = p->y_t + i * p->size;
    real dot = 0;
    for (size_t j = 0; j < p->size; j++)
      dot += probability[j] * y_t[j];
    for (size_t j = 0; j < p->size; j++)
      p->dy_t[i * p->size + j] = p->weight * probability[j] * (y_t[j] - dot) / (real)p->n;
  }
}

const oikos_loss_type oikos_loss_cross_entropy = {forward, backward, tangent, tangent_backward};
