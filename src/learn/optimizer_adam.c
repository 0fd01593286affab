/* SPDX-License-Identifier: MIT
 * Adam (Kingma and Ba 2015), and with decoupled weight decay AdamW (Loshchilov and Hutter 2019). */
#include <math.h>

#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  double beta1 = c->outer.beta1, beta2 = c->outer.beta2;
  real step = (real)(s->rate / (1 - pow(beta1, s->count)));
  real unbias = (real)(1 / sqrt(1 - pow(beta2, s->count)));
  real keep1 = (real)beta1, add1 = (real)(1 - beta1), keep2 = (real)beta2, add2 = (real)(1 - beta2);
  const real *restrict gradient = s->gradient;
  real *restrict first = s->first, *restrict second = s->second, *restrict w = s->w;
  for (size_t i = 0; i < s->n; i++) {
    first[i] = keep1 * first[i] + add1 * gradient[i];
    second[i] = keep2 * second[i] + add2 * gradient[i] * gradient[i];
    w[i] -= step * first[i] / ((real)sqrt((double)second[i]) * unbias + (real)c->outer.epsilon);
  }
}

const oikos_optimizer_type oikos_optimizer_adam = {
    .word = {"w -= rate m / (sqrt(v) + epsilon) of the running means m of g and v of g^2, both "
             "without their bias (Kingma and Ba 2015).",
             "outer.beta1|outer.beta2|outer.epsilon"},
    .first = true,
    .second = true,
    .update = update};

const oikos_optimizer_type oikos_optimizer_adamw = {
    .word = {"adam with decoupled weight decay (Loshchilov and Hutter 2019).",
             "outer.beta1|outer.beta2|outer.epsilon|outer.weight_decay"},
    .first = true,
    .second = true,
    .decays = true,
    .update = update};
