/* SPDX-License-Identifier: MIT
 * Patience with learners that diverge (learn/rollback.h): for how many steps in a row each was left
 * out. */
#include "learn/rollback.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

static bool taken(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                  const oikos_contribution *c, bool was_taken) {
  const int64_t *streak = p->by_learner;
  int64_t *next = p->by_slot;
  (void)c;
  next[slot] = oikos_streak(streak[oikos_learners_local(&t->learners, slot)], !was_taken);
  t->sums[thread].words[OIKOS_COUNT_LOST] += next[slot] >= t->config.learners.patience;
  return true;
}

/* The same error on all ranks if somebody's patience with a learner is at its end. */
static oikos_status reduced(oikos_trainer *t, const oikos_part_state *p, bool repeat,
                            oikos_error *err) {
  const int64_t *next = p->by_slot;
  int64_t lost = INT64_MAX;
  (void)repeat;
  if (t->sums[0].words[OIKOS_COUNT_LOST] == 0)
    return OIKOS_OK;
  for (oikos_slot_id slot = t->learners.active - 1; slot >= 0; slot--)
    if (next[slot] >= t->config.learners.patience)
      lost = t->learners.learner[slot];
  oikos_min_int64(&t->team, 1, &lost);
  return oikos_fail(err, OIKOS_ERROR,
                    "step %lld: learner %lld has diverged in %lld steps in a row, all that "
                    "learners.patience allows. "
                    "The last checkpoint is as it was; lower inner.rate, or raise "
                    "learners.rollback or learners.patience",
                    (long long)t->step, (long long)lost, (long long)t->config.learners.patience);
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  oikos_fields_by_learner(f, t, OIKOS_FIELD_INT64, p->by_learner, 0,
                          "steps in a row that each learner was left out of", "left_out");
}

const oikos_part oikos_part_rollback = {.by_learner = sizeof(int64_t),
                                        .by_slot = true,
                                        .name = "rollback",
                                        .taken = taken,
                                        .reduced = reduced,

                                        .fields = fields};
