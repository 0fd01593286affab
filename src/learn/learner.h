/* SPDX-License-Identifier: MIT
 * One learner in one step: find the home, start there, train, and give the meta-gradient. Learners
 * are independent of each other, so any thread of any rank computes the same bits. */
#ifndef OIKOS_LEARN_LEARNER_H
#define OIKOS_LEARN_LEARNER_H

#include "learn/cohort.h"
#include "learn/contribution.h"
#include "learn/find_home.h"
#include "learn/query_batch.h"
#include "learn/worker.h"

/** Embedding rows at hand, and where those of each learner stand among them. */
typedef struct oikos_row_view {
  const oikos_real *row; /* (k, d); NULL: there are none */
  const int32_t *place;
  const size_t *first; /* (learners + 1) in place: the own row, if any, then one for each example */
} oikos_row_view;

/**
 * Before oikos_learner_train of the learners of strata first .. first + count - 1: draw their
 * episodes, and train them in lockstep, in any groups of up to OIKOS_LOCKSTEP; or, where they lie
 * in one chunk (stratum / OIKOS_CHUNK), take their first step together if they start from the same
 * parameters.
 * @param learner  (count) who is active in these strata
 * @param embedding_rows  theirs
 */
void oikos_learners_begin(const oikos_context *context, oikos_worker *worker, int64_t step,
                          oikos_stratum_id first, int64_t count, const oikos_learner_id *learner,
                          oikos_row_view embedding_rows);

/** Put the rows of the learner in place @p i of the view into its episode. */
void oikos_learner_place_embedding_rows(const oikos_context *context, oikos_row_view embedding_rows,
                                        int64_t i, oikos_episode *episode);

/**
 * Step 1 for the learner of a stratum: find its home, hear its teacher, train on its episode. The
 * contribution points into @p worker.
 * @param left_off  (M) theta_i of a persistent learner, which starts at theta_i + pull (start(w, c)
 *                  - theta_i): the elastic force of Zhang, Choromanska and LeCun, "Deep learning
 *                  with elastic averaging SGD", 2015, section 3. Its gradient with respect to the
 *                  home's start is pull times that with respect to its own. NULL: at its home
 */
oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *worker,
                                       oikos_stratum_id stratum, double *log_p, int32_t home,
                                       const oikos_real *left_off);

#endif
