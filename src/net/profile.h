/* SPDX-License-Identifier: MIT
 * Where the time of a step goes, for `oikos bench step`. Nothing is measured where there is no
 * profile. */
#ifndef OIKOS_NET_PROFILE_H
#define OIKOS_NET_PROFILE_H

#include "base/clock.h"
#include "oikos/config.h"

/** What the time of a step goes to: a learner's, then a rank's. */
typedef enum oikos_profile_item {
  OIKOS_PROFILE_DRAW,   /* the episode */
  OIKOS_PROFILE_HOME,   /* score the homes, set the start */
  OIKOS_PROFILE_INNER,  /* inner steps */
  OIKOS_PROFILE_QUERY,  /* query loss and gradient */
  OIKOS_PROFILE_BACK,   /* Hessian products, back through the inner steps */
  OIKOS_PROFILE_ADD,    /* into the exact sums */
  OIKOS_PROFILE_REDUCE, /* the threads' sums and the all-reduce, waiting included */
  OIKOS_PROFILE_UPDATE, /* shared weights, homes, history */
  OIKOS_PROFILE_ITEMS
} oikos_profile_item;

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
  double item[OIKOS_PROFILE_ITEMS];
  double layer[OIKOS_MAX_LAYERS][OIKOS_FUNCTIONS];
} oikos_profile;

static inline double oikos_profile_begin(const oikos_profile *profile) {
  return profile ? oikos_wall_clock() : 0;
}

/** Add the time since *begin to an item, and begin anew. */
static inline void oikos_profile_add(oikos_profile *profile, oikos_profile_item item,
                                     double *begin) {
  if (!profile)
    return;
  double now = oikos_wall_clock();
  profile->item[item] += now - *begin;
  *begin = now;
}

#endif
