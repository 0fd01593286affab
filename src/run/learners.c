/* SPDX-License-Identifier: MIT */
#include "run/learners.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

typedef oikos_real real;

static oikos_status create_homes(oikos_learners *own, oikos_error *err) {
  size_t n = (size_t)own->count, slots = (size_t)own->slots;
  OIKOS_TRY(
      oikos_alloc(&own->log_p, oikos_mul(n, own->homes), sizeof *own->log_p, "the learners", err));
  OIKOS_TRY(oikos_alloc(&own->next_log_p, oikos_mul(slots, own->homes), sizeof *own->next_log_p,
                        "the learners", err));
  OIKOS_TRY(oikos_alloc(&own->home, n, sizeof *own->home, "the learners", err));
  OIKOS_TRY(oikos_alloc(&own->next_home, slots, sizeof *own->next_home, "the learners", err));
  for (size_t i = 0; i < n * own->homes; i++)
    own->log_p[i] = -log((double)own->homes); // uniform
  return OIKOS_OK;
}

static oikos_status create_thetas(oikos_learners *own, oikos_error *err) {
  static const char what[] = "the learners' parameters (learners.persist)";
  size_t n = (size_t)own->count, slots = (size_t)own->slots;
  OIKOS_TRY(oikos_alloc(&own->theta, oikos_mul(n, own->m), sizeof(real), what, err));
  OIKOS_TRY(oikos_alloc(&own->next_theta, oikos_mul(slots, own->m), sizeof(real), what, err));
  OIKOS_TRY(oikos_alloc(&own->visits, n, sizeof *own->visits, what, err));
  return oikos_alloc(&own->next_visits, slots, sizeof *own->next_visits, what, err);
}

static oikos_status set_bounds(const oikos_config *config, const oikos_team *team,
                               const int64_t *bound, oikos_learners *own, oikos_error *err) {
  size_t n = (size_t)team->size + 1;
  int64_t count;
  OIKOS_TRY(oikos_alloc(&own->bound, n, sizeof *bound, "the learners", err));
  for (int r = 0; r < team->size; r++)
    oikos_share(config->learners.count, r, team->size, &own->bound[r], &count);
  own->bound[team->size] = config->learners.count;
  if (bound)
    memcpy(own->bound, bound, n * sizeof *bound);
  own->first = own->bound[team->rank];
  own->count = own->bound[team->rank + 1] - own->first;
  return OIKOS_OK;
}

oikos_status oikos_learners_create(const oikos_config *config, const oikos_team *team,
                                   const int64_t *bound, size_t m, oikos_learners *own,
                                   oikos_error *err) {
  *own = (oikos_learners){.homes = (size_t)config->home.count, .m = m};
  OIKOS_TRY(set_bounds(config, team, bound, own, err));
  oikos_cohort_slots(config, own->first, own->count, &own->first_stratum, &own->slots);
  OIKOS_TRY(
      oikos_alloc(&own->learner, (size_t)own->slots, sizeof *own->learner, "the learners", err));
  OIKOS_TRY(create_homes(own, err));
  return config->learners.persist ? create_thetas(own, err) : OIKOS_OK;
}

void oikos_learners_destroy(oikos_learners *own) {
  free(own->bound);
  free(own->log_p);
  free(own->home);
  free(own->theta);
  free(own->visits);
  free(own->learner);
  free(own->next_log_p);
  free(own->next_home);
  free(own->next_theta);
  free(own->next_visits);
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

void oikos_learners_leave(oikos_learners *own, int64_t at, const real *theta) {
  int64_t i = oikos_learners_at(own, at);
  if (!theta) {
    own->next_home[at] = own->home[i];
    memcpy(own->next_log_p + (size_t)at * own->homes, own->log_p + (size_t)i * own->homes,
           own->homes * sizeof *own->log_p);
  }
  if (!own->theta)
    return;
  own->next_visits[at] = own->visits[i] + (theta != NULL);
  memcpy(own->next_theta + (size_t)at * own->m, theta ? theta : own->theta + (size_t)i * own->m,
         own->m * sizeof *theta);
}

void oikos_learners_adopt(oikos_learners *own) {
  for (int64_t at = 0; at < own->active; at++) {
    int64_t i = oikos_learners_at(own, at);
    own->home[i] = own->next_home[at];
    memcpy(own->log_p + (size_t)i * own->homes, own->next_log_p + (size_t)at * own->homes,
           own->homes * sizeof *own->log_p);
    if (!own->theta)
      continue;
    own->visits[i] = own->next_visits[at];
    memcpy(own->theta + (size_t)i * own->m, own->next_theta + (size_t)at * own->m,
           own->m * sizeof *own->theta);
  }
}
