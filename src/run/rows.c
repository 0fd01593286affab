/* SPDX-License-Identifier: MIT */
#include "run/rows.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/cohort.h"
#include "learn/schedule.h"

typedef oikos_real real;

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Examples of so many learners in training, or of as many as may be at hand of the unseen. */
static size_t places(const oikos_rows *r, int64_t learners) {
  size_t n = oikos_mul((size_t)learners, r->episode),
         unseen = oikos_mul((size_t)r->most, r->unseen);
  n = n > unseen ? n : unseen;
  return n > OIKOS_ROWS_LEAST ? n : OIKOS_ROWS_LEAST;
}

static oikos_status allocate(int64_t room, oikos_rows *r, oikos_error *err) {
  static const char what[] = "the embedding rows of a step";
  size_t all = places(r, room);
  r->room = room;
  OIKOS_TRY(oikos_alloc(&r->id, all, sizeof *r->id, what, err));
  OIKOS_TRY(oikos_alloc(&r->place, all, sizeof *r->place, what, err));
  return oikos_alloc(&r->first, (size_t)room + 1, sizeof *r->first, what, err);
}

static void release(oikos_rows *r) {
  free(r->id);
  free(r->place);
  free(r->first);
}

oikos_status oikos_rows_create(const oikos_config *config, const oikos_team *team,
                               const oikos_network *net, oikos_task_shape shape, int64_t slots,
                               int threads, oikos_rows *r, oikos_error *err) {
  int64_t even = (oikos_cohort_size(config) + team->size - 1) / team->size;
  *r = (oikos_rows){.rows = shape.rows,
                    .width = oikos_network_row_width(net),
                    .episode = 1 + shape.support + shape.query,
                    .unseen = 1 + shape.support + shape.judged};
  r->most = larger(even * (int64_t)r->episode / (int64_t)r->unseen, OIKOS_LEARNERS_LEAST);
  if (r->width == 0)
    return OIKOS_OK;
  OIKOS_TRY(allocate(larger(slots, r->most), r, err));
  OIKOS_TRY(oikos_alloc(&r->own, oikos_mul((size_t)threads, r->width), sizeof *r->own,
                        "the embedding rows of a step", err));
  return oikos_embedding_create(team, config, 0, r->rows, r->width,
                                oikos_network_row_deviation(net), places(r, r->room), &r->table,
                                err);
}

oikos_status oikos_rows_reserve(oikos_rows *r, int64_t slots, oikos_error *err) {
  oikos_rows fresh = *r;
  if (!r->table || slots <= r->room)
    return OIKOS_OK;
  OIKOS_TRY(oikos_embedding_reserve(r->table, places(r, slots), err));
  fresh.id = NULL;
  fresh.place = NULL;
  fresh.first = NULL;
  oikos_status status = allocate(slots, &fresh, err);
  release(status == OIKOS_OK ? r : &fresh);
  if (status == OIKOS_OK)
    *r = fresh;
  return status;
}

void oikos_rows_destroy(oikos_rows *r) {
  oikos_embedding_destroy(r->table);
  release(r);
  free(r->own);
  *r = (oikos_rows){0};
}

oikos_status oikos_rows_fetch(oikos_rows *r, int64_t count, oikos_episode_maker *make,
                              const void *user, oikos_episode *e, oikos_error *err) {
  size_t n = 0;
  int64_t k;
  if (!r->table)
    return OIKOS_OK;
  for (int64_t i = 0; i < count; i++) {
    make(user, i, e);
    r->first[i] = n;
    if (e->rows.own >= 0)
      r->id[n++] = e->rows.own;
    for (size_t j = 0; j < e->support.n + e->query.n; j++)
      r->id[n++] = e->rows.other[j];
  }
  r->first[count] = n;
  OIKOS_TRY(oikos_embedding_fetch(r->table, n, r->id, r->place, err));
  r->row = oikos_embedding_rows(r->table, &k);
  return OIKOS_OK;
}

oikos_row_view oikos_rows_view(const oikos_rows *r, int64_t at) {
  if (!r->table)
    return (oikos_row_view){0};
  return (oikos_row_view){r->row, r->place, r->first + at};
}

bool oikos_rows_add(oikos_rows *r, const oikos_segments *s, oikos_sum *sum, int thread, int64_t at,
                    const oikos_source *source, const oikos_episode *e, const real *dx,
                    real weight) {
  if (!r->table)
    return true;
  oikos_shape in = oikos_source_shape(source).input;
  size_t n = e->support.n + e->query.n, stride = (size_t)(in.height * in.width * in.channels);
  const int32_t *place = r->place + r->first[at];
  bool finite = true, has_own = e->rows.own >= 0;
  real *own = r->own + (size_t)thread * r->width;
  if (has_own)
    oikos_episode_own_gradient(source, e, dx, own);
#pragma omp critical(oikos_rows) // whole numbers are added: the order does not matter
  {
    if (has_own)
      finite &= oikos_embedding_add(r->table, s->grid, sum, s->rows, place[0], own, weight);
    for (size_t i = 0; i < n; i++)
      finite &= oikos_embedding_add(r->table, s->grid, sum, s->rows, place[has_own + i],
                                    dx + i * stride + e->rows.other_at, weight);
  }
  return finite;
}

void oikos_rows_again(oikos_rows *r) {
  if (r->table)
    oikos_embedding_again(r->table);
}

void oikos_rows_update(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                       int64_t step, oikos_rows *r) {
  if (r->table)
    oikos_embedding_update(r->table, s->grid, s->rows, oikos_update_share(config, s, sum),
                           config->shared.rate * oikos_schedule(config, step));
}
