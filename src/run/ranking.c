/* SPDX-License-Identifier: MIT */
#include "run/ranking.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "run/embedding_rows.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

enum { CANDIDATES = OIKOS_EMBEDDING_ROWS_LEAST }; /* at hand at a time, on any number of ranks */

/* A thread's examples, one for each candidate at hand. */
typedef struct desk {
  oikos_workspace *ws;
  real *x, *outputs; /* (CANDIDATES, input), (CANDIDATES, outputs) */
  uint8_t skip[CANDIDATES];
} desk;

struct oikos_ranking {
  oikos_trainer *t;
  const oikos_ratings *ratings;
  int top, threads;
  int64_t most;
  size_t m, width;
  int *side;         /* (most) */
  int64_t *learner;  /* (most) */
  real *theta;       /* (most, M) */
  real *self;        /* (most, d) its own embedding row, or zeros */
  double *self_bias; /* (most) with task.residual */
  int *found;        /* (most) */
  int64_t *other;    /* (most, top) */
  double *score;     /* (most, top) */
  desk *desks;       /* (threads) */
  int64_t id[CANDIDATES];
  int32_t place[CANDIDATES];
  oikos_arena memory;
};

static oikos_status create_desks(oikos_ranking *r, oikos_error *err) {
  size_t n = CANDIDATES;
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->desks, (size_t)r->threads, sizeof *r->desks, err));
  for (int k = 0; k < r->threads; k++) {
    desk *d = &r->desks[k];
    OIKOS_TRY(oikos_workspace_create(r->t->net, n, &d->ws, err));
    OIKOS_TRY(oikos_arena_alloc(&r->memory, &d->x, oikos_mul(n, oikos_network_input(r->t->net)),
                                sizeof *d->x, err));
    OIKOS_TRY(oikos_arena_alloc(&r->memory, &d->outputs,
                                oikos_mul(n, oikos_network_output_size(r->t->net)),
                                sizeof *d->outputs, err));
  }
  return OIKOS_OK;
}

static oikos_status allocate(oikos_ranking *r, oikos_error *err) {
  size_t n = (size_t)r->most, best = oikos_mul(n, (size_t)r->top);
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->side, n, sizeof *r->side, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->learner, n, sizeof *r->learner, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->theta, oikos_mul(n, r->m), sizeof *r->theta, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->self, oikos_mul(n, r->width), sizeof *r->self, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->self_bias, n, sizeof *r->self_bias, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->found, n, sizeof *r->found, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->other, best, sizeof *r->other, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->score, best, sizeof *r->score, err));
  return create_desks(r, err);
}

oikos_status oikos_ranking_create(oikos_trainer *t, int top, int64_t most, oikos_ranking **ranking,
                                  oikos_error *err) {
  OIKOS_TRY(oikos_alloc(ranking, 1, sizeof **ranking, "the ranking", err));
  oikos_ranking *r = *ranking;
  *r = (oikos_ranking){.t = t,
                       .ratings = oikos_source_ratings_of(t->source),
                       .top = top,
                       .threads = t->n_threads,
                       .most = most,
                       .m = t->weights.m,
                       .width = oikos_network_row_width(t->net),
                       .memory.what = "the ranking"};
  oikos_status status = allocate(r, err);
  if (status != OIKOS_OK) {
    oikos_ranking_destroy(r);
    *ranking = NULL;
  }
  return status;
}

void oikos_ranking_destroy(oikos_ranking *r) {
  if (!r)
    return;
  for (int k = 0; r->desks && k < r->threads; k++)
    oikos_workspace_destroy(r->desks[k].ws);
  oikos_arena_free(&r->memory);
  free(r);
}

void oikos_ranking_keep(oikos_ranking *r, int64_t i, const oikos_episode *e, int side,
                        int64_t learner, const real *theta) {
  real *self = r->self + (size_t)i * r->width;
  r->side[i] = side;
  r->learner[i] = learner;
  r->self_bias[i] = e->self_bias;
  r->found[i] = 0;
  memcpy(r->theta + (size_t)i * r->m, theta, r->m * sizeof *theta);
  if (r->width == 0)
    return;
  if (e->embedding_rows.self >= 0)
    memcpy(self, e->x + e->embedding_rows.self_offset, r->width * sizeof *self);
  else
    memset(self, 0, r->width * sizeof *self);
}

/* The place of a candidate among those of one score, drawn for each learner. */
static uint32_t lot(const oikos_ranking *r, int64_t i, int64_t other) {
  oikos_random draw =
      oikos_random_at((uint64_t)r->t->config.seed, OIKOS_DRAW_TIES,
                      (uint64_t)(2 * (r->learner[i] + 1) + r->side[i]), (uint64_t)other);
  return oikos_random_word(&draw);
}

/* Whether candidate a stands before b, which came earlier and stands before if all is alike. */
static bool before(const oikos_ranking *r, int64_t i, int64_t a, double of_a, int64_t b,
                   double of_b) {
  return of_a != of_b ? of_a > of_b : lot(r, i, a) > lot(r, i, b);
}

