/* SPDX-License-Identifier: MIT */
#include "run/learners.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

typedef oikos_real real;

static oikos_status set_bounds(const oikos_config *config, const oikos_team *team,
                               const int64_t *bound, oikos_learners *own, oikos_error *err) {
  size_t n = (size_t)team->size + 1;
  int64_t count;
  OIKOS_TRY(oikos_arena_alloc(&own->memory, &own->bound, n, sizeof *bound, err));
  for (int r = 0; r < team->size; r++)
    oikos_share(config->learners.count, r, team->size, &own->bound[r], &count);
  own->bound[team->size] = config->learners.count;
  if (bound)
    memcpy(own->bound, bound, n * sizeof *bound);
  own->first = own->bound[team->rank];
  own->count = own->bound[team->rank + 1] - own->first;
  return OIKOS_OK;
}

static oikos_status make_room(oikos_learners *own, oikos_error *err) {
  for (oikos_kept *k = own->kept; k < own->kept + own->n_kept; k++) {
    if (k->size)
      OIKOS_TRY(oikos_arena_alloc(&own->memory, &k->now, (size_t)own->count, k->size, err));
    if (k->size && k->by_slot)
      OIKOS_TRY(oikos_arena_alloc(&own->memory, &k->next, (size_t)own->slots, k->size, err));
  }
  own->log_p = own->kept[OIKOS_KEPT_LOG_P].now;
  own->next_log_p = own->kept[OIKOS_KEPT_LOG_P].next;
  own->home = own->kept[OIKOS_KEPT_HOME].now;
  own->next_home = own->kept[OIKOS_KEPT_HOME].next;
  own->theta = own->kept[OIKOS_KEPT_THETA].now;
  own->visits = own->kept[OIKOS_KEPT_VISITS].now;
  return OIKOS_OK;
}

oikos_status oikos_learners_create(const oikos_config *config, const oikos_team *team,
                                   const int64_t *bound, size_t m, const oikos_kept *kept, int n,
                                   oikos_learners *own, oikos_error *err) {
  bool persist = config->learners.persist;
  *own = (oikos_learners){.homes = (size_t)config->home.count,
                          .m = m,
                          .n_kept = OIKOS_KEPT_BY_PARTS + n,
                          .memory.what =
                              persist ? "the learners and their parameters (learners.persist)"
                                      : "the learners"};
  const oikos_kept of_all[OIKOS_KEPT_BY_PARTS] = {
      [OIKOS_KEPT_LOG_P] = {.size = oikos_mul(own->homes, sizeof(double)), .by_slot = true},
      [OIKOS_KEPT_HOME] = {.size = sizeof(int32_t), .by_slot = true},
      [OIKOS_KEPT_THETA] = {.size = persist ? oikos_mul(m, sizeof(real)) : 0, .by_slot = true},
      [OIKOS_KEPT_VISITS] = {.size = persist ? sizeof(int64_t) : 0, .by_slot = true},
  };
  OIKOS_TRY(set_bounds(config, team, bound, own, err));
  oikos_cohort_slots(config, own->first, own->count, &own->first_stratum, &own->slots);
  OIKOS_TRY(oikos_arena_alloc(&own->memory, &own->learner, (size_t)own->slots, sizeof *own->learner,
                              err));
  OIKOS_TRY(oikos_arena_alloc(&own->memory, &own->kept, (size_t)own->n_kept, sizeof *kept, err));
  memcpy(own->kept, of_all, sizeof of_all);
  memcpy(own->kept + OIKOS_KEPT_BY_PARTS, kept, (size_t)n * sizeof *kept);
  OIKOS_TRY(make_room(own, err));
  for (size_t i = 0; i < (size_t)own->count * own->homes; i++)
    own->log_p[i] = -log((double)own->homes); // uniform
  return OIKOS_OK;
}

void oikos_learners_destroy(oikos_learners *own) {
  oikos_arena_free(&own->memory);
  *own = (oikos_learners){0};
}

void oikos_learners_pick(const oikos_config *config, int64_t step, oikos_learners *own) {
  own->first_slot = own->first_stratum;
  own->active = 0;
  for (int64_t s = own->first_stratum; s < own->first_stratum + own->slots; s++) {
    int64_t learner = oikos_cohort_learner(config, step, s);
    if (learner < own->first) // the stratum's is another rank's
      own->first_slot++;
    else if (learner < own->first + own->count)
      own->learner[own->active++] = learner;
  }
}

const real *oikos_learners_left_off(const oikos_learners *own, int64_t i) {
  return own->theta && own->visits[i] > 0 ? own->theta + (size_t)i * own->m : NULL;
}

/* The active learner number `at` as it came becomes how it leaves the step, or the other way. */
static void copy(const oikos_learners *own, const oikos_kept *k, int64_t at, bool adopt) {
  char *now = (char *)k->now + (size_t)oikos_learners_at(own, at) * k->size,
       *next = (char *)k->next + (size_t)at * k->size;
  memcpy(adopt ? now : next, adopt ? next : now, k->size);
}

void oikos_learners_leave(oikos_learners *own, int64_t at, const real *theta) {
  const oikos_kept *k = own->kept;
  if (!theta) {
    for (; k < own->kept + OIKOS_KEPT_BY_PARTS; k++)
      if (k->next)
        copy(own, k, at, false);
  } else if (own->theta) {
    ((int64_t *)k[OIKOS_KEPT_VISITS].next)[at] = own->visits[oikos_learners_at(own, at)] + 1;
    memcpy((real *)k[OIKOS_KEPT_THETA].next + (size_t)at * own->m, theta, own->m * sizeof *theta);
  }
}

void oikos_learners_adopt(oikos_learners *own) {
  for (const oikos_kept *k = own->kept; k < own->kept + own->n_kept; k++)
    for (int64_t at = 0; k->next && at < own->active; at++)
      copy(own, k, at, true);
}
