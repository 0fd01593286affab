/* SPDX-License-Identifier: MIT
 * Deserted homes come back to life (learn/homes.h): at the end of a step one that has been deserted
 * for too long is split off another. The counts of the step decide, so all ranks do the same. */
#include <string.h>

#include "base/memory.h"
#include "learn/homes.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

/* Its state is (T): steps that each home has been deserted. */
static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  return oikos_arena_alloc(&p->memory, &p->state, (size_t)t->weights.n_homes, sizeof(int64_t), err);
}

/* The optimizer, and the mean of those who trained there, are as the parent's. */
static void inherit(oikos_weights *w, int32_t child, int32_t parent) {
  oikos_optimizer_copy(&w->home_optimizer, (size_t)parent, (size_t)child);
  if (w->peer_homes)
    memcpy(w->peer_homes + (size_t)child * w->k, w->peer_homes + (size_t)parent * w->k,
           w->k * sizeof *w->peer_homes);
}

static void committed(oikos_trainer *t, const oikos_part_state *p) {
  oikos_weights *w = &t->weights;
  int32_t parent, child;
  child = oikos_homes_due(&t->config, t->sums[0].words + OIKOS_COUNT_MEMBERS, p->state, &parent);
  if (child < 0)
    return;
  oikos_homes_split(&t->config, &w->layout, t->step, child, parent, w->homes);
  inherit(w, child, parent);
  for (oikos_local_id local = 0; local < t->learners.count; local++)
    oikos_home_inherit(w->n_homes, child, parent, t->learners.log_p + (size_t)(local * w->n_homes));
}

static void weight_fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  if (t->weights.k > 0)
    oikos_fields_add(f, OIKOS_FIELD_INT64, p->state, t->weights.n_homes, 0,
                     "steps that each home has been deserted", "revive", "deserted");
}

const oikos_part oikos_part_revive = {
    .name = "revive", .create = create, .committed = committed, .weight_fields = weight_fields};
