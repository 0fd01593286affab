/* SPDX-License-Identifier: MIT
 * Simulated attackers (learn/attack.h), as a part of a step: what one has trained becomes what it
 * sends. */
#include "learn/attack.h"

#include <string.h>

#include "base/memory.h"
#include "math/vector.h"
#include "run/part.h"
#include "run/trainer_impl.h"

/* Its state is (n_threads, M): an attacker's parameters. */
static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  return oikos_arena_alloc(&p->memory, &p->state, oikos_mul((size_t)t->n_threads, t->weights.m),
                           sizeof(oikos_real), err);
}

static void trained(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                    oikos_contribution *c) {
  const oikos_weights *w = &t->weights;
  oikos_learner_id learner = t->learners.learner[slot];
  oikos_real *gradient = t->workers[thread].gradient, *sent = NULL;
  if (!oikos_attacks(&t->config, learner))
    return;
  if (oikos_takes_trained(t)) {
    sent = (oikos_real *)p->state + (size_t)thread * w->m;
    memcpy(sent, c->trained, w->m * sizeof *sent);
    c->trained = sent;
  }
  oikos_attack(&t->config, w, t->step, learner, gradient, t->workers[thread].home_gradient, sent);
  c->loss[OIKOS_GRADIENT_NORM] = (oikos_real)oikos_norm(w->m, gradient);
}

const oikos_part oikos_part_attack = {.name = "attack", .create = create, .trained = trained};
