/* SPDX-License-Identifier: MIT
 * RMSprop (Tieleman and Hinton 2012). */
#include <math.h>

#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  real keep = (real)c->outer.beta2, add = (real)(1 - c->outer.beta2);
  const real *restrict gradient = s->gradient;
  real *restrict second = s->second, *restrict w = s->w;
  for (size_t i = 0; i < s->n; i++) {
    second[i] = keep * second[i] + add * gradient[i] * gradient[i];
    w[i] -= (real)s->rate * gradient[i] / ((real)sqrt((double)second[i]) + (real)c->outer.epsilon);
  }
}

const oikos_optimizer_type oikos_optimizer_rmsprop = {
    .word = {"w -= rate g / (sqrt(v) + epsilon) of the running mean v of g^2, which begins at 0 "
             "(Tieleman and Hinton 2012; elsewhere beta2 is called alpha, and 0.99 is usual).",
             "outer.beta2|outer.epsilon"},
    .second = true,
    .update = update};
