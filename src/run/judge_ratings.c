/* SPDX-License-Identifier: MIT */
#include "run/judge_ratings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "run/embedding_rows.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

enum { TOP = 10 };
enum { NUMBER, SIDE, BIAS, NDCG_5, NDCG_10, RECALL, CHANCE, FIRST_STEP }; /* numbers of a row */
enum { SQUARE, ABSOLUTE, RIGHT, OF_STEP };                                /* of each step in it */

size_t oikos_judge_fields(const oikos_judge *j, int64_t steps) {
  return j->ratings ? FIRST_STEP + OF_STEP * ((size_t)steps + 1) : 0;
}

static oikos_status allocate(oikos_judge *j, oikos_task_shape shape, int64_t most,
                             oikos_error *err) {
  size_t n = (size_t)most;
  OIKOS_TRY(oikos_arena_alloc(&j->memory, &j->unit, n, sizeof *j->unit, err));
  OIKOS_TRY(oikos_arena_alloc(&j->memory, &j->first, n + 1, sizeof *j->first, err));
  OIKOS_TRY(
      oikos_arena_alloc(&j->memory, &j->scratch, (size_t)j->threads, sizeof *j->scratch, err));
  for (int k = 0; k < j->threads; k++) {
    oikos_judge_scratch *s = &j->scratch[k];
    OIKOS_TRY(
        oikos_arena_alloc(&j->memory, &s->expected, shape.query_part, sizeof *s->expected, err));
    OIKOS_TRY(oikos_arena_alloc(&j->memory, &s->bias, shape.query_part, sizeof *s->bias, err));
    OIKOS_TRY(oikos_arena_alloc(&j->memory, &s->other, shape.support, sizeof *s->other, err));
    OIKOS_TRY(oikos_arena_alloc(&j->memory, &s->value, shape.support, sizeof *s->value, err));
  }
  return OIKOS_OK;
}

static void count_known(oikos_judge *j) {
  const oikos_ratings_index *x = oikos_ratings_index_of(j->ratings);
  for (int side = OIKOS_SIDE_USER; side <= OIKOS_SIDE_ITEM; side++)
    for (int64_t k = 0; k < (side == OIKOS_SIDE_USER ? x->users.n : x->items.n); k++)
      j->known[side] += oikos_ratings_knows(j->ratings, side, k);
}

oikos_status oikos_judge_create(oikos_trainer *t, oikos_judge *j, oikos_error *err) {
  *j = (oikos_judge){.ratings = oikos_source_ratings_of(t->source),
                     .part = oikos_source_shape(t->source).query_part,
                     .threads = t->n_threads,
                     .memory.what = "the evaluation",
                     .queries.what = "the queries of an evaluation"};
  if (!j->ratings)
    return OIKOS_OK;
  count_known(j);
  oikos_status status = oikos_ratings_fit_bias(j->ratings, &j->bias, err);
  if (status == OIKOS_OK)
    status = allocate(j, oikos_source_shape(t->source), oikos_embedding_rows_most(t), err);
  if (status == OIKOS_OK)
    status = oikos_ranking_create(t, TOP, oikos_embedding_rows_most(t), &j->ranking, err);
  if (status == OIKOS_OK)
    status = oikos_both_create(j->ratings, &j->both, err);
  if (status != OIKOS_OK)
    oikos_judge_destroy(j);
  return status;
}

static oikos_status reserve_queries(oikos_judge *j, size_t n, oikos_error *err) {
  if (n <= j->room)
    return OIKOS_OK;
  oikos_arena_free(&j->queries);
  j->room = 0;
  OIKOS_TRY(oikos_arena_alloc(&j->queries, &j->query, n, sizeof *j->query, err));
  OIKOS_TRY(oikos_arena_alloc(&j->queries, &j->score, n, sizeof *j->score, err));
  OIKOS_TRY(oikos_arena_alloc(&j->queries, &j->relevance, n, sizeof *j->relevance, err));
  OIKOS_TRY(oikos_arena_alloc(&j->queries, &j->ranked, n, sizeof *j->ranked, err));
  j->room = n;
  return OIKOS_OK;
}

