/* SPDX-License-Identifier: MIT
 * Mean squared error over examples and targets. */
#include "net/loss.h"

typedef oikos_real real;

static oikos_judgement forward(const oikos_loss_pass *p) {
  double sum = 0;
  for (size_t i = 0, count = p->n * p->size; i < count; i++) {
    double difference = (double)p->y[i] - (double)p->target[i];
    sum += difference * difference;
  }
  return (oikos_judgement){.loss = sum / (double)(p->n * p->size)};
}

static real slope(const oikos_loss_pass *p) {
  return 2 * p->weight / (real)(p->n * p->size);
}

static void backward(const oikos_loss_pass *p) {
  real factor = slope(p);
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    p->dy[i] = factor * (p->y[i] - p->target[i]);
}

static double tangent(const oikos_loss_pass *p) {
  double sum = 0;
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    sum += (double)(slope(p) * (p->y[i] - p->target[i]) * p->y_t[i]);
  return sum;
}

static void tangent_backward(const oikos_loss_pass *p) {
  real factor = slope(p);
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    p->dy_t[i] = factor * p->y_t[i];
}

const oikos_loss_type oikos_loss_mse = {forward, backward, tangent, tangent_backward};
