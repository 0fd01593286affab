/* SPDX-License-Identifier: MIT */
#include "tasks/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

static const oikos_source_type *type_of(oikos_source_kind kind) {
#define ENTRY(value, word) [value] = &oikos_source_##word,
  static const oikos_source_type *const table[] = {OIKOS_SOURCES(ENTRY)};
#undef ENTRY
  return table[kind];
}

const oikos_source_type *oikos_source_type_of(const oikos_config *config) {
  return type_of(config->task.source);
}

const oikos_word *oikos_source_word(int index) {
  return &type_of((oikos_source_kind)index)->word;
}

/* Who draws from what in training. */
static void bind(oikos_source *s, const oikos_config *c) {
  s->bound = c->task.learners == OIKOS_LEARNERS_GROUPS;
  s->move_at = c->task.move_at;
  s->movers = (int64_t)floor(c->task.move_share * (double)c->learners.count + 0.5);
}

oikos_status oikos_source_create(const oikos_config *config, const oikos_data *data,
                                 oikos_source **source, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(source, 1, sizeof **source, "the task source", err));
  oikos_source *s = *source;
  s->type = oikos_source_type_of(config);
  s->seed = (uint64_t)config->seed;
  bind(s, config);
  oikos_status status = s->type->create(s, config, data, err);
  s->shape.shot = s->type->per_class ? (size_t)config->task.ways : 1;
  s->shape.query_part = s->shape.query_part ? s->shape.query_part : s->shape.query;
  s->targets = config->model.loss == OIKOS_LOSS_MSE ? (size_t)s->shape.outputs : 1;
  if (status != OIKOS_OK) {
    oikos_source_destroy(s);
    *source = NULL;
  }
  return status;
}

void oikos_source_destroy(oikos_source *source) {
  if (source && source->self && source->type->destroy)
    source->type->destroy(source);
  if (source)
    free(source->self);
  free(source);
}

oikos_task_shape oikos_source_shape(const oikos_source *source) {
  return source->shape;
}

bool oikos_source_moved(const oikos_source *source, int64_t step, oikos_learner_id learner) {
  return source->bound && source->move_at > 0 && step >= source->move_at &&
         learner < source->movers;
}

int64_t oikos_source_bound(const oikos_source *source, int64_t n, int64_t step,
                           oikos_learner_id learner) {
  return (learner + oikos_source_moved(source, step, learner)) % n;
}

int oikos_source_group_of(const oikos_source *source, int64_t step, oikos_learner_id learner) {
  int n = source->shape.n_groups;
  return source->bound && n > 0 ? (int)oikos_source_bound(source, n, step, learner) : -1;
}

const char *oikos_source_group(const oikos_source *source, int group) {
  return source->type->group && group >= 0 && group < source->shape.n_groups
             ? source->type->group(source, group)
             : NULL;
}

const char *oikos_source_unit(const oikos_source *source) {
  return source->type->unit ? source->type->unit : "episodes";
}

const char *oikos_source_note(const oikos_source *source) {
  return source->note;
}

oikos_target oikos_source_target(const oikos_source *source, int64_t index) {
  return source->type->target && index >= 0 && index < source->shape.outputs
             ? source->type->target(source, index)
             : (oikos_target){NULL, 1};
}

oikos_status oikos_source_has(const oikos_source *source, oikos_split split, oikos_error *err) {
  return source->type->has ? source->type->has(source, split, err) : OIKOS_OK;
}

int64_t oikos_source_episodes(const oikos_source *source, oikos_split split) {
  return source->type->episodes ? source->type->episodes(source, split) : 0;
}

static size_t inputs(const oikos_source *source) {
  oikos_shape in = source->shape.input;
  return (size_t)(in.height * in.width * in.channels);
}

oikos_status oikos_episode_create(const oikos_source *source, oikos_episode *e, oikos_error *err) {
  oikos_task_shape s = source->shape;
  size_t n = s.support + s.query_part, in = inputs(source);
  *e = (oikos_episode){.group = -1, .unit = -1, .embedding_rows = {.self = -1}};
  OIKOS_TRY(oikos_alloc(&e->x, oikos_mul(n, in), sizeof *e->x, "an episode", err));
  OIKOS_TRY(oikos_alloc(&e->y, oikos_mul(n, source->targets), sizeof *e->y, "an episode", err));
  OIKOS_TRY(oikos_alloc(&e->scratch, source->scratch, sizeof *e->scratch, "an episode", err));
  OIKOS_TRY(oikos_alloc(&e->embedding_rows.other, s.embedding_rows ? n : 0,
                        sizeof *e->embedding_rows.other, "an episode", err));
  if (s.units > 1)
    OIKOS_TRY(oikos_alloc(&e->classes, s.units, sizeof *e->classes, "an episode", err));
  if (s.residual)
    OIKOS_TRY(oikos_alloc(&e->baseline, n, sizeof *e->baseline, "an episode", err));
  e->support = (oikos_batch){.n = s.support, .x = e->x, .y = e->y};
  e->query = (oikos_batch){
      .n = s.query_part, .x = e->x + s.support * in, .y = e->y + s.support * source->targets};
  return OIKOS_OK;
}

void oikos_episode_destroy(oikos_episode *e) {
  free(e->x);
  free(e->y);
  free(e->scratch);
  free(e->embedding_rows.other);
  free(e->baseline);
  free(e->classes);
  *e = (oikos_episode){0};
}

static void draw(const oikos_source *source, oikos_split split, int64_t step,
                 oikos_learner_id learner, int64_t part, oikos_episode *episode) {
  static const oikos_purpose purpose[] = {OIKOS_DRAW_TRAIN, OIKOS_DRAW_VALIDATION, OIKOS_DRAW_TEST};
  oikos_random r = oikos_random_at(source->seed, purpose[split], (uint64_t)step, (uint64_t)learner);
  episode->learner = learner;
  episode->step = step;
  episode->part = part;
  source->type->draw(source, split, &r, episode);
}

void oikos_source_draw(const oikos_source *source, oikos_split split, int64_t step,
                       oikos_learner_id learner, oikos_episode *episode) {
  draw(source, split, step, learner, 0, episode);
}

int64_t oikos_source_queries(const oikos_source *source, oikos_split split,
                             oikos_learner_id learner) {
  return source->type->queries ? source->type->queries(source, split, learner) : 0;
}

void oikos_source_draw_part(const oikos_source *source, oikos_split split, oikos_learner_id learner,
                            int64_t part, oikos_episode *episode) {
  draw(source, split, 0, learner, part, episode);
}

void oikos_episode_place(const oikos_source *source, oikos_episode *e, const oikos_real *row,
                         int32_t self, const int32_t *other) {
  size_t in = inputs(source), d = source->shape.row_width, n = e->support.n + e->query.n;
  for (size_t i = 0; i < n; i++) {
    oikos_real *x = e->x + i * in;
    memcpy(x + e->embedding_rows.other_offset, row + (size_t)other[i] * d, d * sizeof *x);
    if (e->embedding_rows.self >= 0)
      memcpy(x + e->embedding_rows.self_offset, row + (size_t)self * d, d * sizeof *x);
  }
}

void oikos_episode_self_gradient(const oikos_source *source, const oikos_episode *e,
                                 const oikos_real *dx, oikos_real *self) {
  size_t in = inputs(source), d = source->shape.row_width, n = e->support.n + e->query.n;
  memset(self, 0, d * sizeof *self);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < d; j++)
      self[j] += dx[i * in + e->embedding_rows.self_offset + j];
}
