/* SPDX-License-Identifier: MIT
 * Embedding rows as a part of a step. */
#include "run/embedding_rows.h"
#include "run/fields.h"

#include <math.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/cohort.h"
#include "learn/schedule.h"
#include "run/part.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Examples of so many learners in training, or of as many as may be at hand of the unseen. */
static size_t places(const oikos_embedding_rows *r, int64_t learners) {
  size_t n = oikos_mul((size_t)learners, r->episode),
         unseen = oikos_mul((size_t)r->most, r->unseen);
  n = n > unseen ? n : unseen;
  return n > OIKOS_EMBEDDING_ROWS_LEAST ? n : OIKOS_EMBEDDING_ROWS_LEAST;
}

static oikos_status allocate(int64_t room, oikos_embedding_rows *r, oikos_error *err) {
  size_t all = places(r, room);
  r->room = room;
  r->memory = (oikos_arena){.what = "the embedding rows of a step"};
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->id, all, sizeof *r->id, err));
  OIKOS_TRY(oikos_arena_alloc(&r->memory, &r->place, all, sizeof *r->place, err));
  return oikos_arena_alloc(&r->memory, &r->first, (size_t)room + 1, sizeof *r->first, err);
}

int64_t oikos_embedding_rows_most(const oikos_trainer *t) {
  oikos_task_shape shape = oikos_source_shape(t->source);
  int64_t even = (oikos_cohort_size(&t->config) + t->team.size - 1) / t->team.size;
  return larger(even * (int64_t)(1 + shape.support + shape.query) /
                    (int64_t)(1 + shape.support + shape.query_part),
                OIKOS_LEARNERS_LEAST);
}

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  oikos_task_shape shape = oikos_source_shape(t->source);
  oikos_embedding_rows *r = t->embedding_rows = p->state;
  *r = (oikos_embedding_rows){.rows = shape.embedding_rows,
                              .width = oikos_network_row_width(t->net),
                              .episode = 1 + shape.support + shape.query,
                              .unseen = 1 + shape.support + shape.query_part,
                              .most = oikos_embedding_rows_most(t)};
  OIKOS_TRY(allocate(larger(t->learners.slots, r->most), r, err));
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &r->scratch, oikos_mul((size_t)t->n_threads, r->width),
                              sizeof *r->scratch, err));
  return oikos_embedding_create(&t->team, &t->config, 0, r->rows, r->width,
                                oikos_network_row_deviation(t->net), places(r, r->room), &r->table,
                                err);
}

static void destroy(void *state) {
  oikos_embedding_rows *r = state;
  oikos_embedding_destroy(r->table);
  oikos_arena_free(&r->memory);
}

/* After a failure all is as it was, but for room that is not needed. */
static oikos_status room(oikos_trainer *t, oikos_part_state *p, const oikos_learners *to,
                         oikos_error *err) {
  oikos_embedding_rows *r = p->state, fresh = *r;
  (void)t;
  if (to->slots <= r->room)
    return OIKOS_OK;
  OIKOS_TRY(oikos_embedding_reserve(r->table, places(r, to->slots), err));
  oikos_status status = allocate(to->slots, &fresh, err);
  oikos_arena_free(status == OIKOS_OK ? &r->memory : &fresh.memory);
  if (status == OIKOS_OK)
    *r = fresh;
  return status;
}

static void draw_active(const void *trainer, oikos_slot_id slot, oikos_episode *episode) {
  const oikos_trainer *t = trainer;
  oikos_source_draw(t->source, OIKOS_TRAIN, t->step, t->learners.learner[slot], episode);
}

static oikos_status begin(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  return oikos_embedding_rows_fetch(p->state, t->learners.active, draw_active, t,
                                    &t->workers[0].episode, err);
}

