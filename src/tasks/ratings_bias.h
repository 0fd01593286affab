/* SPDX-License-Identifier: MIT
 *
 * The baseline of every recommender, which knows no taste: some users are kind, some items good.
 *
 *   r(u, i) = mean + b_u + b_i, within the range of the ratings
 *
 * (Koren, "Factor in the neighbors: scalable and accurate collaborative filtering", ACM TKDD 4(1),
 * 2010, section 2.1.) The biases minimise
 *
 *   sum (r - mean - b_u - b_i)^2 + damping (sum b_u^2 + sum b_i^2)
 *
 * over the training ratings by alternating least squares: in each sweep first every item's bias,
 * then every user's, given the others, is  b = sum of what is left over / (ratings + damping).
 * Who has no training rating has a bias of 0.
 *
 * A user or item that training has not seen gets its bias by the same formula from some ratings of
 * its own, the other side's biases being kept. For a user's training ratings this is the fitted
 * bias; for an item's it is once the sweeps have converged.
 */
#ifndef OIKOS_TASKS_RATINGS_BIAS_H
#define OIKOS_TASKS_RATINGS_BIAS_H

#include "oikos/error.h"
#include "tasks/ratings_index.h"

/** Whose bias; the other side is then that of what it rated, or was rated by. */
typedef enum oikos_bias_side { OIKOS_BIAS_USER = 0, OIKOS_BIAS_ITEM = 1 } oikos_bias_side;

/** A fitted model; users + items numbers. */
typedef struct oikos_ratings_bias oikos_ratings_bias;

/**
 * Fit the biases, in double and in the order of the ratings: the same bits on every rank.
 * @param train    (ratings) 1: used; anything else: never looked at. A split of the index will do
 * @param damping  >= 0; 5 with 20 sweeps is usual for MovieLens
 * @return OIKOS_USAGE if no rating is marked
 */
oikos_status oikos_ratings_bias_create(const oikos_ratings_index *index, const uint8_t *train,
                                       double damping, int sweeps, oikos_ratings_bias **model,
                                       oikos_error *err);
void oikos_ratings_bias_destroy(oikos_ratings_bias *model);

/** The fitted bias of a user or an item. */
double oikos_ratings_bias_of(const oikos_ratings_bias *model, oikos_bias_side side, int64_t number);

/** What the mean and the bias of @p other leave of a rating of somebody of @p side. */
double oikos_ratings_bias_left(const oikos_ratings_bias *model, oikos_bias_side side, int64_t other,
                               double value);

/** The bias of somebody whose n ratings leave this sum; 0 for none. */
double oikos_ratings_bias_damped(const oikos_ratings_bias *model, double sum, int64_t n);

/**
 * The bias of somebody new, from n ratings alone; 0 for none.
 * @param side   whose bias
 * @param other  (n) the numbers of the items that the user rated, or of the item's users
 * @param value  (n) the ratings
 */
double oikos_ratings_bias_adapt(const oikos_ratings_bias *model, oikos_bias_side side, int64_t n,
                                const int32_t *other, const float *value);

/** The rating expected of somebody with this bias and @p other of the other side, within the range
 * of the training ratings. */
double oikos_ratings_bias_predict(const oikos_ratings_bias *model, oikos_bias_side side,
                                  double self, int64_t other);

#endif
