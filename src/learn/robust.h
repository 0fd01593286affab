/* SPDX-License-Identifier: MIT
 *
 * Rules beside the mean, for learners that cannot be trusted. A step takes up to four means of
 * learners' vectors: of the gradients g_i (with those of the learned rates and the encoder) and, if
 * gamma > 0, of the trained parameters theta_i; and of each home's members both again for what the
 * home owns.
 *
 *   clip           mean of C_R(x_i), C_R(x) = x min(1, R / |x|): no learner moves the mean by more
 *                  than R / N (the norm bound of Sun et al., "Can you really backdoor federated
 *                  learning?", 2019)
 *   centred_clip   v <- v + mean of C_R(x_i - v), one iteration a step, from the last step's v
 *                  (Karimireddy, He, Jaggi, "Learning from history for Byzantine robust
 *                  optimization", ICML 2021, section 4). v starts at 0 and is state
 *   trimmed_mean, median    by coordinate: math/order_statistics.h, by way of dist/columns.h
 *
 * For clip and centred_clip x_i is g_i, with aggregation.radius, or theta_i - w (of a home:
 * theta_i - c_t), with aggregation.trained_radius: what a learner may pull is a distance from what
 * all share, so that a bound on it means the same in every step. Then w' = w + gamma mean, which is
 * (1 - gamma) w + gamma mean(theta_i) where nothing is clipped. A home's vectors are clipped by
 * themselves, each by its norm over what the home owns.
 *
 * A learner with a number that is not finite, in its gradient, trained parameters, losses, scores
 * or home weights, is left out of the step as if it were not there: all means are over the others,
 * and it keeps its home. 2^120 and above counts as not finite, so that no sum or norm can overflow.
 */
#ifndef OIKOS_LEARN_ROBUST_H
#define OIKOS_LEARN_ROBUST_H

#include "learn/contribution.h"
#include "learn/rule.h"

/** What a rule keeps or gives: v of centred_clip, the results of trimmed_mean and median. NULL
 * where not used. */
typedef struct oikos_robust {
  oikos_real *gradient;      /* (M + A + E) */
  oikos_real *trained;       /* (M), behind gradient */
  oikos_real *home_gradient; /* (T, K) */
  oikos_real *home_trained;  /* (T, K) */
} oikos_robust;

oikos_status oikos_robust_create(const oikos_config *config, const oikos_weights *weights,
                                 oikos_robust *robust, oikos_error *err);
void oikos_robust_destroy(oikos_robust *robust);

/** The radius of trained parameters. */
double oikos_trained_radius(const oikos_config *config);

/** min(1, radius / |x|), so that the scaled x has a norm of at most radius after rounding too. */
double oikos_clip_scale(double radius, size_t n, const oikos_real *x);

/** Whether all numbers of a contribution are finite and below 2^120. */
bool oikos_contribution_finite(const oikos_config *config, const oikos_weights *weights,
                               const oikos_contribution *c);

/**
 * Add a finite contribution by the rule of the configuration: clip and centred_clip add clipped
 * vectors, the others only what is counted.
 * @param scratch  (M + A + E) of this thread
 */
bool oikos_robust_add(const oikos_config *config, const oikos_robust *robust,
                      const oikos_segments *segments, const oikos_weights *weights,
                      const oikos_contribution *c, oikos_real *scratch, oikos_sum *sum);

#endif
