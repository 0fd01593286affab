/* SPDX-License-Identifier: MIT */
#include "run/learners.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

typedef oikos_real real;

static oikos_status set_bounds(const oikos_config *config, const oikos_team *team,
                               const int64_t *bound, oikos_learners *learners, oikos_error *err) {
  size_t n = (size_t)team->size + 1;
  int64_t count;
  OIKOS_TRY(oikos_arena_alloc(&learners->memory, &learners->bound, n, sizeof *bound, err));
  for (int r = 0; r < team->size; r++)
    oikos_share(config->learners.count, r, team->size, &learners->bound[r], &count);
  learners->bound[team->size] = config->learners.count;
  if (bound)
    memcpy(learners->bound, bound, n * sizeof *bound);
  learners->first = learners->bound[team->rank];
  learners->count = learners->bound[team->rank + 1] - learners->first;
  return OIKOS_OK;
}

static oikos_status make_room(oikos_learners *learners, oikos_error *err) {
  for (oikos_kept *k = learners->kept; k < learners->kept + learners->n_kept; k++) {
    if (k->size)
      OIKOS_TRY(
          oikos_arena_alloc(&learners->memory, &k->now, (size_t)learners->count, k->size, err));
    if (k->size && k->by_slot)
      OIKOS_TRY(
          oikos_arena_alloc(&learners->memory, &k->next, (size_t)learners->slots, k->size, err));
  }
  learners->log_p = learners->kept[OIKOS_KEPT_LOG_P].now;
  learners->next_log_p = learners->kept[OIKOS_KEPT_LOG_P].next;
  learners->home = learners->kept[OIKOS_KEPT_HOME].now;
  learners->next_home = learners->kept[OIKOS_KEPT_HOME].next;
  learners->theta = learners->kept[OIKOS_KEPT_THETA].now;
  learners->visits = learners->kept[OIKOS_KEPT_VISITS].now;
  return OIKOS_OK;
}

oikos_status oikos_learners_create(const oikos_config *config, const oikos_team *team,
                                   const int64_t *bound, size_t m, const oikos_kept *kept, int n,
                                   oikos_learners *learners, oikos_error *err) {
  bool persist = config->learners.persist;
  *learners = (oikos_learners){.homes = (size_t)config->home.count,
                               .m = m,
                               .n_kept = OIKOS_KEPT_BY_PARTS + n,
                               .memory.what =
                                   persist ? "the learners and their parameters (learners.persist)"
                                           : "the learners"};
  const oikos_kept of_all[OIKOS_KEPT_BY_PARTS] = {
      [OIKOS_KEPT_LOG_P] = {.size = oikos_mul(learners->homes, sizeof(double)), .by_slot = true},
      [OIKOS_KEPT_HOME] = {.size = sizeof(int32_t), .by_slot = true},
      [OIKOS_KEPT_THETA] = {.size = persist ? oikos_mul(m, sizeof(real)) : 0, .by_slot = true},
      [OIKOS_KEPT_VISITS] = {.size = persist ? sizeof(int64_t) : 0, .by_slot = true},
  };
  OIKOS_TRY(set_bounds(config, team, bound, learners, err));
  oikos_cohort_strata(config, learners->first, learners->count, &learners->first_stratum,
                      &learners->slots);
  OIKOS_TRY(oikos_arena_alloc(&learners->memory, &learners->learner, (size_t)learners->slots,
                              sizeof *learners->learner, err));
  OIKOS_TRY(oikos_arena_alloc(&learners->memory, &learners->kept, (size_t)learners->n_kept,
                              sizeof *kept, err));
  memcpy(learners->kept, of_all, sizeof of_all);
  memcpy(learners->kept + OIKOS_KEPT_BY_PARTS, kept, (size_t)n * sizeof *kept);
  OIKOS_TRY(make_room(learners, err));
  for (size_t i = 0; i < (size_t)learners->count * learners->homes; i++)
    learners->log_p[i] = -log((double)learners->homes); // uniform
  return OIKOS_OK;
}

void oikos_learners_destroy(oikos_learners *learners) {
  oikos_arena_free(&learners->memory);
  *learners = (oikos_learners){0};
}

void oikos_learners_pick(const oikos_config *config, int64_t step, oikos_learners *learners) {
  learners->first_active = learners->first_stratum;
  learners->active = 0;
  for (oikos_stratum_id stratum = learners->first_stratum;
       stratum < learners->first_stratum + learners->slots; stratum++) {
    oikos_learner_id learner = oikos_cohort_learner(config, step, stratum);
    if (learner < learners->first) // the stratum's is another rank's
      learners->first_active++;
    else if (learner < learners->first + learners->count)
      learners->learner[learners->active++] = learner;
  }
}

const real *oikos_learners_left_off(const oikos_learners *learners, oikos_local_id local) {
  return learners->theta && learners->visits[local] > 0
             ? learners->theta + (size_t)local * learners->m
             : NULL;
}

/* The active learner number `at` as it came becomes how it leaves the step, or the other way. */
static void copy(const oikos_learners *learners, const oikos_kept *k, oikos_slot_id slot,
                 bool commit) {
  char *now = (char *)k->now + (size_t)oikos_learners_local(learners, slot) * k->size,
       *next = (char *)k->next + (size_t)slot * k->size;
  memcpy(commit ? now : next, commit ? next : now, k->size);
}

void oikos_learners_store(oikos_learners *learners, oikos_slot_id slot, const real *theta) {
  const oikos_kept *k = learners->kept;
  if (!theta) {
    for (; k < learners->kept + OIKOS_KEPT_BY_PARTS; k++)
      if (k->next)
        copy(learners, k, slot, false);
  } else if (learners->theta) {
    ((int64_t *)k[OIKOS_KEPT_VISITS].next)[slot] =
        learners->visits[oikos_learners_local(learners, slot)] + 1;
    memcpy((real *)k[OIKOS_KEPT_THETA].next + (size_t)slot * learners->m, theta,
           learners->m * sizeof *theta);
  }
}

void oikos_learners_commit(oikos_learners *learners) {
  for (const oikos_kept *k = learners->kept; k < learners->kept + learners->n_kept; k++)
    for (oikos_slot_id slot = 0; k->next && slot < learners->active; slot++)
      copy(learners, k, slot, true);
}
