/* SPDX-License-Identifier: MIT
 * Which ratings train, who learns in which split, and what levels the ratings have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/ratings_impl.h"

enum { BASE = 1, TEST = 2 }; // of a publisher's split

static oikos_status find_fold(oikos_ratings *r, const oikos_config *config, oikos_error *err) {
  const oikos_ratings_index *x = &r->index;
  char known[256] = "none";
  for (int64_t s = 0, length = 0; s < x->n_splits; s++) {
    if (strcmp(x->split_name[s], config->task.fold) == 0) {
      r->fold = x->split[s];
      return OIKOS_OK;
    }
    if (length < (int64_t)sizeof known)
      length += snprintf(known + length, sizeof known - (size_t)length, "%s%.32s",
                         length ? ", " : "", x->split_name[s]);
  }
  return oikos_fail(err, OIKOS_USAGE, "%s: no split is called %.60s (task.fold); the file has: %s",
                    r->file, config->task.fold, known);
}

/* The last fifth of each user's ratings, rounded, is the test. */
static oikos_status mark_last(oikos_ratings *r, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&r->fold_memory, (size_t)r->index.n, 1, "the split", err));
  for (int64_t u = 0; u < r->index.users.n; u++) {
    int64_t end = r->index.user_first[u + 1], held = end - r->index.user_first[u];
    for (int64_t k = r->index.user_first[u]; k < end; k++)
      r->fold_memory[k] = k < end - (held + 2) / 5 ? BASE : TEST;
  }
  r->fold = r->fold_memory;
  return OIKOS_OK;
}

static oikos_status split_side(oikos_ratings *r, const oikos_config *config, int side,
                               oikos_error *err) {
  const oikos_rating_side *x = oikos_ratings_side(r, side);
  const oikos_class_list list = {
      x->n, x->id, NULL, side == OIKOS_SIDE_USER ? "user" : "item", "ratings file", (uint64_t)side};
  OIKOS_TRY(oikos_class_split_create(config, &list, &r->split[side], err));
  OIKOS_TRY(oikos_alloc(&r->part[side], (size_t)x->n, 1, "the split", err));
  for (int s = 0; s < 3; s++)
    for (int64_t k = 0; k < r->split[side].n[s]; k++)
      r->part[side][r->split[side].classes[s][k]] = (uint8_t)s;
  return OIKOS_OK;
}

bool oikos_ratings_trains(const oikos_ratings *r, int64_t rating) {
  if (r->fold)
    return r->fold[rating] == BASE;
  return r->part[OIKOS_SIDE_USER][r->index.user[rating]] == OIKOS_TRAIN &&
         r->part[OIKOS_SIDE_ITEM][r->index.item[rating]] == OIKOS_TRAIN;
}

bool oikos_ratings_knows(const oikos_ratings *r, int side, int64_t number) {
  return r->seen[side][number];
}

int64_t oikos_ratings_pool(const oikos_ratings *r, oikos_split split, int side, int64_t learner,
                           bool query, int64_t *rating) {
  int64_t n = 0;
  uint8_t wanted = query && split == OIKOS_TEST ? TEST : BASE;
  for (int64_t k = 0; k < oikos_ratings_held(r, side, learner); k++) {
    int64_t held = oikos_ratings_at(r, side, learner, k);
    bool taken = r->fold ? r->fold[held] == wanted
                         : r->part[!side][oikos_ratings_other(r, side, held)] == OIKOS_TRAIN;
    if (taken && rating)
      rating[n] = held;
    n += taken;
  }
  return n;
}

bool oikos_ratings_judges_twice(const oikos_ratings *r) {
  return r->fold && r->plays[OIKOS_SIDE_USER] && r->plays[OIKOS_SIDE_ITEM];
}

int64_t oikos_ratings_evaluated(const oikos_ratings *r, int side, int64_t learner) {
  return oikos_ratings_pool(r, OIKOS_TEST, side, learner, true, NULL);
}

int64_t oikos_ratings_next_evaluated(const oikos_ratings *r, int side, int64_t learner,
                                     int64_t *next) {
  while (r->fold[oikos_ratings_at(r, side, learner, *next)] != TEST)
    (*next)++;
  return oikos_ratings_at(r, side, learner, (*next)++);
}

/* Whether someone has enough ratings to be a learner of a split. */
static bool learns(oikos_ratings *r, oikos_split split, int side, int64_t learner) {
  if (!r->fold && r->part[side][learner] != split)
    return false;
  if (r->fold && split == OIKOS_VALIDATION)
    return false;
  int64_t pool = oikos_ratings_pool(r, split, side, learner, true, NULL);
  if (split != OIKOS_TRAIN && pool > r->most_evaluated)
    r->most_evaluated = pool;
  return pool >= (r->fold && split == OIKOS_TEST ? 1 : 2);
}

