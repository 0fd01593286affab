/* SPDX-License-Identifier: MIT */
#include "learn/query_batch.h"

static bool judges_behind(const oikos_config *c, oikos_norm_kind norm) {
  return c->model.loss == OIKOS_LOSS_PROTOTYPES || norm == OIKOS_NORM_SUPPORT;
}

oikos_batch oikos_learner_query_batch(const oikos_context *context, oikos_norm_kind norm,
                                      const oikos_episode *e) {
  if (!judges_behind(context->config, norm))
    return e->query;
  return (oikos_batch){.n = e->support.n + e->query.n,
                       .x = e->x,
                       .y = e->y,
                       .n_support = e->support.n,
                       .n_norm = norm == OIKOS_NORM_SUPPORT ? e->support.n : 0};
}

size_t oikos_query_batch_size(const oikos_config *c, oikos_norm_kind norm, oikos_task_shape shape) {
  return shape.query + (judges_behind(c, norm) ? shape.support : 0);
}

oikos_norm_kind oikos_train_norm_of(const oikos_config *c) {
  return c->model.norm_statistics;
}

oikos_norm_kind oikos_eval_norm_of(const oikos_config *c) {
  return c->eval.norm_statistics == OIKOS_EVAL_NORM_MODEL     ? oikos_train_norm_of(c)
         : c->eval.norm_statistics == OIKOS_EVAL_NORM_SUPPORT ? OIKOS_NORM_SUPPORT
                                                              : OIKOS_NORM_TRANSDUCTIVE;
}
