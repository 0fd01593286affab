/* SPDX-License-Identifier: MIT */
#include "run/both_tasks.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "dist/reduce.h"
#include "math/ratio.h"

static oikos_status allocate(oikos_both *b, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(b->ratings);
  int64_t *judged;
  OIKOS_TRY(oikos_alloc(&b->first, (size_t)x->users.n + 1, sizeof *b->first, "both tasks", err));
  OIKOS_TRY(oikos_alloc(&judged, (size_t)x->n, sizeof *judged, "both tasks", err));
  for (int64_t u = 0; u < x->users.n; u++)
    b->first[u + 1] = b->first[u] + oikos_ratings_judged(b->ratings, OIKOS_SIDE_USER, u, judged);
  free(judged);
  b->n = b->first[x->users.n];
  OIKOS_TRY(oikos_alloc(&b->expected, oikos_mul(2, (size_t)b->n), sizeof *b->expected, "both tasks",
                        err));
  return oikos_alloc(&b->bias, (size_t)b->n, sizeof *b->bias, "both tasks", err);
}

oikos_status oikos_both_create(const oikos_ratings *ratings, oikos_both *b, oikos_error *err) {
  *b = (oikos_both){.ratings = ratings && oikos_ratings_judges_twice(ratings) ? ratings : NULL};
  if (!b->ratings)
    return OIKOS_OK;
  oikos_status status = allocate(b, err);
  if (status != OIKOS_OK)
    oikos_both_destroy(b);
  return status;
}

void oikos_both_destroy(oikos_both *b) {
  free(b->first);
  free(b->expected);
  free(b->bias);
  *b = (oikos_both){0};
}

/* Which of a user's judged ratings comes at this place among all: those before it are counted. */
static int64_t place_of(const oikos_both *b, int64_t rating, int64_t *scratch) {
  int64_t user = oikos_ratings_index_of(b->ratings)->user[rating], at = 0,
          n = oikos_ratings_judged(b->ratings, OIKOS_SIDE_USER, user, scratch);
  while (at < n && scratch[at] != rating)
    at++;
  return b->first[user] + at;
}

void oikos_both_note(const oikos_both *b, int side, int64_t learner, const double *expected,
                     const double *bias, int64_t *scratch) {
  if (!b->ratings)
    return;
  int64_t n = oikos_ratings_judged(b->ratings, side, learner, scratch), *users = scratch + n;
  for (int64_t k = 0; k < n; k++) {
    int64_t at = side == OIKOS_SIDE_USER ? b->first[learner] + k : place_of(b, scratch[k], users);
    b->expected[2 * at + side] = expected[k];
    if (side == OIKOS_SIDE_USER)
      b->bias[at] = bias[k];
  }
}

/* Sums of a user: of squares, absolute values, right ones, squares of the baseline, ratings. */
enum { SQUARE, ABSOLUTE, RIGHT, BIAS, NUMBER, OF_USER };

static void judge_user(const oikos_both *b, int64_t u, const int64_t *rating, double *sums) {
  const oikos_ratings_index *x = oikos_ratings_index_of(b->ratings);
  for (int64_t at = b->first[u]; at < b->first[u + 1]; at++) {
    double truth = (double)x->value[rating[at - b->first[u]]],
           mean = (b->expected[2 * at] + b->expected[2 * at + 1]) / 2;
    sums[SQUARE] += pow(mean - truth, 2);
    sums[ABSOLUTE] += fabs(mean - truth);
    sums[RIGHT] += oikos_ratings_level(b->ratings, mean) == oikos_ratings_level(b->ratings, truth);
    sums[BIAS] += pow(b->bias[at] - truth, 2);
    sums[NUMBER]++;
  }
}

static oikos_estimate estimate(oikos_ratio r) {
  return (oikos_estimate){r.value, r.interval, r.units};
}

static void fill(const oikos_both *b, size_t m, const double *sums, int64_t steps, oikos_rated *v) {
  oikos_estimate nothing = {NAN, NAN, 0};
  v->side = 2;
  v->learners = (int64_t)m;
  v->ratings = b->n;
  for (int64_t k = 0; k <= 3 * steps + 2; k++)
    v->rmse[k] = nothing;
  v->rmse[steps] = estimate(oikos_ratio_root(m, OF_USER, sums + SQUARE, sums + NUMBER));
  v->mae[steps] = estimate(oikos_ratio_of(m, OF_USER, sums + ABSOLUTE, sums + NUMBER));
  v->accuracy[steps] = estimate(oikos_ratio_of(m, OF_USER, sums + RIGHT, sums + NUMBER));
  v->bias_rmse = estimate(oikos_ratio_root(m, OF_USER, sums + BIAS, sums + NUMBER));
  v->gain = estimate(oikos_ratio_gain(m, OF_USER, sums + SQUARE, sums + BIAS));
  v->ndcg[0] = v->ndcg[1] = v->recall = v->chance = nothing;
}

oikos_status oikos_both_sum_up(const oikos_both *b, const oikos_team *team, int64_t steps,
                               oikos_rated *v, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(b->ratings);
  size_t m = 0, n = (size_t)steps + 1;
  double *sums = NULL;
  int64_t *rating = NULL;
  oikos_collect(team, 2 * (size_t)b->n, b->expected); // each place was noted by one rank
  oikos_collect(team, (size_t)b->n, b->bias);
  oikos_status status = oikos_alloc(&v->rmse, oikos_mul(3, n), sizeof *v->rmse, "both tasks", err);
  if (status == OIKOS_OK)
    status =
        oikos_alloc(&sums, oikos_mul(OF_USER, (size_t)x->users.n), sizeof *sums, "both tasks", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&rating, (size_t)x->n, sizeof *rating, "both tasks", err);
  for (int64_t u = 0; u < x->users.n && status == OIKOS_OK; u++) {
    if (oikos_ratings_judged(b->ratings, OIKOS_SIDE_USER, u, rating) > 0)
      judge_user(b, u, rating, sums + OF_USER * m++);
  }
  if (status == OIKOS_OK) {
    v->mae = v->rmse + n;
    v->accuracy = v->mae + n;
    fill(b, m, sums, steps, v);
  }
  free(sums);
  free(rating);
  return oikos_agree(team, status, err);
}
