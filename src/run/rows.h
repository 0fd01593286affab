/* SPDX-License-Identifier: MIT
 *
 * The embedding rows of the learners at hand: fetched from their owners before the learners train
 * or are judged, and updated after a step by the derivatives with respect to the examples,
 *
 *   row = outer_optimizer(row, sum_i a_i dL_i/drow, epsilon)
 *
 * by the rates and the exact sum of the shared weights (a_i as in learn/update.h), each row with an
 * optimizer state of its own; rows that no learner has in the step stay as they are. outer.clip is
 * for the shared weights and the homes, not for rows. Without an embedding layer all of this does
 * nothing.
 */
#ifndef OIKOS_RUN_ROWS_H
#define OIKOS_RUN_ROWS_H

#include "dist/embedding.h"
#include "learn/learner.h"
#include "learn/update.h"

/* So many may be at hand, however few learners train. */
enum { OIKOS_LEARNERS_LEAST = 32, OIKOS_ROWS_LEAST = 256 };

typedef struct oikos_rows {
  oikos_embedding *table; /* NULL: there is none */
  int64_t rows;           /* R */
  size_t width;           /* d */
  size_t episode, unseen; /* places that one learner may need in training, one of the unseen */
  int64_t most;           /* of the unseen any rank may have so many at hand */
  int64_t room;           /* learners that this one may have: no fewer */
  int64_t *id;            /* (the larger of room * episode and most * unseen) rows they want */
  int32_t *place;         /* the same, where each stands among the rows at hand */
  size_t *first;          /* (room + 1) where a learner's begin */
  const oikos_real *row;  /* (k, d) the rows at hand */
  oikos_real *own;        /* (threads, d) scratch */
} oikos_rows;

/** @param slots  learners of a rank in a step, at most. Not collective. */
oikos_status oikos_rows_create(const oikos_config *config, const oikos_team *team,
                               const oikos_network *net, oikos_task_shape shape, int64_t slots,
                               int threads, oikos_rows *rows, oikos_error *err);
void oikos_rows_destroy(oikos_rows *rows);

/** Make room for more learners of this rank in a step. Not collective; after a failure all is as it
 * was, but for room that is not needed. */
oikos_status oikos_rows_reserve(oikos_rows *rows, int64_t slots, oikos_error *err);

/** Make the episode of the learner in place @p i of those at hand. */
typedef void oikos_episode_maker(const void *user, int64_t i, oikos_episode *episode);

/**
 * Fetch the rows of the learners at hand, places 0 .. @p count - 1; count <= rows->room.
 * Collective.
 * @param make     makes their episodes, and is called once for each
 * @param episode  memory for one, of the source
 */
oikos_status oikos_rows_fetch(oikos_rows *rows, int64_t count, oikos_episode_maker *make,
                              const void *user, oikos_episode *episode, oikos_error *err);

/** The rows at hand, from learner @p at on. */
oikos_row_view oikos_rows_view(const oikos_rows *rows, int64_t at);

/** Add weight * the derivatives of learner @p at, by a thread. False if one is not finite. */
bool oikos_rows_add(oikos_rows *rows, const oikos_segments *segments, oikos_sum *sum, int thread,
                    int64_t at, const oikos_source *source, const oikos_episode *episode,
                    const oikos_real *dx, oikos_real weight);

/** Forget what was added: the step is to be made again. Not collective. */
void oikos_rows_again(oikos_rows *rows);

/** Step 2 of the rows, by the sum over all ranks. Collective. */
void oikos_rows_update(const oikos_config *config, const oikos_segments *segments,
                       const oikos_sum *sum, int64_t step, oikos_rows *rows);

#endif
