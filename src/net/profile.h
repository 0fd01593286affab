/* SPDX-License-Identifier: MIT
 * Where the time of a step goes, for `oikos bench step`. Nothing is measured where there is no
 * profile. */
#ifndef OIKOS_NET_PROFILE_H
#define OIKOS_NET_PROFILE_H

#include "base/clock.h"
#include "oikos/config.h"

/** Phases of a step: those of a learner, then those of a rank. */
typedef enum oikos_phase {
  OIKOS_PHASE_DRAW,   /* the episode */
  OIKOS_PHASE_HOME,   /* score the homes, set the start */
  OIKOS_PHASE_INNER,  /* inner steps */
  OIKOS_PHASE_QUERY,  /* query loss and gradient */
  OIKOS_PHASE_BACK,   /* Hessian products, back through the inner steps */
  OIKOS_PHASE_ADD,    /* into the exact sums */
  OIKOS_PHASE_REDUCE, /* the threads' sums and the all-reduce, waiting included */
  OIKOS_PHASE_UPDATE, /* shared weights, homes, history */
  OIKOS_PHASES
} oikos_phase;

/** The functions of a layer. */
typedef enum oikos_function_kind {
  OIKOS_FORWARD,
  OIKOS_TANGENT,
  OIKOS_BACKWARD,
  OIKOS_TANGENT_BACKWARD,
  OIKOS_FUNCTIONS
} oikos_function_kind;

/** Seconds; one for each thread. */
typedef struct oikos_profile {
  double phase[OIKOS_PHASES];
  double layer[OIKOS_MAX_LAYERS][OIKOS_FUNCTIONS];
} oikos_profile;

static inline double oikos_profile_begin(const oikos_profile *profile) {
  return profile ? oikos_wall_clock() : 0;
}

/** Add the time since *begin to a phase, and begin anew. */
static inline void oikos_profile_phase(oikos_profile *profile, oikos_phase phase, double *begin) {
  if (!profile)
    return;
  double now = oikos_wall_clock();
  profile->phase[phase] += now - *begin;
  *begin = now;
}

#endif
