/* SPDX-License-Identifier: MIT
 * One learner in one step: find the home, start there, train, and give the meta-gradient. Learners
 * are independent of each other, so any thread of any rank computes the same bits. */
#ifndef OIKOS_LEARN_LEARNER_H
#define OIKOS_LEARN_LEARNER_H

#include "learn/contribution.h"
#include "net/chunk.h"
#include "net/derivatives.h"
#include "oikos/tasks.h"

/** What the learners of a step have in common; read only. */
typedef struct oikos_context {
  const oikos_config *config;
  const oikos_network *net;
  const oikos_inner *inner;
  const oikos_source *source;
  const oikos_encoder *encoder; /* NULL: none */
  const oikos_weights *weights;
  const struct oikos_context *teacher; /* whose model teaches: this one, another, or NULL */
} oikos_context;

/** Embedding rows at hand, and where those of each learner stand among them. */
typedef struct oikos_row_view {
  const oikos_real *row; /* (k, d); NULL: there are none */
  const int32_t *place;
  const size_t *first; /* (learners + 1) in place: the own row, if any, then one for each example */
} oikos_row_view;

/** A thread's memory: an episode, an adaptation, and what comes of it. */
typedef struct oikos_worker {
  oikos_episode drawn[OIKOS_CHUNK]; /* of the learners at hand */
  oikos_episode episode;            /* that of one, in the memory of one of these */
  oikos_chunk *chunk;               /* NULL: their first steps are taken one by one */
  oikos_path *path;
  oikos_encoder_pass *encoder;
  oikos_real *gradient;             /* (M + A + E) */
  oikos_real *mean, *home_gradient; /* (K) sum_t p_t c_t; dL/dc */
  const oikos_real *c;              /* (K) what the start was made from */
  oikos_real *p, *score, *dscore;   /* (T) */
  double *log_p;                    /* (T) */
  double factor;                    /* of the inner rates of the learner at hand: bold_driver.h */
  struct oikos_worker *teacher; /* the teacher at work, without a gradient; NULL: there is none */
  oikos_real *taught;           /* (support + query, outputs) what it says */
} oikos_worker;

/** @param max_steps  most inner steps of any call */
oikos_status oikos_worker_create(const oikos_context *context, int64_t max_steps,
                                 oikos_worker *worker, oikos_error *err);
void oikos_worker_destroy(oikos_worker *worker);

/** Measure from now on, as oikos_workspace_measure. */
void oikos_worker_measure(oikos_worker *worker, oikos_profile *profile);

/**
 * Score every home on the support set of worker->episode, choose, and set the start of
 * worker->path.
 * @param[in,out] log_p  (T) the learner's log home weights
 * @param home           where it lives now
 * @return where it lives from now on; worker->p and worker->score hold (T) home weights and scores
 */
int32_t oikos_learner_find_home(const oikos_context *context, oikos_worker *worker, double *log_p,
                                int32_t home);

/** The same for one who lives nowhere yet, with uniform home weights; worker->log_p (T) holds what
 * they become. */
int32_t oikos_learner_arrive(const oikos_context *context, oikos_worker *worker);

/** How sure a learner is of its home: p[h] as the step leaves it; 0 with one home. */
oikos_real oikos_learner_sure(const oikos_context *context, const double *log_p, int32_t home);

/** The chain rule through the start: worker->gradient, of the loss with respect to it and the
 * rates, becomes that of the shared weights, the rates and the encoder; worker->home_gradient is
 * set. */
void oikos_learner_pull_back(const oikos_context *context, oikos_worker *worker);

/**
 * Before oikos_learner_train of the learners in slots first .. first + count - 1, which lie in one
 * chunk (slot / OIKOS_CHUNK): draw their episodes, and take their first step together where they
 * start from the same parameters.
 * @param learner  (count) who is in these slots
 * @param rows     theirs
 */
void oikos_learners_begin(const oikos_context *context, oikos_worker *worker, int64_t step,
                          int64_t first, int64_t count, const int64_t *learner,
                          oikos_row_view rows);

/** Put learner @p i's rows into its episode. */
void oikos_learner_place_rows(const oikos_context *context, oikos_row_view rows, int64_t i,
                              oikos_episode *episode);

/**
 * Step 1 for the learner in a slot: find its home, hear its teacher, train on its episode. The
 * contribution points into @p worker.
 * @param left_off  (M) theta_i of a persistent learner, which starts at theta_i + pull (start(w, c)
 *                  - theta_i): the elastic force of Zhang, Choromanska and LeCun, "Deep learning
 *                  with elastic averaging SGD", 2015, section 3. Its gradient with respect to the
 *                  home's start is pull times that with respect to its own. NULL: at its home
 */
oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *worker,
                                       int64_t slot, double *log_p, int32_t home,
                                       const oikos_real *left_off);

/** The set that judges a learner: the query set; with the support set before it for prototypes, and
 * where that is what batch_norm takes its statistics from. */
oikos_batch oikos_learner_judged(const oikos_context *context, oikos_norm_kind norm,
                                 const oikos_episode *episode);

/** Examples in it. */
size_t oikos_judged_size(const oikos_config *config, oikos_norm_kind norm, oikos_task_shape shape);

/** What batch_norm takes its statistics from in training, and in evaluation. */
oikos_norm_kind oikos_train_norm_of(const oikos_config *config);
oikos_norm_kind oikos_eval_norm_of(const oikos_config *config);

#endif
