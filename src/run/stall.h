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

/** Where a rank is, in the order of a run. Those of a step come before those of the next. */
typedef enum {
  OIKOS_AT_START,
  OIKOS_AT_READ,   /* of the data */
  OIKOS_AT_SET_UP, /* of everything else */
  OIKOS_AT_LOAD,   /* of the checkpoint */
  OIKOS_AT_FETCH,  /* of embedding rows from their owners */
  OIKOS_AT_TRAIN,  /* its learners */
  OIKOS_AT_REDUCE, /* the all-reduce */
  OIKOS_AT_UPDATE, /* of the shared weights and the homes */
  OIKOS_AT_RECORD,
  OIKOS_AT_CHECKPOINT,
  OIKOS_AT_EVALUATE,
  OIKOS_AT_END,
  OIKOS_PLACES
} oikos_place;

/** "the all-reduce"; for any number. */
const char *oikos_place_name(int place);

/** What is known of a rank. */
typedef struct oikos_rank_seen {
  char host[64];
  long pid;
  int64_t step;
  int place;     /* oikos_place */
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
