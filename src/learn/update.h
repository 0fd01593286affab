/* SPDX-License-Identifier: MIT
 *
 * Steps 2 and 3 of the method, from the sums over all learners:
 *
 *   w' = (1 - gamma) w + gamma mean(theta_i),           w = outer_optimizer(w', mean(g_i), epsilon)
 *   c_t' = (1 - gamma_H) c_t + gamma_H mean_t(theta_i), c_t = outer_optimizer_H(c_t', mean_t(g_i),
 * epsilon_H)
 *
 * where mean is over all learners, weighted by the priority of their homes if that is asked for
 * (learn/priority.h), and mean_t over the learners weighted by p[i][t]; both by the number of
 * examples too if learners.weigh says so. gamma = 0 is MAML, epsilon
 * = 0 is Reptile (Nichol et al. 2018) and, with gamma = 1, FedAvg (McMahan et al. 2017). Rules
 * beside the mean are those of learn/robust.h.
 */
#ifndef OIKOS_LEARN_UPDATE_H
#define OIKOS_LEARN_UPDATE_H

#include "learn/robust.h"

/** How many learners count in this step: all but those left out. */
int64_t oikos_update_counted(const oikos_config *config, const oikos_sum *sum);

/** a_i of a learner of weight 1: what shared sums are to be multiplied by. */
double oikos_update_share(const oikos_config *config, const oikos_segments *segments,
                          const oikos_sum *sum);

/**
 * Update (shared learning): w, the learned rates and the encoder.
 * @param robust   its centre moves on (centred_clip), or its results are taken (trimmed_mean,
 * median)
 * @param scratch  (2 (M + A + E) + T) numbers of no meaning between calls
 * @return norm of the mean gradient before clipping
 */
double oikos_update_shared(const oikos_config *config, const oikos_segments *segments,
                           const oikos_sum *sum, int64_t step, const oikos_robust *robust,
                           oikos_weights *weights, oikos_real *scratch);

/** Update the home tasks: every c_t that had a member. */
void oikos_update_homes(const oikos_config *config, const oikos_segments *segments,
                        const oikos_sum *sum, int64_t step, const oikos_robust *robust,
                        oikos_weights *weights, oikos_real *scratch);

#endif
