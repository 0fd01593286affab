/* SPDX-License-Identifier: MIT */
#include "learn/cohort.h"

#include "base/random.h"

int64_t oikos_cohort_size(const oikos_config *c) {
  return c->learners.per_step > 0 ? c->learners.per_step : c->learners.count;
}

/* Both factors are at most 2^31. */
int64_t oikos_cohort_first(const oikos_config *c, int64_t slot) {
  return slot * c->learners.count / oikos_cohort_size(c);
}

/* The stratum of a learner: the last one that begins at it or before. */
static int64_t stratum_of(const oikos_config *c, int64_t learner) {
  return ((learner + 1) * oikos_cohort_size(c) - 1) / c->learners.count;
}

void oikos_cohort_slots(const oikos_config *c, int64_t first, int64_t count, int64_t *first_slot,
                        int64_t *slots) {
  *first_slot = stratum_of(c, first);
  *slots = count > 0 ? stratum_of(c, first + count - 1) - *first_slot + 1 : 0;
}

int64_t oikos_cohort_learner(const oikos_config *c, int64_t step, int64_t slot) {
  int64_t first = oikos_cohort_first(c, slot), size = oikos_cohort_first(c, slot + 1) - first;
  if (size == 1)
    return first;
  oikos_random r =
      oikos_random_at((uint64_t)c->seed, OIKOS_DRAW_COHORT, (uint64_t)step, (uint64_t)slot);
  return first + (int64_t)oikos_random_below(&r, (uint64_t)size);
}
