/* SPDX-License-Identifier: MIT
 *
 * Homes: T sets of parameters c_t that learners choose from (learn/start.h says which). With p a
 * learner's distribution over homes,
 *
 *   log p[t] <- memory * log p[t] - eta * score_loss(t), normalised      (Hedge: Freund and
 * Schapire 1997) h = argmax_t p[t], left only for a home better by `margin` in log p
 *
 * From a step to the next a share s of p is spread over all homes (fixed share: Herbster and
 * Warmuth, "Tracking the best expert", Machine Learning 32, 1998, section 3; written as in
 * Cesa-Bianchi and Lugosi, "Prediction, learning, and games", 2006, section 5.2),
 *
 *   p[t] <- (1 - s) p[t] + s / T
 *
 * which is Bayes' rule for a learner whose home is drawn anew with probability s before each step.
 * A step then begins with no home ahead of another by more than log(1 + T (1 - s) / s) in log p, so
 * that, with memory 1 and margin 0, a learner whose score becomes lower by at least d at one home
 * than at all others lives there after at most log(1 + T (1 - s) / s) / (eta d) steps, rounded
 * down, and one more, however long it lived before. Without a share it can take as long as that
 * life.
 *
 * A home that has been deserted for `revive` steps (at most revive_below N / T members) is split
 * off the most crowded home m, as code words of little use are in vector quantisation (Linde, Buzo
 * and Gray, "An algorithm for vector quantizer design", IEEE Trans. Communications 1980; Patane
 * and Russo, "The enhanced LBG algorithm", Neural Networks 2001): with a perturbation d of the size
 * of the first homes',
 *
 *   c_t <- c_m - d,   c_m <- c_m + d,   p[m], p[t] <- p[m] / 2, normalised
 *
 * and the optimizer's state of m for both. Where two kinds of learners live in m and it has settled
 * between them, their gradients there are opposite, so that d draws them apart.
 *
 * The learner starts at c_h (hard) or at sum_t p[t] c_t (weighted). Hard homes judged afresh on
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
 * Judge the homes by their scores (T): give p (T), and update log_p (T) to what the next step
 * begins with: log p, shared out.
 * @param home  where the learner lives now
 * @return where it lives from now on
 */
int32_t oikos_home_choose(const oikos_config *config, const oikos_real *score, double *log_p,
                          oikos_real *p, int32_t home);

/**
 * Note in deserted (T) for how many steps each home has been deserted, by the members (T) of this
 * one.
 * @param[out] parent  the most crowded home
 * @return the home with the fewest members of those that are due to be split off it, and the count
 * begins anew for all; -1: none is due
 */
int32_t oikos_homes_due(const oikos_config *config, const int64_t *members, int64_t *deserted,
                        int32_t *parent);

/** Split home `child` off home `parent` in homes (T, K), after a step. */
void oikos_homes_split(const oikos_config *config, const oikos_home_layout *layout, int64_t step,
                       int32_t child, int32_t parent, oikos_real *homes);

/** A learner's log_p (T) after that. */
void oikos_home_inherit(int64_t n_homes, int32_t child, int32_t parent, double *log_p);

#endif
