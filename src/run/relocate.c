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
  int64_t *wanted; /* (count) who comes */
  oikos_exchange exchange;
} relocation;

static void destroy(relocation *p) {
  oikos_learners_destroy(&p->learners);
  free(p->wanted);
  oikos_exchange_destroy(&p->exchange);
}

static oikos_status create(oikos_trainer *t, const int64_t *bound, relocation *p,
                           oikos_error *err) {
  *p = (relocation){0};
  OIKOS_TRY(oikos_parts_learners(t, bound, &p->learners, err));
  OIKOS_PARTS(t, q, room)
    OIKOS_TRY(q->part->room(t, q, &p->learners, err));
  OIKOS_TRY(
      oikos_alloc(&p->wanted, (size_t)p->learners.count, sizeof *p->wanted, "the learners", err));
  return oikos_exchange_create(&t->team, &p->exchange, err);
}

/* Ask the old owners for the learners of the new block: blocks are in the order of ranks, so each
 * rank is asked for all that it has, in the order in which it has them. */
static oikos_status ask(const oikos_trainer *t, relocation *p, oikos_error *err) {
  const int64_t *old = t->learners.bound;
  int64_t first = p->learners.first, end = first + p->learners.count;
  for (oikos_local_id local = 0; local < p->learners.count; local++)
    p->wanted[local] = first + local;
  for (int r = 0; r < t->team.size; r++)
    p->exchange.ask_count[r] = (int)oikos_learners_common(old[r], old[r + 1], first, end);
  return oikos_exchange_ask(&p->exchange, p->wanted, err);
}

/* All that learners keep comes along; what the trainer had is left to be destroyed. */
static void move_in(oikos_trainer *t, relocation *p) {
  oikos_learners gone = t->learners;
  for (int k = 0; k < gone.n_kept; k++)
    if (gone.kept[k].size)
      oikos_exchange_give(&p->exchange, gone.kept[k].size, gone.kept[k].now,
                          p->learners.kept[k].now);
  t->learners = p->learners;
  p->learners = gone;
  oikos_parts_follow(t);
  t->unit = oikos_unit_size(t->learners.slots, t->n_threads);
}

oikos_status oikos_relocate(oikos_trainer *t, const int64_t *bound, oikos_error *err) {
  relocation p;
  oikos_status status = oikos_agree(&t->team, create(t, bound, &p, err), err);
  if (status == OIKOS_OK)
    status = ask(t, &p, err);
  if (status == OIKOS_OK)
    move_in(t, &p);
  OIKOS_PARTS(t, q, relocated)
    q->part->relocated(q, status == OIKOS_OK);
  destroy(&p);
  return status;
}
