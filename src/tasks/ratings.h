/* SPDX-License-Identifier: MIT
 *
 * Ratings as tasks. A learner is a user, who is to find items, or an item, which is to find users;
 * an episode is some of its ratings to learn on, and others to be judged on. Both kinds see the
 * same examples: x is
 *
 *   (row of the user (d), row of the item (d), numbers and categories of the user, of the item,
 *    1 for a user who learns or -1 for an item, the learner's bias, the other one's)
 *
 * where the rows are those of the model's embedding layer, if it begins with one, the biases are
 * there with task.residual, by who learns since the own one is of few ratings, and the rest is
 * there with task.content. A row of the table is a user's, or behind them an item's.
 *
 * Which ratings train: with a publisher's split its base part; a learner's support is then of the
 * base part too, and its query in the test is the test part. Else users and items are split by
 * themselves: those of the training part rate each other in training, and a learner of the test is
 * a user or an item that training has never seen, with its ratings of the other side's training
 * part. No query of the test is ever a support example, or in training.
 *
 * With task.residual a target is what the damped biases (tasks/ratings_bias.h) leave of the rating,
 *
 *   y = (rating - baseline - mean) / deviation,  baseline = own bias + bias of the other one
 *
 * so that an output of zero is what the biases expect. The own bias is fitted on the support alone,
 * those of the other side on the ratings that train: no query of the test is in its own baseline.
 */
#ifndef OIKOS_TASKS_RATINGS_H
#define OIKOS_TASKS_RATINGS_H

#include "oikos/tasks.h"
#include "tasks/ratings_bias.h"
#include "tasks/ratings_index.h"

enum { OIKOS_SIDE_USER, OIKOS_SIDE_ITEM };

typedef struct oikos_ratings oikos_ratings;

/** The ratings of a source; NULL for other sources. */
const oikos_ratings *oikos_source_ratings_of(const oikos_source *source);

const oikos_ratings_index *oikos_ratings_index_of(const oikos_ratings *ratings);

/** Whether learners may be of a side (task.roles). */
bool oikos_ratings_plays(const oikos_ratings *ratings, int side);

/** Whether a rating trains. */
bool oikos_ratings_trains(const oikos_ratings *ratings, int64_t rating);

/** Whether training sees a user or an item: some rating of it trains. */
bool oikos_ratings_knows(const oikos_ratings *ratings, int side, int64_t number);

/** The row of a user or an item in the embedding table. */
int64_t oikos_ratings_row(const oikos_ratings *ratings, int side, int64_t number);

/** Whether the test judges single ratings of users and items that are known (a publisher's split,
 * or the last ones): then each is judged twice, for its user and for its item. */
bool oikos_ratings_judges_twice(const oikos_ratings *ratings);

/** Where each is judged twice: how many ratings the test judges of a learner, and one after the
 * other, in the order of its query, their numbers. @p next is 0 before the first. */
int64_t oikos_ratings_evaluated(const oikos_ratings *ratings, int side, int64_t learner);
int64_t oikos_ratings_next_evaluated(const oikos_ratings *ratings, int side, int64_t learner,
                                     int64_t *next);

/** Write an example of a learner and one of the other side, without its embedding rows. A learner
 * of -1 is one that nothing is known of but its ratings: its content is zero, the mean. */
void oikos_ratings_example(const oikos_ratings *ratings, int side, int64_t learner, int64_t other,
                           oikos_real *x);

/** Fit the damped biases to the ratings that train. */
oikos_status oikos_ratings_fit_bias(const oikos_ratings *ratings, oikos_ratings_bias **model,
                                    oikos_error *err);

/** The baseline of an example, to be added to what its target or outputs stand for, and write both
 * biases into x. @return 0 without task.residual, and x is left as it is */
double oikos_ratings_baseline(const oikos_ratings *ratings, int side, int64_t other, double self,
                              oikos_real *x);

/** The rating of example i of an episode, support first: of its target and its baseline. */
double oikos_ratings_truth(const oikos_ratings *ratings, const oikos_episode *episode, size_t i);

/** Write the target that stands for a rating. @return false if the model has none for it */
bool oikos_ratings_target(const oikos_ratings *ratings, double value, oikos_real *y);

/** The rating that a target stands for. */
double oikos_ratings_value(const oikos_ratings *ratings, oikos_real y);

/** The rating that a model expects, from its outputs of one example: of classes the mean over
 * their softmax. It orders items; to be compared with ratings, bring it within their range. */
double oikos_ratings_expected(const oikos_ratings *ratings, const oikos_real *outputs);
double oikos_ratings_within(const oikos_ratings *ratings, double value);

/** From this rating on something is worth recommending (task.relevant). */
double oikos_ratings_relevant(const oikos_ratings *ratings);

/**
 * Make an episode for somebody who is to be recommended to: support are the last eval.support of
 * these ratings, and nothing is judged.
 * @param learner  a user or an item, or -1 for one that is new
 * @param other    (n) of whom it has ratings
 */
void oikos_ratings_episode(const oikos_source *source, int side, int64_t learner, int64_t n,
                           const int64_t *other, const float *value, oikos_episode *episode);

/** Check that a rating is of the file's scale: of classes one of its levels, else within its range.
 * @return OIKOS_USAGE: "expected one of the ratings that the file has, 1, 2, 3, 4, 5, found 4.5" */
oikos_status oikos_ratings_check(const oikos_ratings *ratings, double value, oikos_error *err);

/** The nearest of the different ratings that there are, the lower one of two; the value itself
 * where there are too many. */
double oikos_ratings_level(const oikos_ratings *ratings, double value);

/** The rating that a model gives most of its weight: of classes the first one with the largest
 * output, else the nearest level to the expected rating. */
double oikos_ratings_likeliest(const oikos_ratings *ratings, const oikos_real *outputs);

#endif
