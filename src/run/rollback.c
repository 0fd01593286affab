/* SPDX-License-Identifier: MIT */
#include "run/rollback.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/rollback.h"
#include "run/trainer_impl.h"

oikos_status oikos_rollback_create(const oikos_config *config, const oikos_learners *own,
                                   oikos_rollback *r, oikos_error *err) {
  *r = (oikos_rollback){0};
  if (config->learners.patience == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&r->streak, (size_t)own->count, sizeof *r->streak, "the learners", err));
  return oikos_alloc(&r->next, (size_t)own->slots, sizeof *r->next, "the learners", err);
}

void oikos_rollback_destroy(oikos_rollback *r) {
  free(r->streak);
  free(r->next);
  *r = (oikos_rollback){0};
}

void oikos_rollback_note(oikos_trainer *t, int thread, int64_t at, bool left_out) {
  oikos_rollback *r = &t->rollback;
  int64_t i = t->learners.learner[at] - t->learners.first;
  if (!r->streak)
    return;
  r->next[at] = oikos_streak(r->streak[i], left_out);
  t->sums[thread].words[OIKOS_COUNT_LOST] += r->next[at] >= t->config.learners.patience;
}

oikos_status oikos_rollback_check(const oikos_trainer *t, oikos_error *err) {
  const oikos_rollback *r = &t->rollback;
  int64_t lost = INT64_MAX, lowest;
  if (t->sums[0].words[OIKOS_COUNT_LOST] == 0)
    return OIKOS_OK;
  for (int64_t at = t->learners.active - 1; at >= 0; at--)
    if (r->next[at] >= t->config.learners.patience)
      lost = t->learners.learner[at];
  MPI_Allreduce(&lost, &lowest, 1, MPI_INT64_T, MPI_MIN, t->team.world);
  return oikos_fail(err, OIKOS_ERROR,
                    "step %lld: learner %lld has diverged in %lld steps in a row, all that "
                    "learners.patience allows. "
                    "The last checkpoint is as it was; lower inner.rate, or raise "
                    "learners.rollback or learners.patience",
                    (long long)t->step, (long long)lowest, (long long)t->config.learners.patience);
}

void oikos_rollback_adopt(const oikos_learners *own, oikos_rollback *r) {
  for (int64_t at = 0; r->streak && at < own->active; at++)
    r->streak[own->learner[at] - own->first] = r->next[at];
}
