/* SPDX-License-Identifier: MIT */
#include "run/learners.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

typedef oikos_real real;

static oikos_status create_homes(oikos_learners *learners, oikos_error *err) {
  size_t n = (size_t)learners->count, slots = (size_t)learners->slots;
  OIKOS_TRY(oikos_alloc(&learners->log_p, oikos_mul(n, learners->homes), sizeof *learners->log_p,
                        "the learners", err));
  OIKOS_TRY(oikos_alloc(&learners->next_log_p, oikos_mul(slots, learners->homes),
                        sizeof *learners->next_log_p, "the learners", err));
  OIKOS_TRY(oikos_alloc(&learners->home, n, sizeof *learners->home, "the learners", err));
  OIKOS_TRY(
      oikos_alloc(&learners->next_home, slots, sizeof *learners->next_home, "the learners", err));
  for (size_t i = 0; i < n * learners->homes; i++)
    learners->log_p[i] = -log((double)learners->homes); // uniform
  return OIKOS_OK;
}

static oikos_status create_thetas(oikos_learners *learners, oikos_error *err) {
  static const char what[] = "the learners' parameters (learners.persist)";
  size_t n = (size_t)learners->count, slots = (size_t)learners->slots;
  OIKOS_TRY(oikos_alloc(&learners->theta, oikos_mul(n, learners->m), sizeof(real), what, err));
  OIKOS_TRY(
      oikos_alloc(&learners->next_theta, oikos_mul(slots, learners->m), sizeof(real), what, err));
  OIKOS_TRY(oikos_alloc(&learners->visits, n, sizeof *learners->visits, what, err));
  return oikos_alloc(&learners->next_visits, slots, sizeof *learners->next_visits, what, err);
}

static oikos_status set_bounds(const oikos_config *config, const oikos_team *team,
                               const int64_t *bound, oikos_learners *learners, oikos_error *err) {
  size_t n = (size_t)team->size + 1;
  int64_t count;
  OIKOS_TRY(oikos_alloc(&learners->bound, n, sizeof *bound, "the learners", err));
  for (int r = 0; r < team->size; r++)
    oikos_share(config->learners.count, r, team->size, &learners->bound[r], &count);
  learners->bound[team->size] = config->learners.count;
  if (bound)
    memcpy(learners->bound, bound, n * sizeof *bound);
  learners->first = learners->bound[team->rank];
  learners->count = learners->bound[team->rank + 1] - learners->first;
  return OIKOS_OK;
}

oikos_status oikos_learners_create(const oikos_config *config, const oikos_team *team,
                                   const int64_t *bound, size_t m, oikos_learners *learners,
                                   oikos_error *err) {
  *learners = (oikos_learners){.homes = (size_t)config->home.count, .m = m};
  OIKOS_TRY(set_bounds(config, team, bound, learners, err));
  oikos_cohort_strata(config, learners->first, learners->count, &learners->first_stratum,
                      &learners->slots);
  OIKOS_TRY(oikos_alloc(&learners->learner, (size_t)learners->slots, sizeof *learners->learner,
                        "the learners", err));
  OIKOS_TRY(create_homes(learners, err));
  return config->learners.persist ? create_thetas(learners, err) : OIKOS_OK;
}

void oikos_learners_destroy(oikos_learners *learners) {
  free(learners->bound);
  free(learners->log_p);
  free(learners->home);
  free(learners->theta);
  free(learners->visits);
  free(learners->learner);
  free(learners->next_log_p);
  free(learners->next_home);
  free(learners->next_theta);
  free(learners->next_visits);
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

void oikos_learners_leave(oikos_learners *learners, oikos_slot_id slot, const real *theta) {
  oikos_local_id local = oikos_learners_local(learners, slot);
  if (!theta) {
    learners->next_home[slot] = learners->home[local];
    memcpy(learners->next_log_p + (size_t)slot * learners->homes,
           learners->log_p + (size_t)local * learners->homes,
           learners->homes * sizeof *learners->log_p);
  }
  if (!learners->theta)
    return;
  learners->next_visits[slot] = learners->visits[local] + (theta != NULL);
  memcpy(learners->next_theta + (size_t)slot * learners->m,
         theta ? theta : learners->theta + (size_t)local * learners->m,
         learners->m * sizeof *theta);
}

void oikos_learners_adopt(oikos_learners *learners) {
  for (oikos_slot_id slot = 0; slot < learners->active; slot++) {
    oikos_local_id local = oikos_learners_local(learners, slot);
    learners->home[local] = learners->next_home[slot];
    memcpy(learners->log_p + (size_t)local * learners->homes,
           learners->next_log_p + (size_t)slot * learners->homes,
           learners->homes * sizeof *learners->log_p);
    if (!learners->theta)
      continue;
    learners->visits[local] = learners->next_visits[slot];
    memcpy(learners->theta + (size_t)local * learners->m,
           learners->next_theta + (size_t)slot * learners->m,
           learners->m * sizeof *learners->theta);
  }
}
