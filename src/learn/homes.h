/* SPDX-License-Identifier: MIT
 *
 * Homes: T sets of parameters c_t that learners choose from (learn/start.h says which). With p a
 * learner's distribution over homes,
 *
 *   log p[t] <- memory * log p[t] - eta * score_loss(t), normalised      (Hedge: Freund and
 * Schapire 1997) h = argmax_t p[t], left only for a home better by `margin` in log p
 *
 * and the learner starts at c_h (hard) or at sum_t p[t] c_t (weighted). Hard homes judged afresh on
 * every episode (memory 0) are IFCA's cluster estimate (Ghosh et al., "An efficient framework for
 * clustered federated learning", 2020).
 */
#ifndef OIKOS_LEARN_HOMES_H
#define OIKOS_LEARN_HOMES_H

#include "learn/start.h"
#include "oikos/config.h"

/** Seeded first homes (T, K): the owned part of the shared weights w (M), or a modulation that
 * changes nothing, with a perturbation. */
void oikos_homes_initialise(const oikos_config *config, const oikos_home_layout *layout,
                            const oikos_real *w, oikos_real *homes);

/**
 * Judge the homes by their scores (T): update log_p (T) and give p (T).
 * @param home  where the learner lives now
 * @return where it lives from now on
 */
int32_t oikos_home_choose(const oikos_config *config, const oikos_real *score, double *log_p,
                          oikos_real *p, int32_t home);

#endif
