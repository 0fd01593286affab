/* SPDX-License-Identifier: MIT
 *
 * When a learner has diverged. Its inner steps were to lower the loss that judges it; where that
 * loss L(theta_S) is more than learners.rollback times L(theta_0), on the same examples and with
 * the same terms, or not finite, they have led away, and the meta-gradient through them, whose size
 * grows with every such step, tells little of the start. The learner is rolled back: it is left out
 * of the step as if it were not there, as one whose numbers are not finite is by the rules of
 * learn/robust.h. This is the sufficient-decrease test of a line search (Nocedal and Wright,
 * "Numerical Optimization", 2006, section 3.1) with room for the noise of an episode, taken over
 * all inner steps; the step that fails it is not shortened but dropped.
 */
#ifndef OIKOS_LEARN_ROLLBACK_H
#define OIKOS_LEARN_ROLLBACK_H

#include "learn/contribution.h"

/** Whether learners can be left out of a step: learners.rollback, or a rule that is not the mean.
 */
bool oikos_can_leave_out(const oikos_config *config);

/** Whether the judged loss of a contribution grew by more than learners.rollback; false if that is
 * off. That its numbers are finite is another question. */
bool oikos_diverged(const oikos_config *config, const oikos_contribution *c);

/** Steps in a row that a learner was left out, so far and with this one. */
int64_t oikos_streak(int64_t before, bool left_out);

#endif
