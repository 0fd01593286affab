/* SPDX-License-Identifier: MIT
 * One learner in one step: find the home, start there, train, and give the meta-gradient. Learners
 * are independent of each other, so any thread of any rank computes the same bits. */
#ifndef OIKOS_LEARN_LEARNER_H
#define OIKOS_LEARN_LEARNER_H

#include "learn/contribution.h"
#include "oikos/tasks.h"

/** What the learners of a step have in common; read only. */
typedef struct oikos_context {
  const oikos_config *config;
  const oikos_network *net;
  const oikos_inner *inner;
  const oikos_source *source;
  const oikos_weights *weights;
  const struct oikos_context *teacher; /* whose model teaches: this one, another, or NULL */
} oikos_context;

/** A thread's memory: an episode, an adaptation, and what comes of it. */
typedef struct oikos_worker {
  oikos_episode episode;
  oikos_path *path;
  oikos_real *gradient;         /* (M + A) */
  oikos_real *p, *score;        /* (T) */
  double *log_p;                /* (T) */
  struct oikos_worker *teacher; /* the teacher at work, without a gradient; NULL: there is none */
  oikos_real *taught;           /* (support + query, outputs) what it says */
} oikos_worker;

/** @param max_steps  most inner steps of any call */
oikos_status oikos_worker_create(const oikos_context *context, int64_t max_steps,
                                 oikos_worker *worker, oikos_error *err);
void oikos_worker_destroy(oikos_worker *worker);

/**
 * Score every home on the support set of worker->episode, choose, and set the start of
 * worker->path.
 * @param[in,out] log_p  (T) the learner's log home weights
 * @param home           where it lives now
 * @return where it lives from now on; worker->p and worker->score hold (T) home weights and scores
 */
int32_t oikos_learner_find_home(const oikos_context *context, oikos_worker *worker, double *log_p,
                                int32_t home);

/** Steps 0 to 1 for a learner: draw its episode, find its home, hear its teacher, train. The
 * contribution points into @p worker. */
oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *worker,
                                       int64_t step, int64_t learner, double *log_p, int32_t home);

/** The set that judges a learner: the query set, or both sets for prototypes. */
oikos_batch oikos_learner_judged(const oikos_context *context, const oikos_episode *episode);

#endif
