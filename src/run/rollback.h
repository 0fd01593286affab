/* SPDX-License-Identifier: MIT
 * Patience with learners that diverge, as a part of the trainer. */
#ifndef OIKOS_RUN_ROLLBACK_H
#define OIKOS_RUN_ROLLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "run/learners.h"

typedef struct oikos_trainer oikos_trainer;

/** Steps in a row that this rank's learners were left out; NULL without learners.patience. */
typedef struct oikos_rollback {
  int64_t *streak; /* (count) */
  int64_t *next;   /* (slots) as the step at hand leaves the active ones */
} oikos_rollback;

oikos_status oikos_rollback_create(const oikos_config *config, const oikos_learners *own,
                                   oikos_rollback *rollback, oikos_error *err);
void oikos_rollback_destroy(oikos_rollback *rollback);

/** The active learner number `at` of this rank was left out of the step at hand, or not; counted in
 * a thread's sum. */
void oikos_rollback_note(oikos_trainer *t, int thread, int64_t at, bool left_out);

/** After the all-reduce: OIKOS_ERROR on all ranks, naming the learner, if somebody's patience with
 * one is at its end. Collective. */
oikos_status oikos_rollback_check(const oikos_trainer *t, oikos_error *err);

/** The step is made. */
void oikos_rollback_adopt(const oikos_learners *own, oikos_rollback *rollback);

#endif
