/* SPDX-License-Identifier: MIT
 * Where a learner starts: it scores the homes on its support set, and chooses. */
#ifndef OIKOS_LEARN_FIND_HOME_H
#define OIKOS_LEARN_FIND_HOME_H

#include "learn/worker.h"

/**
 * Score every home on the support set of worker->episode, choose, and set the start of
 * worker->path.
 * @param[in,out] log_p  (T) the learner's log home weights
 * @param home           where it lives now
 * @return where it lives from now on; worker->p and worker->score hold (T) home weights and scores
 */
int32_t oikos_learner_find_home(const oikos_context *context, oikos_worker *worker, double *log_p,
                                int32_t home);

/** The same for one who lives nowhere yet, with uniform home weights; worker->log_p (T) holds what
 * they become. */
int32_t oikos_learner_arrive(const oikos_context *context, oikos_worker *worker);

/** A learner's confidence in its home: p[h] as the step leaves it; 0 with one home. */
oikos_real oikos_learner_confidence(const oikos_context *context, const double *log_p,
                                    int32_t home);

/** The chain rule through the start: worker->gradient, of the loss with respect to it and the
 * rates, becomes that of the shared weights, the rates and the encoder; worker->home_gradient is
 * set. */
void oikos_learner_pull_back(const oikos_context *context, oikos_worker *worker);

#endif
