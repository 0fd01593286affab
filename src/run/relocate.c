/* SPDX-License-Identifier: MIT
 * Learners go to other owners, with all that they keep. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "dist/exchange.h"
#include "run/balance.h"
#include "run/part.h"
#include "run/trainer_impl.h"

/* What takes the place of the trainer's. */
typedef struct relocation {
  oikos_learners learners;
  oikos_part_state *parts; /* (n_parts) */
  int n_parts;
  int64_t *wanted; /* (count) who comes */
  oikos_exchange exchange;
} relocation;

static void destroy(relocation *p) {
  oikos_learners_destroy(&p->learners);
  for (int k = 0; k < p->n_parts; k++) {
    free(p->parts[k].by_learner);
    free(p->parts[k].by_slot);
  }
  free(p->parts);
  free(p->wanted);
  oikos_exchange_destroy(&p->exchange);
}

static oikos_status create(oikos_trainer *t, const int64_t *bound, relocation *p,
                           oikos_error *err) {
  const oikos_config *c = &t->config;
  const oikos_learners *learners = &p->learners;
  *p = (relocation){0};
  OIKOS_TRY(oikos_learners_create(c, &t->team, bound, t->weights.m, &p->learners, err));
  OIKOS_TRY(oikos_alloc(&p->parts, (size_t)t->n_parts, sizeof *p->parts, "the learners", err));
  while (p->n_parts < t->n_parts) {
    int k = p->n_parts++;
    OIKOS_TRY(oikos_part_room(t->parts[k].part, learners, &p->parts[k], err));
  }
  OIKOS_PARTS(t, q, room)
    OIKOS_TRY(q->part->room(t, q, learners, err));
  OIKOS_TRY(
      oikos_alloc(&p->wanted, (size_t)learners->count, sizeof *p->wanted, "the learners", err));
  return oikos_exchange_create(&t->team, &p->exchange, err);
}

/* Ask the old owners for the learners of the new block: blocks are in the order of ranks, so each
 * rank is asked for all that it has, in the order in which it has them. */
static oikos_status ask(const oikos_trainer *t, relocation *p, oikos_error *err) {
  const int64_t *old = t->learners.bound;
  int64_t first = p->learners.first, end = first + p->learners.count;
  for (oikos_local_id local = 0; local < p->learners.count; local++)
    p->wanted[local] = first + local;
  for (int r = 0; r < t->team.size; r++) {
    int64_t from = old[r] > first ? old[r] : first, to = old[r + 1] < end ? old[r + 1] : end;
    p->exchange.ask_count[r] = to > from ? (int)(to - from) : 0;
  }
  return oikos_exchange_ask(&p->exchange, p->wanted, err);
}

static void bring(relocation *p, size_t size, const void *from, void *to) {
  if (to)
    oikos_exchange_give(&p->exchange, size, from, to);
}

/* All that stands by learner. */
static void bring_all(const oikos_trainer *t, relocation *p) {
  const oikos_learners *from = &t->learners, *to = &p->learners;
  bring(p, from->homes * sizeof *to->log_p, from->log_p, to->log_p);
  bring(p, sizeof *to->home, from->home, to->home);
  bring(p, from->m * sizeof *to->theta, from->theta, to->theta);
  bring(p, sizeof *to->visits, from->visits, to->visits);
  for (int k = 0; k < t->n_parts; k++)
    if (t->parts[k].part->by_learner)
      bring(p, t->parts[k].part->by_learner, t->parts[k].by_learner, p->parts[k].by_learner);
}

/* The trainer has what was brought; what it had is left to be destroyed. */
static void move_in(oikos_trainer *t, relocation *p) {
  relocation gone = *p;
  gone.learners = t->learners;
  t->learners = p->learners;
  for (int k = 0; k < t->n_parts; k++) {
    oikos_part_state had = t->parts[k];
    t->parts[k].by_learner = p->parts[k].by_learner;
    t->parts[k].by_slot = p->parts[k].by_slot;
    p->parts[k].by_learner = had.by_learner;
    p->parts[k].by_slot = had.by_slot;
  }
  t->unit = oikos_unit_size(t->learners.slots, t->n_threads);
  *p = gone;
}

oikos_status oikos_relocate(oikos_trainer *t, const int64_t *bound, oikos_error *err) {
  relocation p;
  oikos_status status = oikos_agree(&t->team, create(t, bound, &p, err), err);
  if (status == OIKOS_OK)
    status = ask(t, &p, err);
  if (status == OIKOS_OK) {
    bring_all(t, &p);
    move_in(t, &p);
  }
  OIKOS_PARTS(t, q, settle)
    q->part->settle(q, status == OIKOS_OK);
  destroy(&p);
  return status;
}