/* Put a candidate into the list of the best, if it belongs there. Candidates come by number. */
static void insert(oikos_ranking *r, int64_t i, int64_t other, double score) {
  int64_t *best = r->other + (size_t)i * (size_t)r->top;
  double *of_best = r->score + (size_t)i * (size_t)r->top;
  int rank = r->found[i];
  if (!(score == score) ||
      (rank == r->top && !before(r, i, other, score, best[rank - 1], of_best[rank - 1])))
    return; // NaN is never recommended
  rank = rank == r->top ? rank - 1 : r->found[i]++;
  for (; rank > 0 && before(r, i, other, score, best[rank - 1], of_best[rank - 1]); rank--) {
    best[rank] = best[rank - 1];
    of_best[rank] = of_best[rank - 1];
  }
  best[rank] = other;
  of_best[rank] = score;
}

/* The rows of an example: the user's stands first. */
static void place_embedding_rows(const oikos_ranking *r, int64_t i, const real *row, real *x) {
  size_t user = r->side[i] == OIKOS_SIDE_USER ? 0 : r->width;
  memcpy(x + user, r->self + (size_t)i * r->width, r->width * sizeof *x);
  memcpy(x + r->width - user, row, r->width * sizeof *x);
}

/* The candidates at hand, first .. first + n - 1, for the learner in place i. */
static void rank_learner(oikos_ranking *r, desk *d, int64_t i, int64_t first, int64_t n,
                         oikos_ranking_skip *skip, const void *user, const real *embedding_rows) {
  size_t in = oikos_network_input(r->t->net), out = oikos_network_output_size(r->t->net), kept = 0;
  int64_t who[CANDIDATES];
  double baseline[CANDIDATES];
  memset(d->skip, 0, sizeof d->skip);
  skip(user, i, first, n, d->skip);
  for (int64_t k = 0; k < n; k++) {
    if (d->skip[k] || !oikos_ratings_knows(r->ratings, !r->side[i], first + k))
      continue;
    real *x = d->x + kept * in;
    oikos_ratings_example(r->ratings, r->side[i], r->learner[i], first + k, x);
    baseline[kept] = oikos_ratings_baseline(r->ratings, r->side[i], first + k, r->self_bias[i], x);
    if (embedding_rows)
      place_embedding_rows(r, i, embedding_rows + (size_t)r->place[k] * r->width, x);
    who[kept++] = first + k;
  }
  if (kept == 0)
    return;
  oikos_batch batch = {.n = kept, .x = d->x};
  oikos_network_predict(r->t->net, d->ws, r->theta + (size_t)i * r->m, &batch, d->outputs);
  for (size_t k = 0; k < kept; k++)
    insert(r, i, who[k], oikos_ratings_expected(r->ratings, d->outputs + k * out) + baseline[k]);
}

/* Fetch the rows of candidates of a side. */
static oikos_status fetch(oikos_ranking *r, int side, int64_t first, int64_t n,
                          const real **embedding_rows, oikos_error *err) {
  int64_t k;
  *embedding_rows = NULL;
  if (!r->t->embedding_rows)
    return OIKOS_OK;
  for (int64_t i = 0; i < n; i++)
    r->id[i] = oikos_ratings_row(r->ratings, side, first + i);
  OIKOS_TRY(oikos_embedding_fetch(r->t->embedding_rows->table, (size_t)n, r->id, r->place, err));
  *embedding_rows = oikos_embedding_fetched(r->t->embedding_rows->table, &k);
  return OIKOS_OK;
}

/* All candidates of the other side, for the learners of one. */
static oikos_status rank_side(oikos_ranking *r, int side, int64_t count, oikos_ranking_skip *skip,
                              const void *user, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(r->ratings);
  int64_t all = side == OIKOS_SIDE_USER ? x->items.n : x->users.n;
  oikos_pulse *pulse = r->t->team.pulse;
  for (int64_t first = 0; first < all; first += CANDIDATES) {
    int64_t n = all - first < CANDIDATES ? all - first : CANDIDATES;
    const real *embedding_rows;
    OIKOS_TRY(fetch(r, !side, first, n, &embedding_rows, err));
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->threads)
    for (int64_t i = 0; i < count; i++) {
      oikos_pulse_beat(pulse);
      if (r->side[i] == side && !oikos_pulse_stopped(pulse))
        rank_learner(r, &r->desks[omp_get_thread_num()], i, first, n, skip, user, embedding_rows);
    }
  }
  return OIKOS_OK;
}

oikos_status oikos_ranking_run(oikos_ranking *r, int64_t count, oikos_ranking_skip *skip,
                               const void *user, oikos_error *err) {
  OIKOS_TRY(rank_side(r, OIKOS_SIDE_USER, count, skip, user, err));
  OIKOS_TRY(rank_side(r, OIKOS_SIDE_ITEM, count, skip, user, err));
  return oikos_agree(&r->t->team, oikos_pulse_check(r->t->team.pulse, err), err);
}

oikos_ranks oikos_ranking_of(const oikos_ranking *r, int64_t i) {
  return (oikos_ranks){r->found[i], r->other + (size_t)i * (size_t)r->top,
                       r->score + (size_t)i * (size_t)r->top};
}
