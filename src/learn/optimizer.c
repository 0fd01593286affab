/* SPDX-License-Identifier: MIT */
#include "learn/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/vector.h"

typedef oikos_real real;

bool oikos_optimizer_has_first(const oikos_config *c) {
  return c->outer.optimizer != OIKOS_SGD && c->outer.optimizer != OIKOS_ADAGRAD;
}

bool oikos_optimizer_has_second(const oikos_config *c) {
  return c->outer.optimizer != OIKOS_SGD && c->outer.optimizer != OIKOS_MOMENTUM;
}

oikos_status oikos_optimizer_create(const oikos_config *c, size_t rows, size_t n,
                                    oikos_optimizer *o, oikos_error *err) {
  *o = (oikos_optimizer){.rows = rows, .n = n};
  OIKOS_TRY(oikos_alloc(&o->count, rows, sizeof *o->count, "the optimizer", err));
  if (oikos_optimizer_has_first(c))
    OIKOS_TRY(oikos_alloc(&o->first, oikos_mul(rows, n), sizeof *o->first, "the optimizer", err));
  if (oikos_optimizer_has_second(c))
    OIKOS_TRY(oikos_alloc(&o->second, oikos_mul(rows, n), sizeof *o->second, "the optimizer", err));
  return OIKOS_OK;
}

void oikos_optimizer_destroy(oikos_optimizer *o) {
  free(o->first);
  free(o->second);
  free(o->count);
  *o = (oikos_optimizer){0};
}

static void update_sgd(double rate, size_t n, const real *gradient, real *w) {
  for (size_t i = 0; i < n; i++)
    w[i] -= (real)rate * gradient[i];
}

static void update_momentum(double momentum, double rate, size_t n, real *restrict first,
                            const real *restrict gradient, real *restrict w) {
  for (size_t i = 0; i < n; i++) {
    first[i] = (real)momentum * first[i] + gradient[i];
    w[i] -= (real)rate * first[i];
  }
}

static void update_adam(const oikos_config *c, double count, double rate, size_t n,
                        real *restrict first, real *restrict second, const real *restrict gradient,
                        real *restrict w) {
  double beta1 = c->outer.beta1, beta2 = c->outer.beta2;
  real step = (real)(rate / (1 - pow(beta1, count)));
  real unbias = (real)(1 / sqrt(1 - pow(beta2, count)));
  real keep1 = (real)beta1, add1 = (real)(1 - beta1), keep2 = (real)beta2, add2 = (real)(1 - beta2);
  for (size_t i = 0; i < n; i++) {
    first[i] = keep1 * first[i] + add1 * gradient[i];
    second[i] = keep2 * second[i] + add2 * gradient[i] * gradient[i];
    w[i] -= step * first[i] / ((real)sqrt((double)second[i]) * unbias + (real)c->outer.epsilon);
  }
}

static void update_adagrad(double epsilon, double rate, size_t n, real *restrict second,
                           const real *restrict gradient, real *restrict w) {
  for (size_t i = 0; i < n; i++) {
    second[i] += gradient[i] * gradient[i];
    w[i] -= (real)rate * gradient[i] / ((real)sqrt((double)second[i]) + (real)epsilon);
  }
}

void oikos_optimizer_update(const oikos_config *c, oikos_optimizer *o, size_t row, double rate,
                            const real *gradient, size_t decayed, real *w) {
  if (rate == 0)
    return;
  real *first = o->first ? o->first + row * o->n : NULL,
       *second = o->second ? o->second + row * o->n : NULL;
  o->count[row]++;
  for (size_t i = 0; c->outer.optimizer == OIKOS_ADAMW && i < decayed; i++)
    w[i] *= (real)(1 - rate * c->outer.weight_decay);
  if (c->outer.optimizer == OIKOS_SGD)
    update_sgd(rate, o->n, gradient, w);
  else if (c->outer.optimizer == OIKOS_MOMENTUM && first)
    update_momentum(c->outer.momentum, rate, o->n, first, gradient, w);
  else if (c->outer.optimizer == OIKOS_ADAGRAD && second)
    update_adagrad(c->outer.epsilon, rate, o->n, second, gradient, w);
  else if (first && second)
    update_adam(c, (double)o->count[row], rate, o->n, first, second, gradient, w);
}

void oikos_optimizer_copy(oikos_optimizer *o, size_t from, size_t to) {
  if (o->first)
    memcpy(o->first + to * o->n, o->first + from * o->n, o->n * sizeof *o->first);
  if (o->second)
    memcpy(o->second + to * o->n, o->second + from * o->n, o->n * sizeof *o->second);
  o->count[to] = o->count[from];
}

double oikos_schedule(const oikos_config *c, int64_t step) {
  if (step < c->outer.warmup)
    return (double)(step + 1) / (double)c->outer.warmup;
  if (c->outer.schedule == OIKOS_SCHEDULE_CONSTANT || c->steps <= c->outer.warmup)
    return 1;
  double done = (double)(step - c->outer.warmup) / (double)(c->steps - c->outer.warmup);
  return c->outer.final_rate +
         (1 - c->outer.final_rate) * 0.5 * (1 + cos(3.14159265358979323846 * done));
}

double oikos_clip(double clip, size_t n, real *gradient) {
  double norm = oikos_norm(n, gradient);
  for (size_t i = 0; clip > 0 && norm > clip && i < n; i++)
    gradient[i] = (real)((double)gradient[i] * (clip / norm));
  return norm;
}
