/* SPDX-License-Identifier: MIT
 * Deserted homes come back to life (learn/homes.h). The counts of the step decide, so all
 * ranks do the same. */
#include <string.h>

#include "learn/homes.h"
#include "run/trainer_impl.h"

/* The optimizer, and the mean of those who trained there, are as the parent's. */
static void inherit(oikos_weights *w, int32_t child, int32_t parent) {
  oikos_optimizer_copy(&w->home_optimizer, (size_t)parent, (size_t)child);
  if (w->peer_homes)
    memcpy(w->peer_homes + (size_t)child * w->k, w->peer_homes + (size_t)parent * w->k,
           w->k * sizeof *w->peer_homes);
}

void oikos_trainer_revive(oikos_trainer *t) {
  oikos_weights *w = &t->weights;
  int32_t parent, child;
  if (!w->deserted)
    return;
  child = oikos_homes_due(&t->config, t->sums[0].words + OIKOS_COUNT_MEMBERS, w->deserted, &parent);
  if (child < 0)
    return;
  oikos_homes_split(&t->config, &w->layout, t->step, child, parent, w->homes);
  inherit(w, child, parent);
  for (int64_t i = 0; i < t->learners.count; i++)
    oikos_home_inherit(w->n_homes, child, parent, t->learners.log_p + (size_t)(i * w->n_homes));
}
