/* SPDX-License-Identifier: MIT
 *
 * Recommendations of a trained model: somebody's ratings are the support set, the model adapts to
 * them as in training, and everything that training knows is ranked by the rating it expects.
 */
#ifndef OIKOS_RECOMMEND_H
#define OIKOS_RECOMMEND_H

#include "oikos/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Somebody to recommend to. */
typedef struct oikos_request {
  int side;             /**< 0: items for a user, 1: users for an item */
  int64_t learner;      /**< its number in the ratings file; -1: it is new, and known by its ratings
                           alone */
  int64_t n;            /**< its ratings; support are the last eval.support (or task.support) */
  const int64_t *other; /**< (n) numbers of the items that a user rated, or of an item's users:
                           these are not recommended again */
  const float *value;   /**< (n) the ratings */
} oikos_request;

/** What is recommended to one, the best first; of equal scores the lower number. */
typedef struct oikos_ranks {
  int n;
  const int64_t *other; /**< (n) numbers of items, or of users */
  const double
      *score; /**< (n) expected ratings; they may lie a little beyond the range of ratings */
} oikos_ranks;

/** What to do with what comes of request @p i; the ranks are valid during the call. */
typedef oikos_status oikos_recommended(void *user, int64_t i, const oikos_ranks *ranks,
                                       oikos_error *err);

/**
 * Recommend to some. Collective; each rank brings requests of its own, maybe none, and hears of
 * these, in their order.
 * @param top  how many are wanted of each, at least 1
 * @return OIKOS_USAGE if the model was not trained on ratings, or does not know such learners
 */
oikos_status oikos_trainer_recommend(oikos_trainer *trainer, int64_t count,
                                     const oikos_request *requests, int top,
                                     oikos_recommended *then, void *user, oikos_error *err);

#ifdef __cplusplus
}
#endif
#endif
