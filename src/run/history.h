/* SPDX-License-Identifier: MIT
 *
 * The history of a run: sums over the steps since the last record, and all records so far. Part of
 * the checkpoint. A row is F = 9 + 2 T numbers: step, episodes, support loss, query loss, accuracy,
 * learner norm, gradient norm, rate, moved, members (T), scores (T); and the columns of the parts
 * of a step (run/part.h). Behind them stands what is a dataset of its own in a checkpoint: how sure
 * learners are of their homes, since records of older versions do not have it; and what is not part
 * of the state.
 */
#ifndef OIKOS_RUN_HISTORY_H
#define OIKOS_RUN_HISTORY_H

#include "oikos/trainer.h"

enum {
  OIKOS_ROW_STEP,
  OIKOS_ROW_EPISODES,
  OIKOS_ROW_SUPPORT_LOSS,
  OIKOS_ROW_QUERY_LOSS,
  OIKOS_ROW_ACCURACY,
  OIKOS_ROW_LEARNER_NORM,
  OIKOS_ROW_GRADIENT_NORM,
  OIKOS_ROW_RATE,
  OIKOS_ROW_MOVED,
  OIKOS_ROW_MEMBERS,
};

/* Behind the F numbers of a row. */
enum {
  OIKOS_ASIDE_CONFIDENCE,       /* of learners of their homes; 0: not known, of an older version */
  OIKOS_ASIDE_CONFIDENCE_STEPS, /* pending: steps in the sum of it */
  OIKOS_ASIDE_BALANCE,          /* 0: not known, or one rank */
  OIKOS_ASIDE_SECONDS,
  OIKOS_ASIDE_TASKS_PER_SECOND,
  OIKOS_N_ASIDE
};

typedef struct oikos_history {
  int n_homes;
  size_t fields;   /* F, with the columns of the parts */
  size_t width;    /* F + OIKOS_N_ASIDE */
  double *now;     /* (width) one step */
  double *pending; /* (width) sums since the last record; [OIKOS_ROW_STEP] counts the steps in it */
  int64_t records;
  size_t room;              /* records that fit */
  double *rows;             /* (records, width) */
  double started, recorded; /* wall clock at the start and at the last record */
} oikos_history;

/** @param columns  of the parts */
oikos_status oikos_history_create(int n_homes, size_t columns, oikos_history *h, oikos_error *err);
void oikos_history_destroy(oikos_history *h);

/** Make room for this many records. */
oikos_status oikos_history_reserve(oikos_history *h, int64_t records, oikos_error *err);

/** Add h->now, filled by the caller, to the pending sums. */
void oikos_history_add(oikos_history *h);

/** Close a record of the pending steps. */
oikos_status oikos_history_close(oikos_history *h, int64_t step, int64_t episodes,
                                 int64_t episodes_in_it, oikos_error *err);

/** Whether steps and episodes of the records, and the steps since, can be those of a run of so many
 * steps. */
bool oikos_history_sound(const oikos_history *h, int64_t step);

/** The row of a record by its number, and what of the record does not come from parts. */
double *oikos_history_row(const oikos_history *h, int64_t index);
oikos_record oikos_history_record(const oikos_history *h, int64_t index);

#endif
