/* SPDX-License-Identifier: MIT
 * What a learner's step costs, in a unit that is the same on every machine and in every run. */
#ifndef OIKOS_LEARN_WORK_H
#define OIKOS_LEARN_WORK_H

#include "learn/learner.h"

/**
 * Work units of the learner whose episode was trained on: examples that pass through the network,
 * forwards or backwards. A loss is one pass, a gradient three (forward, and backward with respect
 * to inputs and to weights), a Hessian-vector product six (Pearlmutter, "Fast exact multiplication
 * by the Hessian", Neural Computation 6, 1994: about two gradients). A set counts as
 * OIKOS_WORK_MORE examples more than it has: what is done to all parameters costs as much for any
 * set. (So many were measured on dense layers of 64 units; with wider layers or convolutions they
 * are fewer.)
 */
enum { OIKOS_WORK_MORE = 8 };
int64_t oikos_work(const oikos_context *context, const oikos_episode *episode);

#endif
