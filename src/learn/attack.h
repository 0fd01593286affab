/* SPDX-License-Identifier: MIT
 *
 * Simulated attackers, for experiments: the round(attack.share N) learners with the highest numbers
 * train as all do, then send something else in place of their gradient and, where it is used, of
 * their trained parameters' way from the shared weights:
 *
 *   scaled    scale x        flipped   -scale x (the sign flip of Li et al., "RSA", AAAI 2019)
 *   random    scale z, z normal, anew in every step         nan, infinite   nothing else
 *
 * Losses, scores and homes stay what they are.
 */
#ifndef OIKOS_LEARN_ATTACK_H
#define OIKOS_LEARN_ATTACK_H

#include "learn/weights.h"
#include "oikos/tasks.h"

/** Whether this learner attacks. */
bool oikos_attacks(const oikos_config *config, oikos_learner_id learner);

/**
 * What an attacker sends.
 * @param[in,out] gradient       (M + A + E)
 * @param[in,out] home_gradient  (K)
 * @param[in,out] trained   (M), or NULL
 */
void oikos_attack(const oikos_config *config, const oikos_weights *weights, int64_t step,
                  oikos_learner_id learner, oikos_real *gradient, oikos_real *home_gradient,
                  oikos_real *trained);

#endif
