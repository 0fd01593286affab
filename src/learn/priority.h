/* SPDX-License-Identifier: MIT
 *
 * Priority of homes. A learner's weight a_i in the means of the shared update (gradients, learned
 * rates, encoder, trained parameters) follows the rank of the home h where it lives:
 *
 *   a_i = q_h / sum_j q_h(j),   q_h = 1 - s + 2 s r_h / (n - 1)
 *
 * r_h = 0 .. n - 1 from the lowest value to the highest of the n homes that have ever had a member,
 * s = home.priority_strength: linear ranking (Baker, "Adaptive selection methods for genetic
 * algorithms", ICGA 1985), here as a weight in place of an expected number of offspring. Homes
 * that tie share the mean of their ranks; a home without a past has q = 1. What the homes own is
 * updated by the plain mean over their members, as ever.
 *
 * The value of a home, from its members' means x of each step in which it has any, in moving
 * averages A_d <- A_d + d (x - A_d), which begin at the first x:
 *
 *   gradient   A_0.05 of the norm of the meta-gradient
 *   progress   A_0.01 - A_0.1 of the query loss, slow minus fast: how much it fell of late. The
 *              signal is the learning progress of Oudeyer, Kaplan and Hafner, "Intrinsic motivation
 *              systems for autonomous mental development", IEEE TEC 2007 (a fall of the smoothed
 *              error), with moving averages in place of windows
 */
#ifndef OIKOS_LEARN_PRIORITY_H
#define OIKOS_LEARN_PRIORITY_H

#include "learn/contribution.h"

/** Everything NULL while home.priority is none. */
typedef struct oikos_priority {
  int64_t n_homes;
  double *average;                  /* (T, OIKOS_N_AVERAGES); NaN-free; 0 where steps is 0 */
  int64_t *steps;                   /* (T) in which the home had a member */
  double *effort;                   /* (T) q, of the step at hand */
  struct oikos_ranked_home *ranked; /* (T) scratch */
} oikos_priority;

enum { OIKOS_AVERAGE_NORM, OIKOS_AVERAGE_SLOW, OIKOS_AVERAGE_FAST, OIKOS_N_AVERAGES };

oikos_status oikos_priority_create(const oikos_config *config, oikos_priority *priority,
                                   oikos_error *err);
void oikos_priority_destroy(oikos_priority *priority);

/** effort (T) from the averages. Before a step. */
void oikos_priority_rank(const oikos_config *config, oikos_priority *priority);

/** Take the sums of a step into the averages. After a step. */
void oikos_priority_update(const oikos_segments *segments, const oikos_sum *sum,
                           oikos_priority *priority);

/** One home's averages with the means of a step. */
void oikos_priority_average(oikos_priority *priority, int64_t home, double norm, double loss);

#endif
