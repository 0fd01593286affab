/* SPDX-License-Identifier: MIT
 *
 * Homes: T sets of parameters c_t that learners choose from. A home owns the last K of the
 * network's M parameters (all, those of the last layer, or none); start(w, c) is w with these
 * replaced. With p a learner's distribution over homes,
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

#include "oikos/config.h"
#include "oikos/network.h"

/** K for this network and configuration. */
size_t oikos_home_size(const oikos_config *config, const oikos_network *net);

/** Seeded first homes (T, K) around the shared weights w (M). */
void oikos_homes_initialise(const oikos_config *config, const oikos_network *net,
                            const oikos_real *w, oikos_real *homes);

/** theta (M) = start(w, c): w (M) with its last k numbers from c (k). */
void oikos_home_start(size_t m, size_t k, const oikos_real *w, const oikos_real *c,
                      oikos_real *theta);

/** theta (M) = start(w, sum_t p[t] c_t) with homes (T, k). */
void oikos_home_start_weighted(size_t m, size_t k, int64_t n_homes, const oikos_real *w,
                               const oikos_real *homes, const oikos_real *p, oikos_real *theta);

/**
 * Judge the homes by their scores (T): update log_p (T) and give p (T).
 * @param home  where the learner lives now
 * @return where it lives from now on
 */
int32_t oikos_home_choose(const oikos_config *config, const oikos_real *score, double *log_p,
                          oikos_real *p, int32_t home);

#endif