oikos_status oikos_judge_begin(oikos_judge *j, int64_t count, const int64_t *queries,
                               oikos_error *err) {
  if (!j->ratings)
    return OIKOS_OK;
  for (int64_t i = 0; i < count; i++)
    j->first[i + 1] = j->first[i] + queries[i];
  return reserve_queries(j, (size_t)j->first[count], err);
}

void oikos_judge_destroy(oikos_judge *j) {
  oikos_both_destroy(&j->both);
  oikos_ratings_bias_destroy(j->bias);
  oikos_ranking_destroy(j->ranking);
  oikos_arena_free(&j->memory);
  oikos_arena_free(&j->queries);
  *j = (oikos_judge){0};
}

/* Who learns in an episode, and the ratings it has. */
typedef struct who {
  int side;
  int64_t learner;
  const oikos_ratings_index *index;
  const int64_t *held; /* [learner] .. [learner + 1] - 1 are its own */
} who;

/* A unit is a row of the embedding table, users first. */
static who who_of(const oikos_judge *j, int64_t unit) {
  const oikos_ratings_index *x = oikos_ratings_index_of(j->ratings);
  return unit >= x->users.n ? (who){OIKOS_SIDE_ITEM, unit - x->users.n, x, x->item_first}
                            : (who){OIKOS_SIDE_USER, unit, x, x->user_first};
}

/* Whom rating k of the learner's is of. */
static int64_t rated_by(const who *w, int64_t k) {
  const oikos_ratings_index *x = w->index;
  return w->side == OIKOS_SIDE_ITEM ? x->user[x->item_rating[k]] : x->item[k];
}

/* Whom example i is of: its row stands behind the users' if it is an item. */
static int64_t other_of(const oikos_judge *j, const oikos_episode *e, int side, size_t i) {
  return e->embedding_rows.other[i] -
         (side == OIKOS_SIDE_USER ? oikos_ratings_index_of(j->ratings)->users.n : 0);
}

/* The squared error of the baseline, whose own bias is fitted on the support. */
static double judge_bias(const oikos_judge *j, oikos_judge_scratch *s, const oikos_episode *e,
                         int side) {
  double sum = 0;
  for (size_t i = 0; i < e->support.n; i++) {
    s->other[i] = (int32_t)other_of(j, e, side, i);
    s->value[i] = (float)oikos_ratings_truth(j->ratings, e, i);
  }
  double self = oikos_ratings_bias_adapt(j->bias, (oikos_bias_side)side, (int64_t)e->support.n,
                                         s->other, s->value);
  for (size_t i = 0; i < e->query.n; i++) {
    s->bias[i] = oikos_ratings_bias_predict(j->bias, (oikos_bias_side)side, self,
                                            other_of(j, e, side, e->support.n + i));
    sum += pow(s->bias[i] - oikos_ratings_truth(j->ratings, e, e->support.n + i), 2);
  }
  return sum;
}

/* What does not change with the inner steps: counts, the baseline; and what is of the last one.
 * `from` is the place of the part's first query in the episode. */
static void add_part(const oikos_judge *j, oikos_judge_scratch *s, int64_t i,
                     const oikos_episode *e, int64_t from, double *row) {
  who w = who_of(j, e->unit);
  row[NUMBER] += (double)e->query.n;
  row[SIDE] = w.side;
  row[BIAS] += judge_bias(j, s, e, w.side);
  j->unit[i] = e->unit;
  for (size_t q = 0; q < e->query.n; q++)
    j->query[j->first[i] + from + (int64_t)q] = (int32_t)other_of(j, e, w.side, e->support.n + q);
  oikos_both_add(&j->both, w.side, w.learner, from, (int64_t)e->query.n, s->expected, s->bias);
}

/* The rating that the outputs of query i say, with its baseline if there is one. */
static double expected_of(const oikos_judge *j, const oikos_episode *e, size_t i, const real *out) {
  double value = oikos_ratings_expected(j->ratings, out);
  return e->baseline ? value + e->baseline[e->support.n + i] : value;
}

/* Baselines are of numbers, whose likeliest rating is the level nearest to the expected one. */
static double likeliest_of(const oikos_judge *j, const oikos_episode *e, double expected,
                           const real *out) {
  return e->baseline ? oikos_ratings_level(j->ratings, expected)
                     : oikos_ratings_likeliest(j->ratings, out);
}

