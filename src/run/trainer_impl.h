/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_TRAINER_IMPL_H
#define OIKOS_RUN_TRAINER_IMPL_H

#include "dist/reduce.h"
#include "dist/team.h"
#include "learn/learner.h"
#include "learn/update.h"
#include "net/profile.h"
#include "oikos/trainer.h"
#include "run/history.h"
#include "run/learners.h"
#include "run/timing.h"
#include "run/watchdog.h"
#include "store/checkpoint_list.h"
#include "store/source_data.h"

/* What tells one data file from another: of its inputs, names, and numbers; each of 128 bits. */
enum { OIKOS_DATA_PRINTS = 3, OIKOS_DATA_WORDS = 2 };

typedef struct oikos_embedding_rows oikos_embedding_rows; /* run/embedding_rows.h */
typedef struct oikos_part_state oikos_part_state;         /* run/part.h */

struct oikos_trainer {
  oikos_config config;
  oikos_observer observer;
  oikos_team team;
  char run[OIKOS_PATH];                          /* empty: nothing is written */
  oikos_rank_progress local_progress, *progress; /* local_progress, or of a teacher its student's */
  oikos_watchdog *watchdog;                      /* NULL: nothing is written */
  size_t made; /* the length of the first part of `run` that was not there, until
                  there is something in it; 0: all was */

  const oikos_trainer *student; /* of a teacher: whose task it sees; NULL: a trainer for itself */

  oikos_source_data data;
  int64_t data_prints[OIKOS_DATA_PRINTS][OIKOS_DATA_WORDS]; /* which file it is (run/same_data.h) */
  oikos_source *source;                                     /* a teacher's is its student's */
  oikos_network *net;
  oikos_inner *inner;
  oikos_encoder *encoder; /* NULL: none */
  oikos_weights weights;
  oikos_robust rule; /* what one beside the mean keeps or gives; else empty */
  oikos_segments segments;
  oikos_context context;

  oikos_learners learners;
  oikos_part_state *parts; /* (n_parts) those that the configuration wants */
  int n_parts;
  const oikos_part_state *taker;        /* the one that takes contributions; NULL: all are added */
  oikos_embedding_rows *embedding_rows; /* of the embedding table; NULL: there is none */
  int n_threads;
  int64_t unit;          /* learners that a thread takes at a time: a part of a chunk */
  bool lockstep;         /* or, in lockstep, a group */
  oikos_worker *workers; /* (n_threads) */
  int64_t max_steps;     /* inner steps that the workers have memory for */
  oikos_sum *sums;       /* (n_threads): [0] becomes the rank's sum, then the sum over ranks */
  int64_t *not_finite;   /* (n_threads) the first learner whose numbers were not finite; -1: none */
  oikos_real *scratch;   /* (2 (M + A + E) + T) */

  int64_t step; /* steps done */
  oikos_history history;
  oikos_profile *profiles; /* (n_threads), of whoever measures; NULL: nobody does */
  bool stopping;           /* some rank was asked to stop */
  bool saving;             /* a checkpoint is due */
  oikos_timing timing;
  oikos_arena memory;
};

/** Say something through the observer. */
void oikos_trainer_say(const oikos_trainer *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Record number `index`, with what follows from its step. */
oikos_record oikos_trainer_record(const oikos_trainer *t, int64_t index);

/** A trainer that is rank 0 of so many, without the others: to be looked at, not to be stepped. Not
 * collective. */
oikos_status oikos_trainer_create_alone(const oikos_config *config, int ranks,
                                        oikos_trainer **trainer, oikos_error *err);

/** The size that a checkpoint has now. Not collective. */
oikos_status oikos_trainer_checkpoint_bytes(const oikos_trainer *t, double *bytes,
                                            oikos_error *err);

/** Whether trained parameters count in the step, and not gradients alone. Not collective. */
bool oikos_takes_trained(const oikos_trainer *t);

/** Learners that a thread takes at a time, for a rank with so many slots. */
int64_t oikos_unit_size(int64_t slots, int64_t threads);

/** See to it that the workers can take @p steps inner steps. Not collective. */
oikos_status oikos_trainer_reach(oikos_trainer *t, int64_t steps, oikos_error *err);

/** Load the state from a checkpoint. */
oikos_status oikos_trainer_load(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                oikos_error *err);

/** Open the newest whole checkpoint of the run; NULL if there is none. Collective. */
oikos_status oikos_trainer_newest(oikos_trainer *t, oikos_checkpoint **checkpoint,
                                  oikos_error *err);

/** Take over from a checkpoint's configuration what the trainer's leaves open. Not collective. */
oikos_status oikos_trainer_choose_as(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                     oikos_error *err);

/** Make the run directory if it is not there, take its lock, and watch over the run from here on:
 * before anything is read. Collective. */
oikos_status oikos_run_directory_claim(oikos_trainer *t, oikos_error *err);

/** Write config.yaml, and metrics.jsonl with the records that the state holds. */
oikos_status oikos_run_directory_prepare(oikos_trainer *t, bool resume, oikos_error *err);

/** Write a number into a line of metrics.jsonl. */
void oikos_metrics_value(FILE *out, const char *name, double x);

/** Append a record to metrics.jsonl. Rank 0 writes. */
oikos_status oikos_metrics_append(const oikos_trainer *t, const oikos_record *record,
                                  oikos_error *err);

#endif
