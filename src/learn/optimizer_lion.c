/* SPDX-License-Identifier: MIT
 * Lion (Chen et al. 2023): the sign of a mean gradient, and decoupled weight decay. */
#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  double beta1 = c->outer.beta1, beta2 = c->outer.beta2;
  real keep1 = (real)beta1, add1 = (real)(1 - beta1), keep2 = (real)beta2, add2 = (real)(1 - beta2);
  const real *restrict gradient = s->gradient;
  real *restrict first = s->first, *restrict w = s->w, rate = (real)s->rate;
  for (size_t i = 0; i < s->n; i++) {
    real way = keep1 * first[i] + add1 * gradient[i];
    w[i] -= rate * (real)((way > 0) - (way < 0));
    first[i] = keep2 * first[i] + add2 * gradient[i];
  }
}

const oikos_optimizer_type oikos_optimizer_lion = {
    .word = {"w -= rate sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g, with "
             "decoupled weight decay (Chen et al. 2023, who take beta2 0.99, and rates 3 to 10 "
             "times smaller than adamw's).",
             "outer.beta1|outer.beta2|outer.weight_decay"},
    .first = true,
    .decays = true,
    .update = update};
