/* SPDX-License-Identifier: MIT */
#include "run/both_tasks.h"

#include "base/memory.h"
#include "base/try.h"
#include "dist/reduce.h"

static oikos_status allocate(oikos_both *b, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(b->ratings);
  OIKOS_TRY(
      oikos_arena_alloc(&b->memory, &b->first, (size_t)x->users.n + 1, sizeof *b->first, err));
  for (int64_t u = 0; u < x->users.n; u++)
    b->first[u + 1] = b->first[u] + oikos_ratings_evaluated(b->ratings, OIKOS_SIDE_USER, u);
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

/* Which of a user's judged ratings comes entry this place among all: those before it are counted.
 */
static int64_t place_of(const oikos_both *b, int64_t rating) {
  int64_t user = oikos_ratings_index_of(b->ratings)->user[rating], next = 0, entry = b->first[user];
  while (oikos_ratings_next_evaluated(b->ratings, OIKOS_SIDE_USER, user, &next) != rating)
    entry++;
  return entry;
}

void oikos_both_add(const oikos_both *b, int side, int64_t learner, int64_t first, int64_t n,
                    const double *expected, const double *bias) {
  int64_t next = 0;
  if (!b->ratings)
    return;
  for (int64_t k = 0; side == OIKOS_SIDE_USER && k < n; k++) {
    int64_t entry = b->first[learner] + first + k;
    b->expected[2 * entry + side] = expected[k];
    b->bias[entry] = bias[k];
  }
  for (int64_t k = -first; side == OIKOS_SIDE_ITEM && k < n; k++) {
    int64_t rating = oikos_ratings_next_evaluated(b->ratings, side, learner, &next);
    if (k >= 0)
      b->expected[2 * place_of(b, rating) + side] = expected[k];
  }
}

void oikos_both_collect(const oikos_both *b, const oikos_team *team) {
  oikos_collect(team, 2 * (size_t)b->n, b->expected); // each place was noted by one rank
  oikos_collect(team, (size_t)b->n, b->bias);
}

oikos_both_expected oikos_both_at(const oikos_both *b, int64_t user, int64_t entry, int64_t *next) {
  int64_t rating = oikos_ratings_next_evaluated(b->ratings, OIKOS_SIDE_USER, user, next);
  return (oikos_both_expected){(double)oikos_ratings_index_of(b->ratings)->value[rating],
                               (b->expected[2 * entry] + b->expected[2 * entry + 1]) / 2,
                               b->bias[entry]};
}
