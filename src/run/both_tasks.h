/* SPDX-License-Identifier: MIT
 * Both tasks together: a rating that is judged for its user and for its item has two expected
 * values, of a user who has adapted and of an item that has; the mean of the two. */
#ifndef OIKOS_RUN_BOTH_TASKS_H
#define OIKOS_RUN_BOTH_TASKS_H

#include "base/memory.h"
#include "dist/team.h"
#include "tasks/ratings.h"

typedef struct oikos_both {
  const oikos_ratings
      *ratings;     /* NULL: no rating is judged twice, and nothing below does anything */
  int64_t n;        /* ratings that are judged */
  int64_t *first;   /* (users + 1) where those of a user begin */
  double *expected; /* (n, 2) for its user, for its item */
  double *bias;     /* (n) what the baseline expects, of both biases */
  oikos_arena memory;
} oikos_both;

/** @param ratings NULL: none. Not collective. */
oikos_status oikos_both_create(const oikos_ratings *ratings, oikos_both *both, oikos_error *err);
void oikos_both_destroy(oikos_both *both);

/**
 * Note the expected values (n) of a learner's queries from the first on, within the range of
 * ratings.
 * @param bias  (n) the same of the baseline; looked at for users
 */
void oikos_both_add(const oikos_both *both, int side, int64_t learner, int64_t first, int64_t n,
                    const double *expected, const double *bias);

/** All ranks get what each has noted, of all learners of the test. Collective. */
void oikos_both_collect(const oikos_both *both, const oikos_team *team);

/** What is expected of a user's rating in place `entry`, by both and by the baseline, and what it
 * is.
 * @param next  0 before the user's first, which comes first */
typedef struct oikos_both_expected {
  double truth, mean, bias;
} oikos_both_expected;
oikos_both_expected oikos_both_at(const oikos_both *both, int64_t user, int64_t entry,
                                  int64_t *next);

#endif
