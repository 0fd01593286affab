/* SPDX-License-Identifier: MIT
 * Adagrad (Duchi, Hazan and Singer 2011). */
#include <math.h>

#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  const real *restrict gradient = s->gradient;
  real *restrict second = s->second, *restrict w = s->w;
  for (size_t i = 0; i < s->n; i++) {
    second[i] += gradient[i] * gradient[i];
    w[i] -= (real)s->rate * gradient[i] / ((real)sqrt((double)second[i]) + (real)c->outer.epsilon);
  }
}

const oikos_optimizer_type oikos_optimizer_adagrad = {
    .word = {"w -= rate g / (sqrt(v) + epsilon) of the sum v of g^2 (Duchi et al. 2011).",
             "outer.epsilon"},
    .second = true,
    .update = update};
