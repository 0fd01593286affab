/* SPDX-License-Identifier: MIT
 *
 * The embedding rows of the learners at hand: fetched from their owners before the learners train
 * or are judged, and updated after a step by the derivatives with respect to the examples,
 *
 *   row = outer_optimizer(row, sum_i a_i dL_i/drow, epsilon)
 *
 * by the rates and the exact sum of the shared weights (a_i as in learn/update.h), each row with an
 * optimizer state of its own; rows that no learner has in the step stay as they are. outer.clip is
 * for the shared weights and the homes, not for rows. A part of a step (run/part.h).
 */
#ifndef OIKOS_RUN_EMBEDDING_ROWS_H
#define OIKOS_RUN_EMBEDDING_ROWS_H

#include "base/memory.h"
#include "dist/embedding.h"
#include "learn/learner.h"
#include "oikos/trainer.h"

/* So many may be at hand, however few learners train. */
enum { OIKOS_LEARNERS_LEAST = 32, OIKOS_EMBEDDING_ROWS_LEAST = 256 };

typedef struct oikos_embedding_rows {
  oikos_embedding *table;
  int64_t rows;           /* R */
  size_t width;           /* d */
  size_t episode, unseen; /* places that one learner may need in training, one of the unseen */
  int64_t most;           /* oikos_embedding_rows_most */
  int64_t room;           /* learners that this one may have: no fewer */
  int64_t *id;            /* (the larger of room * episode and most * unseen) rows they want */
  int32_t *place;         /* the same, where each stands among the rows at hand */
  size_t *first;          /* (room + 1) where a learner's begin */
  const oikos_real *row;  /* (k, d) the rows at hand */
  oikos_real *scratch;    /* (threads, d) */
  oikos_arena memory;     /* of what `room` counts */
} oikos_embedding_rows;

/** Of the unseen any rank may have so many at hand, with or without an embedding layer. */
int64_t oikos_embedding_rows_most(const oikos_trainer *t);

/** Make the episode of the learner in place @p i of those at hand. */
typedef void oikos_episode_maker(const void *user, int64_t i, oikos_episode *episode);

/**
 * Fetch the rows of the learners at hand, places 0 .. @p count - 1; count <= rows->room.
 * Collective. Nothing without rows (NULL).
 * @param make     makes their episodes, and is called once for each
 * @param episode  memory for one, of the source
 */
oikos_status oikos_embedding_rows_fetch(oikos_embedding_rows *rows, int64_t count,
                                        oikos_episode_maker *make, const void *user,
                                        oikos_episode *episode, oikos_error *err);

/** The rows at hand, from place @p i on; none of rows NULL. */
oikos_row_view oikos_embedding_rows_view(const oikos_embedding_rows *rows, int64_t i);

#endif
