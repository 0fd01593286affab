/* SPDX-License-Identifier: MIT
 * The learners that a rank owns, and what becomes of those that are active in a step. What a step
 * leaves stands apart, by slot, until the step is over and committed: it may have to be made again.
 */
#ifndef OIKOS_RUN_LEARNERS_H
#define OIKOS_RUN_LEARNERS_H

#include "base/memory.h"
#include "dist/team.h"
#include "learn/cohort.h"
#include "oikos/real.h"

/** Numbers that every learner keeps, and that go with it to another rank. */
typedef struct oikos_kept {
  size_t size;  /* bytes; 0: none */
  bool by_slot; /* a step makes new ones */
  void *now;    /* (count) */
  void *next;   /* (slots) of the step at hand, until it is adopted; NULL if not by_slot */
} oikos_kept;

/* What all learners keep; then what parts of a step do. */
enum {
  OIKOS_KEPT_LOG_P,
  OIKOS_KEPT_HOME,
  OIKOS_KEPT_THETA,
  OIKOS_KEPT_VISITS,
  OIKOS_KEPT_BY_PARTS
};

typedef struct oikos_learners {
  int64_t *bound;       /* (P + 1) rank r has learners bound[r] .. bound[r + 1] - 1 */
  int64_t first, count; /* learners first .. first + count - 1 are this rank's */
  size_t homes, m;      /* T, M */
  oikos_kept *kept;     /* (n_kept) all of what follows by learner, and of parts */
  int n_kept;
  double *log_p;     /* (count, T) */
  int32_t *home;     /* (count) */
  oikos_real *theta; /* (count, M) where persistent learners left off; NULL: there are none */
  int64_t *visits;   /* (count) steps that a persistent learner took part in; or NULL */

  oikos_stratum_id first_stratum; /* of the strata that may have a learner of this rank's */
  int64_t slots;                  /* as many as these strata, so that those of any step fit */
  oikos_stratum_id first_active;  /* slot s of the step at hand is stratum first_active + s */
  int64_t active;                 /* slots in use: 0 .. active - 1 */
  oikos_learner_id *learner;      /* (slots) who is in them */
  double *next_log_p;             /* (slots, T) */
  int32_t *next_home;             /* (slots) */
  oikos_arena memory;
} oikos_learners;

/** This rank's learners, as step 0 leaves them. Not collective.
 * @param bound  (P + 1) as in the struct; NULL: everybody has as many
 * @param kept   (n) by parts: sizes */
oikos_status oikos_learners_create(const oikos_config *config, const oikos_team *team,
                                   const int64_t *bound, size_t m, const oikos_kept *kept, int n,
                                   oikos_learners *learners, oikos_error *err);
void oikos_learners_destroy(oikos_learners *learners);

/** Find who is active in a step. */
void oikos_learners_pick(const oikos_config *config, int64_t step, oikos_learners *learners);

/** Which of this rank's learners is in a slot. */
static inline oikos_local_id oikos_learners_local(const oikos_learners *learners,
                                                  oikos_slot_id slot) {
  return learners->learner[slot] - learners->first;
}

/** How many learners two blocks have in common: first .. end - 1 of each. */
static inline int64_t oikos_learners_common(int64_t first, int64_t end, int64_t other_first,
                                            int64_t other_end) {
  int64_t from = first > other_first ? first : other_first, to = end < other_end ? end : other_end;
  return to > from ? to - from : 0;
}

/** Where a learner of this rank left off, (M); NULL: it starts at its home. */
const oikos_real *oikos_learners_left_off(const oikos_learners *learners, oikos_local_id local);

/** The learner in a slot leaves the step with these parameters (M), or, NULL, as it came. */
void oikos_learners_store(oikos_learners *learners, oikos_slot_id slot, const oikos_real *theta);

/** The step is over: all active learners are as it left them. */
void oikos_learners_commit(oikos_learners *learners);

#endif