/* Add what a learner's examples say of their rows, as heavily as its gradient. */
static bool taken(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                  const oikos_contribution *c, bool was_taken) {
  const oikos_embedding_rows *r = p->state;
  const oikos_segments *s = &t->segments;
  const oikos_episode *e = &t->workers[thread].episode;
  oikos_sum *sum = &t->sums[thread];
  size_t n = e->support.n + e->query.n, stride = oikos_network_input(t->net);
  const int32_t *place = r->place + r->first[slot];
  bool finite = true, has_self = e->embedding_rows.self >= 0;
  real *scratch = r->scratch + (size_t)thread * r->width, weight = oikos_contribution_weight(s, c);
  if (!was_taken)
    return true;
  if (has_self)
    oikos_episode_self_gradient(t->source, e, c->dx, scratch);
#pragma omp critical(oikos_embedding_rows) // whole numbers are added: the order does not matter
  {
    if (has_self)
      finite &=
          oikos_embedding_add(r->table, s->grid, sum, s->embedding_rows, place[0], scratch, weight);
    for (size_t i = 0; i < n; i++)
      finite &= oikos_embedding_add(r->table, s->grid, sum, s->embedding_rows, place[has_self + i],
                                    c->dx + i * stride + e->embedding_rows.other_offset, weight);
  }
  return finite;
}

static oikos_status reduced(oikos_trainer *t, const oikos_part_state *p, bool repeat,
                            oikos_error *err) {
  (void)t, (void)err;
  if (repeat)
    oikos_embedding_restart(((oikos_embedding_rows *)p->state)->table);
  return OIKOS_OK;
}

/* Step 2 of the rows. */
static void commit(oikos_trainer *t, oikos_part_state *p) {
  const oikos_embedding_rows *r = p->state;
  const oikos_segments *s = &t->segments;
  oikos_embedding_update(r->table, s->grid, s->embedding_rows,
                         oikos_update_share(&t->config, s, &t->sums[0]),
                         t->config.shared.rate * oikos_schedule(&t->config, t->step));
}

/* What stands by row, from its owner; whole numbers are one a row. */
static oikos_field *add(oikos_fields *f, const oikos_embedding_part *e, oikos_field_type type,
                        void *data, const char *meaning, const char *name) {
  int64_t columns = type == OIKOS_FIELD_REAL ? (int64_t)e->width : 0;
  oikos_field *field =
      oikos_fields_add(f, type, data, e->rows, columns, meaning, "embedding", name);
  field->owned = true;
  field->first = e->first;
  field->count = e->count;
  return field;
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  oikos_embedding_part e = oikos_embedding_local(((oikos_embedding_rows *)p->state)->table);
  add(f, &e, OIKOS_FIELD_REAL, e.numbers, "embedding rows: users, then items", "row");
  if (oikos_optimizer_has_first(&t->config))
    add(f, &e, OIKOS_FIELD_REAL, e.optimizer->first, "optimizer: mean gradient of each row",
        "first");
  if (oikos_optimizer_has_second(&t->config)) // it has no sign, and may have overflown
    oikos_field_within(add(f, &e, OIKOS_FIELD_REAL, e.optimizer->second,
                           "optimizer: mean squared gradient of each row", "second"),
                       0, INFINITY);
  add(f, &e, OIKOS_FIELD_INT64, e.optimizer->count, "optimizer: updates made of each row", "count");
}

static void plan(const oikos_trainer *t, const oikos_part_state *p, oikos_plan *to) {
  const oikos_embedding_rows *r = p->state;
  (void)t;
  to->row_bytes =
      (double)to->most_active * (double)r->episode * (double)r->width * sizeof(oikos_real);
}

const oikos_part oikos_part_embedding_rows = {.size = sizeof(oikos_embedding_rows),
                                              .name = "embedding_rows",
                                              .create = create,
                                              .destroy = destroy,
                                              .begin = begin,
                                              .taken = taken,
                                              .reduced = reduced,
                                              .commit = commit,
                                              .room = room,
                                              .fields = fields,
                                              .plan = plan};