void oikos_judge_step(const oikos_judge *j, int thread, const oikos_network *net, int64_t i,
                      const oikos_episode *e, const real *outputs, int64_t k, int64_t steps,
                      double *row) {
  if (!j->ratings)
    return;
  oikos_judge_scratch *s = &j->scratch[thread];
  double *step = row + FIRST_STEP + OF_STEP * k;
  int64_t from = e->part * (int64_t)j->part, first = j->first[i] + from;
  for (size_t q = 0; q < e->query.n; q++) {
    const real *out = outputs + q * oikos_network_output_size(net);
    double truth = oikos_ratings_truth(j->ratings, e, e->support.n + q),
           expected = expected_of(j, e, q, out),
           within = oikos_ratings_within(j->ratings, expected), difference = within - truth;
    s->expected[q] = within;
    j->score[first + (int64_t)q] = (real)expected;
    j->relevance[first + (int64_t)q] = (real)truth;
    step[SQUARE] += difference * difference;
    step[ABSOLUTE] += fabs(difference);
    step[RIGHT] += likeliest_of(j, e, expected, out) == oikos_ratings_level(j->ratings, truth);
  }
  if (k == steps)
    add_part(j, s, i, e, from, row);
}

void oikos_judge_keep(const oikos_judge *j, int64_t i, const oikos_episode *e, const real *theta) {
  if (!j->ratings)
    return;
  who w = who_of(j, e->unit);
  oikos_ranking_keep(j->ranking, i, e, w.side, w.learner, theta);
}

/* A learner's ratings that are not judged are not recommended: training and support. */
static void skip_known(const void *user, int64_t i, int64_t first, int64_t n, uint8_t *skip) {
  const oikos_judge *j = user;
  who w = who_of(j, j->unit[i]);
  for (int64_t k = w.held[w.learner]; k < w.held[w.learner + 1]; k++) {
    int64_t other = rated_by(&w, k);
    if (other >= first && other < first + n)
      skip[other - first] = 1;
  }
  for (int64_t k = j->first[i]; k < j->first[i + 1]; k++)
    if (j->query[k] >= first && j->query[k] < first + n)
      skip[j->query[k] - first] = 0;
}

/* How many could have been recommended to the learner in place i: those that training knows, but
 * for its ratings that are not judged. */
static int64_t candidates_of(const oikos_judge *j, int64_t i, const who *w) {
  int64_t n = j->known[!w->side];
  for (int64_t k = w->held[w->learner]; k < w->held[w->learner + 1]; k++)
    n -= oikos_ratings_knows(j->ratings, !w->side, rated_by(w, k));
  for (int64_t k = j->first[i]; k < j->first[i + 1]; k++)
    n += oikos_ratings_knows(j->ratings, !w->side, j->query[k]);
  return n;
}

/* How many relevant ones are in the query of an episode, and how many of these were found. By
 * chance are found those that could be. */
static void judge_recall(const oikos_judge *j, int64_t i, double *row) {
  oikos_ranks best = oikos_ranking_of(j->ranking, i);
  who w = who_of(j, j->unit[i]);
  int64_t candidates = candidates_of(j, i, &w);
  double relevant = 0, known = 0, hits = 0;
  for (int64_t k = j->first[i]; k < j->first[i + 1]; k++) {
    if ((double)j->relevance[k] < oikos_ratings_relevant(j->ratings))
      continue;
    relevant++;
    known += oikos_ratings_knows(j->ratings, !w.side, j->query[k]);
    for (int b = 0; b < best.n; b++)
      hits += best.other[b] == j->query[k];
  }
  row[RECALL] = relevant > 0 ? hits / relevant : NAN;
  row[CHANCE] = relevant > 0 ? known / relevant * fmin(1, TOP / fmax(1, (double)candidates)) : NAN;
}

static void judge_order(const oikos_judge *j, int64_t i, double *row) {
  size_t n = (size_t)(j->first[i + 1] - j->first[i]);
  const real *score = j->score + j->first[i], *relevance = j->relevance + j->first[i];
  row[NDCG_5] = oikos_ndcg(n, score, relevance, TOP / 2, j->ranked);
  row[NDCG_10] = oikos_ndcg(n, score, relevance, TOP, j->ranked);
}

