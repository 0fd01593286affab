/* SPDX-License-Identifier: MIT
 *
 * Knowledge distillation: whose outputs a learner imitates. A teacher starts somewhere, takes
 * distill.teacher_steps inner steps on the learner's support set by the plain loss, and predicts
 * support and query set. Its outputs are constants: no derivative goes through them.
 *
 *   shared  starts at w. With home.owns nothing and more steps than the learner takes, the learner
 *           imitates what it would become by further steps (compare bootstrapped meta-learning:
 *           Flennerhag et al. 2022).
 *   home    starts at start(w, c_h) of the learner's best home h. Not the learner's own start if
 *           that is a mixture of homes (home.rule weighted); its own steps differ from the
 * teacher's if their numbers do, or if the term is in the support loss. peers   starts at the mean,
 * over the last step's learners at home h (this one among them), of the trained parameters theta_i:
 * codistillation (Anil et al. 2018) with the mean model in place of the mean prediction, which
 * would need every learner's parameters, or all episodes, on every rank. What homes do not own is
 * the mean over all learners. These means ride in the step's one all-reduce. Before the first step
 * they are w and c_t. model   another network, trained before: it finds a home of its own and
 * adapts by its own rule.
 */
#ifndef OIKOS_LEARN_TEACHER_H
#define OIKOS_LEARN_TEACHER_H

#include "learn/learner.h"

/** Memory for the teacher of a worker whose other parts exist. */
oikos_status oikos_lesson_create(const oikos_context *context, oikos_worker *worker,
                                 oikos_error *err);
void oikos_lesson_destroy(oikos_worker *worker);

/**
 * Let the teacher, if there is one, predict the episode of @p worker, and put its outputs into the
 * batches that distill.in names; they live in @p worker until its next call.
 * @param home  where the learner lives
 */
void oikos_teach(const oikos_context *context, oikos_worker *worker, int32_t home,
                 oikos_batch *support, oikos_batch *judged);

#endif
