/* SPDX-License-Identifier: MIT
 *
 * Inner steps and the meta-gradient of several learners in lockstep (net/lockstep.h): what
 * oikos_adapt and oikos_meta_gradient compute of one, for OIKOS_LOCKSTEP of them at once. Which
 * networks and rules go this way follows from the configuration and the library's level alone.
 */
#ifndef OIKOS_LEARN_LOCKSTEP_H
#define OIKOS_LEARN_LOCKSTEP_H

#include "learn/contribution.h"
#include "math/lane_product.h"
#include "net/profile.h"
#include "oikos/inner.h"
#include "oikos/tasks.h"

/** A thread's memory of a group of learners, each in a lane. */
typedef struct oikos_lockstep oikos_lockstep;

/** A group for learners without a teacher in training; NULL if these go one by one. */
oikos_status oikos_lockstep_create(const oikos_config *config, const oikos_inner *inner,
                                   const oikos_weights *weights, oikos_task_shape shape,
                                   oikos_lockstep **lockstep, oikos_error *err);
void oikos_lockstep_destroy(oikos_lockstep *lockstep);

/** Measure from now on, as oikos_workspace_measure. */
void oikos_lockstep_measure(oikos_lockstep *lockstep, oikos_profile *profile);

/** Put a learner's episode into a lane. */
void oikos_lockstep_set(oikos_lockstep *lockstep, size_t lane, const oikos_episode *episode);

/** All inner steps from start (M), and the meta-gradient through them, of all lanes. */
void oikos_lockstep_train(oikos_lockstep *lockstep, const oikos_real *start);

/** The query loss of each lane at the start and after each of so many inner steps, into loss (steps
 * + 1, OIKOS_LOCKSTEP). */
void oikos_lockstep_evaluate(oikos_lockstep *lockstep, const oikos_real *start, int64_t steps,
                             double *loss);

/** What became of a lane: the support loss at the start, the query loss after the steps, the
 * gradient (M), the query loss at the start (with learners.rollback; else 0), and the gradient's
 * norm. */
oikos_judgement oikos_lockstep_before(const oikos_lockstep *lockstep, size_t lane);
oikos_judgement oikos_lockstep_after(const oikos_lockstep *lockstep, size_t lane);
void oikos_lockstep_gradient(const oikos_lockstep *lockstep, size_t lane, oikos_real *gradient);
double oikos_lockstep_at_start(const oikos_lockstep *lockstep, size_t lane);
double oikos_lockstep_norm(const oikos_lockstep *lockstep, size_t lane);

/** Add the gradients of the first @p count lanes, each with a weight of 1, to the shared segments
 * of a sum; finite (count): whether a lane's numbers are. */
void oikos_lockstep_add(const oikos_lockstep *lockstep, const oikos_segments *segments,
                        size_t count, oikos_sum *sum, bool *finite);

/** Its parameters after the steps (M), into the path, if anybody asks for such. */
void oikos_lockstep_keep(const oikos_lockstep *lockstep, size_t lane, oikos_path *path);

#endif
