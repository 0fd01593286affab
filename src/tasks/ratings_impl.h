/* SPDX-License-Identifier: MIT
 * Inside of the ratings source. A learner is a user or an item: its side. Its ratings are of the
 * other side. */
#ifndef OIKOS_TASKS_RATINGS_IMPL_H
#define OIKOS_TASKS_RATINGS_IMPL_H

#include "tasks/class_split.h"
#include "tasks/ratings.h"
#include "tasks/ratings_bias.h"
#include "tasks/source.h"
#include "tasks/table_scale.h"

enum { OIKOS_SIDES = 2, OIKOS_MAX_LEVELS = 64 };

/* What one side gives an example: numbers, standardised, then zeros and ones for its categories. */
typedef struct oikos_content {
  size_t offset; /* in an example's x */
  int64_t numbers, categories;
  oikos_table_scale scale; /* of the numbers, over those who train */
} oikos_content;

struct oikos_ratings {
  oikos_ratings_index index;
  const char *file;
  const uint8_t *fold;  /* (ratings) the publisher's split; NULL: by users and items */
  uint8_t *fold_memory; /* that of split last; else NULL */
  oikos_class_split split[OIKOS_SIDES]; /* of users, of items, without a fold */
  uint8_t *part[OIKOS_SIDES];           /* (n) the oikos_split that each is in, without a fold */

  uint8_t *seen[OIKOS_SIDES];       /* (n) whether a rating of it trains */
  bool plays[OIKOS_SIDES];          /* whether learners are of this side */
  int64_t *learner[3][OIKOS_SIDES]; /* those of each split that have enough ratings */
  int64_t n_learners[3][OIKOS_SIDES];
  uint8_t *learns[OIKOS_SIDES];      /* (n) whether it is one of those in training */
  int64_t most_held, most_evaluated; /* ratings of one learner; of its query set in the test */

  int64_t support, support_least, query, eval_support, eval_query;
  bool by_time, self_row, by_ratings;
  double relevant;

  bool classes;           /* targets are classes: the levels */
  double mean, deviation; /* of the ratings that train */
  double least, greatest;
  int64_t n_levels;
  double level[OIKOS_MAX_LEVELS]; /* the different ratings, ascending, of classes */

  size_t width, inputs; /* d; numbers of an example */
  bool content_wanted;
  oikos_content content[OIKOS_SIDES];
  size_t side_offset; /* where an example says who the learner is, with content */

  oikos_ratings_bias *bias; /* with task.residual; else NULL */
  size_t bias_offset;       /* where an example has the learner's bias, then the other one's */
};

/** What the keys of the source want of each other. */
oikos_status oikos_ratings_check_config(const oikos_config *config, const char *file,
                                        oikos_error *err);

static inline const oikos_rating_side *oikos_ratings_side(const oikos_ratings *r, int side) {
  return side == OIKOS_SIDE_USER ? &r->index.users : &r->index.items;
}

/* The k-th rating of a learner, of how many. */
static inline int64_t oikos_ratings_held(const oikos_ratings *r, int side, int64_t learner) {
  const int64_t *first = side == OIKOS_SIDE_USER ? r->index.user_first : r->index.item_first;
  return first[learner + 1] - first[learner];
}

static inline int64_t oikos_ratings_at(const oikos_ratings *r, int side, int64_t learner,
                                       int64_t k) {
  if (side == OIKOS_SIDE_USER)
    return r->index.user_first[learner] + k;
  return r->index.item_rating[r->index.item_first[learner] + k];
}

/* Whom of the other side a rating is of. */
static inline int64_t oikos_ratings_other(const oikos_ratings *r, int side, int64_t rating) {
  return side == OIKOS_SIDE_USER ? r->index.item[rating] : r->index.user[rating];
}

/** Which ratings train and who learns in which split; which ratings there are. */
oikos_status oikos_ratings_divide(oikos_ratings *r, const oikos_config *config, oikos_error *err);

/** Which of the levels a value is, or where among them it would stand. */
int64_t oikos_ratings_find_level(const oikos_ratings *r, double value);

/** Lay out an example. */
oikos_status oikos_ratings_lay_out(oikos_ratings *r, const oikos_config *config, oikos_error *err);

/** The bias of a learner, of these ratings (n) alone: their numbers, or whom they are of and their
 * values; 0 without task.residual. */
double oikos_ratings_self_bias(const oikos_ratings *r, int side, int64_t n, const int64_t *rating);
double oikos_ratings_new_bias(const oikos_ratings *r, int side, int64_t n, const int64_t *other,
                              const float *value);

/** Numbers (oikos_ratings_held) of a learner's ratings that belong to a part of its episodes in a
 * split, in the order of time, unless @p rating is NULL; returns how many. In the fold's test query
 * is apart from support; else all are one pool, whatever @p query says. */
int64_t oikos_ratings_pool(const oikos_ratings *r, oikos_split split, int side, int64_t learner,
                           bool query, int64_t *rating);

#endif
