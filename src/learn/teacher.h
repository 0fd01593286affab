/* SPDX-License-Identifier: MIT
 *
 * Knowledge distillation: whose outputs a learner imitates. A teacher starts somewhere, takes
 * distill.teacher_steps inner steps on the learner's support set by the plain loss, and predicts
 * support and query set. Its outputs are constants: no derivative goes through them.
 *
 * - shared: starts at w. Where the learner starts there too, it imitates what more steps would make
 *   of it (compare bootstrapped meta-learning: Flennerhag et al. 2022).
 *
 * - home: starts at start(w, c_h) of the learner's best home h. The learner itself starts elsewhere
 *   if its start is a mixture of homes (home.rule weighted); else the two differ by the number of
 *   steps, or by the term in the learner's support loss.
 *
 * - peers: starts at the mean of the parameters theta_i that the learners at home h trained in the
 *   last step, this learner among them; what homes do not own is the mean over all learners. This
 *   is codistillation (Anil et al. 2018) with the mean model in place of the mean prediction: the
 *   predictions of other ranks' learners for this episode would have to cross the network, the sums
 *   of theta_i ride in the step's one all-reduce. Before the first step they are w and c_t.
 *
 * - model: another network, trained before; it finds a home of its own, and adapts by its own rule.
 */
#ifndef OIKOS_LEARN_TEACHER_H
#define OIKOS_LEARN_TEACHER_H

#include "learn/worker.h"

/**
 * Let the teacher, if there is one, predict the episode of @p worker, and put its outputs into the
 * batches that distill.in names; they live in @p worker until its next call.
 * @param home  where the learner lives
 */
void oikos_teach(const oikos_context *context, oikos_worker *worker, int32_t home,
                 oikos_batch *support, oikos_batch *query_batch);

#endif