oikos_status oikos_judge_ranks(oikos_judge *j, int64_t count, double *row, size_t stride,
                               oikos_error *err) {
  if (!j->ratings)
    return OIKOS_OK;
  OIKOS_TRY(oikos_ranking_run(j->ranking, count, skip_known, j, err));
  for (int64_t i = 0; i < count; i++) {
    judge_order(j, i, row + (size_t)i * stride);
    judge_recall(j, i, row + (size_t)i * stride);
  }
  return OIKOS_OK;
}

oikos_status oikos_judge_sum_up(size_t m, size_t stride, const double *row, int64_t first,
                                int64_t steps, oikos_rated *v, oikos_error *err) {
  size_t n = (size_t)steps + 1;
  const double *step = row + FIRST_STEP;
  *v = (oikos_rated){.side = (int)row[SIDE], .learners = (int64_t)m};
  OIKOS_TRY(oikos_alloc(&v->rmse, oikos_mul(3, n), sizeof *v->rmse, "the evaluation", err));
  v->mae = v->rmse + n;
  v->accuracy = v->mae + n;
  for (size_t i = 0; i < m; i++)
    v->ratings += (int64_t)row[i * stride + NUMBER];
  for (int64_t k = 0; k < first; k++)
    v->rmse[k] = v->mae[k] = v->accuracy[k] = (oikos_estimate){NAN, NAN, 0};
  for (int64_t k = first; k <= steps; k++, step += OF_STEP) {
    v->rmse[k] = oikos_estimate_of(oikos_ratio_root(m, stride, step + SQUARE, row + NUMBER));
    v->mae[k] = oikos_estimate_of(oikos_ratio_of(m, stride, step + ABSOLUTE, row + NUMBER));
    v->accuracy[k] = oikos_estimate_of(oikos_ratio_of(m, stride, step + RIGHT, row + NUMBER));
  }
  v->bias_rmse = oikos_estimate_of(oikos_ratio_root(m, stride, row + BIAS, row + NUMBER));
  v->gain = oikos_estimate_of(oikos_ratio_gain(m, stride, step - OF_STEP + SQUARE, row + BIAS));
  v->ndcg[0] = oikos_estimate_of(oikos_ratio_mean(m, stride, row + NDCG_5));
  v->ndcg[1] = oikos_estimate_of(oikos_ratio_mean(m, stride, row + NDCG_10));
  v->recall = oikos_estimate_of(oikos_ratio_mean(m, stride, row + RECALL));
  v->chance = oikos_estimate_of(oikos_ratio_mean(m, stride, row + CHANCE));
  return OIKOS_OK;
}

/* The row of a user: of expected values of both, nothing of ranks. */
static void judge_both(const oikos_judge *j, int64_t user, double *row) {
  double *step = row + FIRST_STEP;
  row[SIDE] = 2;
  row[NDCG_5] = row[NDCG_10] = row[RECALL] = row[CHANCE] = NAN;
  for (int64_t k = j->both.first[user], next = 0; k < j->both.first[user + 1]; k++) {
    oikos_both_expected b = oikos_both_at(&j->both, user, k, &next);
    step[SQUARE] += pow(b.mean - b.truth, 2);
    step[ABSOLUTE] += fabs(b.mean - b.truth);
    step[RIGHT] +=
        oikos_ratings_level(j->ratings, b.mean) == oikos_ratings_level(j->ratings, b.truth);
    row[BIAS] += pow(b.bias - b.truth, 2);
    row[NUMBER]++;
  }
}

oikos_status oikos_judge_sum_up_both(const oikos_judge *j, int64_t steps, oikos_rated *v,
                                     oikos_error *err) {
  size_t fields = oikos_judge_fields(j, 0), m = 0;
  int64_t users = oikos_ratings_index_of(j->ratings)->users.n;
  double *rows;
  OIKOS_TRY(oikos_alloc(&rows, oikos_mul(fields, (size_t)users), sizeof *rows, "both tasks", err));
  for (int64_t u = 0; u < users; u++)
    if (j->both.first[u + 1] > j->both.first[u])
      judge_both(j, u, rows + fields * m++);
  oikos_status status = oikos_judge_sum_up(m, fields, rows, steps, steps, v, err);
  free(rows);
  return status;
}