static oikos_status list_learners(oikos_ratings *r, int side, oikos_error *err) {
  int64_t n = oikos_ratings_side(r, side)->n;
  OIKOS_TRY(oikos_alloc(&r->learns[side], (size_t)n, 1, "the learners", err));
  for (int s = 0; s < 3; s++) {
    int64_t *count = &r->n_learners[s][side];
    OIKOS_TRY(oikos_alloc(&r->learner[s][side], (size_t)n, sizeof(int64_t), "the learners", err));
    for (int64_t k = 0; k < n; k++)
      if (learns(r, (oikos_split)s, side, k))
        r->learner[s][side][(*count)++] = k;
  }
  for (int64_t k = 0; k < r->n_learners[OIKOS_TRAIN][side]; k++)
    r->learns[side][r->learner[OIKOS_TRAIN][side][k]] = 1;
  return OIKOS_OK;
}

static void find_most_held(oikos_ratings *r) {
  for (int side = 0; side < OIKOS_SIDES; side++)
    for (int64_t k = 0; k < oikos_ratings_side(r, side)->n; k++) {
      int64_t held = oikos_ratings_held(r, side, k);
      r->most_held = held > r->most_held ? held : r->most_held;
    }
}

/* Whom training sees. */
static oikos_status mark_seen(oikos_ratings *r, oikos_error *err) {
  for (int side = 0; side < OIKOS_SIDES; side++)
    OIKOS_TRY(
        oikos_alloc(&r->seen[side], (size_t)oikos_ratings_side(r, side)->n, 1, "the split", err));
  for (int64_t k = 0; k < r->index.n; k++)
    if (oikos_ratings_trains(r, k))
      r->seen[OIKOS_SIDE_USER][r->index.user[k]] = r->seen[OIKOS_SIDE_ITEM][r->index.item[k]] = 1;
  return OIKOS_OK;
}

/* Mean, deviation and range of the ratings that train. */
static oikos_status measure(oikos_ratings *r, oikos_error *err) {
  double n = 0, sum = 0, squares = 0;
  for (int64_t k = 0; k < r->index.n; k++) {
    double value = (double)r->index.value[k];
    if (!oikos_ratings_trains(r, k))
      continue;
    r->least = n == 0 || value < r->least ? value : r->least;
    r->greatest = n == 0 || value > r->greatest ? value : r->greatest;
    n++;
    sum += value;
  }
  if (n == 0)
    return oikos_fail(err, OIKOS_USAGE, "%s: no rating is left to train on; change task.split",
                      r->file);
  r->mean = sum / n;
  for (int64_t k = 0; k < r->index.n; k++)
    if (oikos_ratings_trains(r, k))
      squares += pow((double)r->index.value[k] - r->mean, 2);
  r->deviation = squares > 0 ? sqrt(squares / n) : 1;
  return OIKOS_OK;
}

/* The different ratings, of training and test; classes have no other way to be told apart. */
static oikos_status find_levels(oikos_ratings *r, oikos_error *err) {
  for (int64_t k = 0; k < r->index.n; k++) {
    double value = (double)r->index.value[k];
    int64_t level = oikos_ratings_find_level(r, value);
    if (level < r->n_levels && r->level[level] == value)
      continue;
    if (r->n_levels == OIKOS_MAX_LEVELS && r->classes)
      return oikos_fail(err, OIKOS_USAGE,
                        "%s: more than %d different ratings, too many for classes; set model.loss "
                        "to mse",
                        r->file, OIKOS_MAX_LEVELS);
    if (r->n_levels == OIKOS_MAX_LEVELS) { // a rating is its own level
      r->n_levels = 0;
      return OIKOS_OK;
    }
    memmove(r->level + level + 1, r->level + level,
            (size_t)(r->n_levels++ - level) * sizeof *r->level);
    r->level[level] = value;
  }
  return OIKOS_OK;
}

oikos_status oikos_ratings_divide(oikos_ratings *r, const oikos_config *config, oikos_error *err) {
  if (config->task.split == OIKOS_SPLIT_FILE)
    OIKOS_TRY(find_fold(r, config, err));
  if (config->task.split == OIKOS_SPLIT_LAST)
    OIKOS_TRY(mark_last(r, err));
  for (int side = 0; side < OIKOS_SIDES && !r->fold; side++)
    OIKOS_TRY(split_side(r, config, side, err));
  OIKOS_TRY(mark_seen(r, err));
  OIKOS_TRY(measure(r, err));
  OIKOS_TRY(find_levels(r, err));
  find_most_held(r);
  for (int side = 0; side < OIKOS_SIDES; side++)
    if (r->plays[side])
      OIKOS_TRY(list_learners(r, side, err));
  return OIKOS_OK;
}
