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
  OIKOS_TRY(
      oikos_arena_alloc(&b->memory, &b->first, (size_t)x->users.n + 1, sizeof *b->first, err));
  for (int64_t u = 0; u < x->users.n; u++)
    b->first[u + 1] = b->first[u] + oikos_ratings_judged(b->ratings, OIKOS_SIDE_USER, u);
  b->n = b->first[x->users.n];
  OIKOS_TRY(oikos_arena_alloc(&b->memory, &b->expected, oikos_mul(2, (size_t)b->n),
                              sizeof *b->expected, err));
  return oikos_arena_alloc(&b->memory, &b->bias, (size_t)b->n, sizeof *b->bias, err);
}

oikos_status oikos_both_create(const oikos_ratings *ratings, oikos_both *b, oikos_error *err) {
  *b = (oikos_both){.ratings = ratings && oikos_ratings_judges_twice(ratings) ? ratings : NULL,
                    .memory.what = "both tasks"};
  if (!b->ratings)
    return OIKOS_OK;
  oikos_status status = allocate(b, err);
  if (status != OIKOS_OK)
    oikos_both_destroy(b);
  return status;
}

void oikos_both_destroy(oikos_both *b) {
  oikos_arena_free(&b->memory);
  *b = (oikos_both){0};
}

/* Which of a user's judged ratings comes at this place among all: those before it are counted. */
static int64_t place_of(const oikos_both *b, int64_t rating) {
  int64_t user = oikos_ratings_index_of(b->ratings)->user[rating], next = 0, at = b->first[user];
  while (oikos_ratings_next_judged(b->ratings, OIKOS_SIDE_USER, user, &next) != rating)
    at++;
  return at;
}

void oikos_both_note(const oikos_both *b, int side, int64_t learner, int64_t first, int64_t n,
                     const double *expected, const double *bias) {
  int64_t next = 0;
  if (!b->ratings)
    return;
  for (int64_t k = 0; side == OIKOS_SIDE_USER && k < n; k++) {
    int64_t at = b->first[learner] + first + k;
    b->expected[2 * at + side] = expected[k];
    b->bias[at] = bias[k];
  }
  for (int64_t k = -first; side == OIKOS_SIDE_ITEM && k < n; k++) {
    int64_t rating = oikos_ratings_next_judged(b->ratings, side, learner, &next);
    if (k >= 0)
      b->expected[2 * place_of(b, rating) + side] = expected[k];
  }
}

/* Sums of a user: of squares, absolute values, right ones, squares of the baseline, ratings. */
enum { SQUARE, ABSOLUTE, RIGHT, BIAS, NUMBER, OF_USER };

static void judge_user(const oikos_both *b, int64_t u, double *sums) {
  const oikos_ratings_index *x = oikos_ratings_index_of(b->ratings);
  int64_t next = 0;
  for (int64_t at = b->first[u]; at < b->first[u + 1]; at++) {
    int64_t rating = oikos_ratings_next_judged(b->ratings, OIKOS_SIDE_USER, u, &next);
    double truth = (double)x->value[rating],
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
  oikos_collect(team, 2 * (size_t)b->n, b->expected); // each place was noted by one rank
  oikos_collect(team, (size_t)b->n, b->bias);
  oikos_status status = oikos_alloc(&v->rmse, oikos_mul(3, n), sizeof *v->rmse, "both tasks", err);
  if (status == OIKOS_OK)
    status =
        oikos_alloc(&sums, oikos_mul(OF_USER, (size_t)x->users.n), sizeof *sums, "both tasks", err);
  for (int64_t u = 0; u < x->users.n && status == OIKOS_OK; u++) {
    if (b->first[u + 1] > b->first[u])
      judge_user(b, u, sums + OF_USER * m++);
  }
  if (status == OIKOS_OK) {
    v->mae = v->rmse + n;
    v->accuracy = v->mae + n;
    fill(b, m, sums, steps, v);
  }
  free(sums);
  return oikos_agree(team, status, err);
}
