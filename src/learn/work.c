/* SPDX-License-Identifier: MIT */
#include "learn/work.h"

enum { LOSS = 1, GRADIENT = 3, HESSIAN = 6 };

/* Passes of n support examples by which the homes are judged. */
static int64_t score_homes(const oikos_context *context, int64_t n) {
  const oikos_config *c = context->config;
  int64_t homes = context->weights->n_homes;
  if (context->encoder)
    return n * LOSS;
  if (homes == 1)
    return 0;
  return homes * (c->home.score == OIKOS_SCORE_BEFORE
                      ? n * LOSS
                      : n / 2 * c->inner.steps * GRADIENT + (n + 1) / 2 * LOSS);
}

/* Those of the teacher's own adaptation and predictions. */
static int64_t hear_teacher(const oikos_context *context, int64_t support, int64_t query_size) {
  const oikos_config *c = context->config;
  if (!context->teacher)
    return 0;
  int64_t steps = c->distill.teacher_steps;
  if (steps < 0)
    steps = context->teacher->config->inner.steps;
  return support * steps * GRADIENT + (c->distill.in != OIKOS_IN_QUERY ? support * LOSS : 0) +
         (c->distill.in != OIKOS_IN_SUPPORT ? query_size * LOSS : 0);
}

int64_t oikos_work(const oikos_context *context, const oikos_episode *episode) {
  const oikos_config *c = context->config;
  int64_t support = (int64_t)episode->support.n,
          query_size = (int64_t)oikos_learner_query_batch(
                           context, oikos_train_norm_of(context->config), episode)
                           .n;
  int64_t step = GRADIENT + (c->inner.order == OIKOS_ORDER_SECOND ? HESSIAN : 0);
  int64_t work = (support + OIKOS_WORK_MORE) * c->inner.steps * step +
                 (query_size + OIKOS_WORK_MORE) * GRADIENT;
  if (c->inner.steps > 0 && c->inner.multi_step > 0)
    work += query_size * GRADIENT;
  if (c->learners.rollback > 0)
    work += query_size * LOSS;
  if (c->inner.adapt_rate)
    work += support * LOSS;
  return work + score_homes(context, support) + hear_teacher(context, support, query_size);
}
