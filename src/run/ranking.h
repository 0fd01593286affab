/* SPDX-License-Identifier: MIT
 *
 * The best of all that could be recommended, for learners who have adapted: items for a user, or
 * users for an item. Embedding rows of the candidates are fetched in blocks, so memory does not
 * grow with their number; learners are spread over ranks and threads.
 */
#ifndef OIKOS_RUN_RANKING_H
#define OIKOS_RUN_RANKING_H

#include "oikos/recommend.h"
#include "run/embedding_rows.h"
#include "tasks/ratings.h"

typedef struct oikos_ranking oikos_ranking;

/**
 * For up to `most` learners at a time. Not collective.
 * @param top  how many are wanted of each
 */
oikos_status oikos_ranking_create(oikos_trainer *trainer, int top, int64_t most,
                                  oikos_ranking **ranking, oikos_error *err);
void oikos_ranking_destroy(oikos_ranking *ranking);

/** The learner in place @p i, in worker's episode, has adapted to theta (M). Not collective; each
 * place by one thread. */
void oikos_ranking_keep(oikos_ranking *ranking, int64_t i, const oikos_episode *episode, int side,
                        int64_t learner, const oikos_real *theta);

/** Which of the candidates first .. first + n - 1 the learner in place @p i is not to get: set
 * skip[k]. */
typedef void oikos_ranking_skip(const void *user, int64_t i, int64_t first, int64_t n,
                                uint8_t *skip);

/** Rank for the learners in places 0 .. count - 1. Candidates that training has not seen are not
 * recommended; those of one score come in an order that is drawn for each learner. Collective.
 * @return OIKOS_STOPPED on all ranks if any was asked to stop: nothing came of it */
oikos_status oikos_ranking_run(oikos_ranking *ranking, int64_t count, oikos_ranking_skip *skip,
                               const void *user, oikos_error *err);

/** What came of place @p i. Not collective. */
oikos_ranks oikos_ranking_of(const oikos_ranking *ranking, int64_t i);

#endif
