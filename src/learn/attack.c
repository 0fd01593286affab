/* SPDX-License-Identifier: MIT */
#include "learn/attack.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

typedef oikos_real real;

bool oikos_attacks(const oikos_config *c, oikos_learner_id learner) {
  double n = (double)c->learners.count;
  return c->attack.kind != OIKOS_ATTACK_NONE &&
         (double)learner >= n - floor(c->attack.share * n + 0.5);
}

/* x (n) = from + what is sent in place of x - from; from NULL is 0. */
static void replace(const oikos_config *c, oikos_random *r, size_t n, const real *from, real *x) {
  double scale = c->attack.kind == OIKOS_ATTACK_FLIPPED ? -c->attack.scale : c->attack.scale;
  for (size_t i = 0; i < n; i++) {
    double at = from ? (double)from[i] : 0;
    switch (c->attack.kind) {
    case OIKOS_ATTACK_NONE:
      break;
    case OIKOS_ATTACK_SCALED:
    case OIKOS_ATTACK_FLIPPED:
      x[i] = (real)(at + scale * ((double)x[i] - at));
      break;
    case OIKOS_ATTACK_RANDOM:
      x[i] = (real)(at + scale * oikos_random_normal(r));
      break;
    case OIKOS_ATTACK_NAN:
      x[i] = (real)NAN;
      break;
    case OIKOS_ATTACK_INFINITE:
      x[i] = (real)INFINITY;
      break;
    }
  }
}

void oikos_attack(const oikos_config *c, const oikos_weights *w, int64_t step,
                  oikos_learner_id learner, real *gradient, real *home_gradient, real *trained) {
  oikos_random r =
      oikos_random_at((uint64_t)c->seed, OIKOS_DRAW_ATTACK, (uint64_t)step, (uint64_t)learner);
  replace(c, &r, w->n, NULL, gradient);
  if (w->layout.modulates)
    replace(c, &r, w->k, NULL, home_gradient);
  else // a home's is a part of it
    memcpy(home_gradient, gradient + w->m - w->k, w->k * sizeof *gradient);
  if (trained)
    replace(c, &r, w->m, w->shared, trained);
}
