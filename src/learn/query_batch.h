/* SPDX-License-Identifier: MIT
 * The query batch: what a learner is judged on. */
#ifndef OIKOS_LEARN_QUERY_BATCH_H
#define OIKOS_LEARN_QUERY_BATCH_H

#include "learn/worker.h"

/** The set that judges a learner: the query set; with the support set before it for prototypes, and
 * where that is what batch_norm takes its statistics from. */
oikos_batch oikos_learner_query_batch(const oikos_context *context, oikos_norm_kind norm,
                                      const oikos_episode *episode);

/** Examples in it. */
size_t oikos_query_batch_size(const oikos_config *config, oikos_norm_kind norm,
                              oikos_task_shape shape);

/** What batch_norm takes its statistics from in training, and in evaluation. */
oikos_norm_kind oikos_train_norm_of(const oikos_config *config);
oikos_norm_kind oikos_eval_norm_of(const oikos_config *config);

#endif
