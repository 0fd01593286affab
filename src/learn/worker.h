/* SPDX-License-Identifier: MIT
 * What learners have in common, and the memory of a thread that trains one after the other. */
#ifndef OIKOS_LEARN_WORKER_H
#define OIKOS_LEARN_WORKER_H

#include "learn/cohort.h"
#include "learn/lockstep.h"
#include "learn/weights.h"
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

/** A thread's memory: an episode, an adaptation, and what comes of it. */
typedef struct oikos_worker {
  oikos_episode drawn[OIKOS_LOCKSTEP]; /* (at_hand) of the learners at hand */
  oikos_stratum_id first;              /* of these */
  size_t at_hand;                      /* most of them: OIKOS_CHUNK, or OIKOS_LOCKSTEP */
  oikos_episode episode;               /* that of one, in the memory of one of these */
  oikos_chunk *chunk;                  /* NULL: their first steps are taken one by one */
  oikos_lockstep *lockstep;            /* NULL: they are not trained at once */
  bool adds_lanes;                     /* gradients go from there into the sums, and were */
  bool finite[OIKOS_LOCKSTEP];         /* finite */
  oikos_path *path;
  oikos_encoder_pass *encoder;
  oikos_real *gradient;             /* (M + A + E) */
  oikos_real *mean, *home_gradient; /* (K) sum_t p_t c_t; dL/dc */
  const oikos_real *c;              /* (K) what the start was made from */
  oikos_real *p, *score, *dscore;   /* (T) */
  double *log_p;                    /* (T) */
  double factor;                    /* of the inner rates of the learner at hand: bold_driver.h */
  struct oikos_worker *teacher; /* the teacher at work, without a gradient; NULL: there is none */
  oikos_real *teacher_outputs;  /* (support + query, outputs) what it says */
} oikos_worker;

/** @param max_steps  most inner steps of any call */
oikos_status oikos_worker_create(const oikos_context *context, int64_t max_steps,
                                 oikos_worker *worker, oikos_error *err);
void oikos_worker_destroy(oikos_worker *worker);

/** Measure from now on, as oikos_workspace_measure. */
void oikos_worker_measure(oikos_worker *worker, oikos_profile *profile);

/** Inner steps of the teacher, where there is one. */
int64_t oikos_teacher_steps(const oikos_context *context);

#endif
