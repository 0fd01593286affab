/* SPDX-License-Identifier: MIT
 *
 * Whether a job has come to a stand, and by whose fault: a judgement of what each rank last said of
 * itself. Nothing here communicates.
 */
#ifndef OIKOS_RUN_STALL_H
#define OIKOS_RUN_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a rank is at, in the order of a run. Those of a step come before those of the next. */
typedef enum {
  OIKOS_PHASE_START,
  OIKOS_PHASE_READ,   /* of the data */
  OIKOS_PHASE_SET_UP, /* of everything else */
  OIKOS_PHASE_LOAD,   /* of the checkpoint */
  OIKOS_PHASE_FETCH,  /* of embedding rows from their owners */
  OIKOS_PHASE_TRAIN,  /* its learners */
  OIKOS_PHASE_REDUCE, /* the all-reduce */
  OIKOS_PHASE_UPDATE, /* of the shared weights and the homes */
  OIKOS_PHASE_RECORD,
  OIKOS_PHASE_CHECKPOINT,
  OIKOS_PHASE_EVALUATE,
  OIKOS_PHASE_END,
  OIKOS_PHASES
} oikos_phase;

/** "the all-reduce"; for any number. */
const char *oikos_phase_name(int phase);

/** What is known of a rank. */
typedef struct oikos_rank_seen {
  char host[64];
  long pid;
  int64_t step;
  int phase;     /* oikos_phase */
  double still;  /* seconds in which it made no progress, as it said */
  double silent; /* seconds since it last said anything */
} oikos_rank_seen;

/**
 * Judge ranks 0 .. n - 1. The job stands still if every rank that is behind the foremost ones, or
 * all where none is, has made no progress for @p limit seconds, or has been silent for @p patience
 * seconds.
 * @param[out] text  if so: the message that names who is behind, where and since when
 */
bool oikos_stalled(const oikos_rank_seen *ranks, int n, double limit, double patience, char *text,
                   size_t size);

#endif
