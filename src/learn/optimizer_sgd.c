/* SPDX-License-Identifier: MIT
 * Plain steps along the gradient. */
#include "learn/optimizer.h"

typedef oikos_real real;

static void update(const oikos_config *c, const oikos_optimizer_step *s) {
  (void)c;
  for (size_t i = 0; i < s->n; i++)
    s->w[i] -= (real)s->rate * s->gradient[i];
}

const oikos_optimizer_type oikos_optimizer_sgd = {.word = {"w -= rate g.", NULL}, .update = update};
