/* SPDX-License-Identifier: MIT
 * Momentum: the heavy ball (Polyak 1964). */
#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  real keep = (real)c->outer.momentum, rate = (real)s->rate;
  real *restrict first = s->first, *restrict w = s->w;
  for (size_t i = 0; i < s->n; i++) {
    first[i] = keep * first[i] + s->gradient[i];
    w[i] -= rate * first[i];
  }
}

const oikos_optimizer_type oikos_optimizer_momentum = {
    .word = {"the heavy ball (Polyak 1964): m = mu m + g, w -= rate m.", "outer.momentum"},
    .first = true,
    .update = update};
