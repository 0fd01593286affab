/* SPDX-License-Identifier: MIT
 * Nesterov's momentum (1983), written at the point that is looked ahead to (Sutskever et al.
 * 2013). */
#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  real keep = (real)c->outer.momentum, rate = (real)s->rate;
  real *restrict first = s->first, *restrict w = s->w;
  for (size_t i = 0; i < s->n; i++) {
    first[i] = keep * first[i] + s->gradient[i];
    w[i] -= rate * (s->gradient[i] + keep * first[i]);
  }
}

const oikos_optimizer_type oikos_optimizer_nesterov = {
    .word = {"momentum that looks ahead (Nesterov 1983, Sutskever et al. 2013): m = mu m + g, w -= "
             "rate (g + mu m).",
             "outer.momentum"},
    .first = true,
    .update = update};
