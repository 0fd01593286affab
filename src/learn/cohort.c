/* SPDX-License-Identifier: MIT */
#include "learn/cohort.h"

#include "base/random.h"

int64_t oikos_cohort_size(const oikos_config *c) {
  return c->learners.per_step > 0 ? c->learners.per_step : c->learners.count;
}

/* Both factors are at most 2^31. */
oikos_learner_id oikos_cohort_first(const oikos_config *c, oikos_stratum_id stratum) {
  return stratum * c->learners.count / oikos_cohort_size(c);
}

/* The stratum of a learner: the last one that begins at it or before. */
static oikos_stratum_id stratum_of(const oikos_config *c, oikos_learner_id learner) {
  return ((learner + 1) * oikos_cohort_size(c) - 1) / c->learners.count;
}

void oikos_cohort_strata(const oikos_config *c, oikos_learner_id first, int64_t count,
                         oikos_stratum_id *first_stratum, int64_t *strata) {
  *first_stratum = stratum_of(c, first);
  *strata = count > 0 ? stratum_of(c, first + count - 1) - *first_stratum + 1 : 0;
}

oikos_learner_id oikos_cohort_learner(const oikos_config *c, int64_t step,
                                      oikos_stratum_id stratum) {
  oikos_learner_id first = oikos_cohort_first(c, stratum);
  int64_t size = oikos_cohort_first(c, stratum + 1) - first;
  if (size == 1)
    return first;
  oikos_random r =
      oikos_random_at((uint64_t)c->seed, OIKOS_DRAW_COHORT, (uint64_t)step, (uint64_t)stratum);
  return first + (int64_t)oikos_random_below(&r, (uint64_t)size);
}
