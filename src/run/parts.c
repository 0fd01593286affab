/* SPDX-License-Identifier: MIT */
#include "run/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "run/trainer_impl.h"

/* In the order in which they are called, and stand in a checkpoint. */
static const oikos_part *const list[] = {
    &oikos_part_revive,    // a deserted home is split off another
    &oikos_part_teacher,   // learners imitate a model, or each other
    &oikos_part_rows,      // rows of an embedding table are fetched, and updated
    &oikos_part_census,    // who of which hidden group lives where
    &oikos_part_attack,    // simulated attackers send something else
    &oikos_part_rule,      // learners can be left out, or count by another rule than the mean
    &oikos_part_privacy,   // noise, its key, and what of the privacy is spent
    &oikos_part_rollback,  // patience with learners that diverge
    &oikos_part_own_rates, // each learner has an inner rate of its own
    &oikos_part_priority,  // what a learner counts follows the rank of its home
    &oikos_part_balance,   // learners go to the ranks that have less to do
};

oikos_status oikos_part_room(const oikos_part *part, const oikos_learners *learners,
                             oikos_part_state *room, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&room->by_learner, (size_t)learners->count, part->by_learner,
                        "the learners", err));
  return oikos_alloc(&room->by_slot, (size_t)learners->slots, part->by_slot, "the learners", err);
}

oikos_status oikos_parts_choose(oikos_trainer *t, oikos_error *err) {
  const size_t all = sizeof list / sizeof *list;
  size_t column = OIKOS_ROW_MEMBERS + 2 * (size_t)t->config.home.count;
  OIKOS_TRY(oikos_alloc(&t->parts, all, sizeof *t->parts, "the parts of a step", err));
  for (size_t k = 0; k < all; k++) {
    if (!list[k]->wanted(t))
      continue;
    oikos_part_state *p = &t->parts[t->n_parts++];
    *p = (oikos_part_state){.part = list[k], .column = column};
    column += list[k]->columns;
    if (list[k]->size)
      OIKOS_TRY(oikos_alloc(&p->own, 1, list[k]->size, "the parts of a step", err));
    if (list[k]->take)
      t->taker = p;
    OIKOS_TRY(oikos_part_room(list[k], &t->learners, p, err));
  }
  return OIKOS_OK;
}

void oikos_parts_destroy(oikos_trainer *t) {
  for (int k = 0; k < t->n_parts; k++) {
    oikos_part_state *p = &t->parts[k];
    if (p->part->destroy && p->own)
      p->part->destroy(p->own);
    free(p->own);
    free(p->by_learner);
    free(p->by_slot);
  }
  free(t->parts);
}

oikos_part_state *oikos_part_of(const oikos_trainer *t, const oikos_part *part) {
  for (int k = 0; k < t->n_parts; k++)
    if (t->parts[k].part == part)
      return &t->parts[k];
  return NULL;
}

void oikos_part_keep(oikos_trainer *t, oikos_part_state *p) {
  const oikos_learners *learners = &t->learners;
  size_t size = p->part->by_slot;
  for (oikos_slot_id slot = 0; slot < learners->active; slot++)
    memcpy((char *)p->by_learner + (size_t)oikos_learners_local(learners, slot) * size,
           (char *)p->by_slot + (size_t)slot * size, size);
}
