/* SPDX-License-Identifier: MIT */
#include "run/summary.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/rand_index.h"
#include "math/unit_mean.h"

void oikos_results_lay_out(oikos_results *r) {
  size_t steps = (size_t)r->steps + 1;
  r->errors = 2 * steps;
  r->evaluated = r->errors + steps * (size_t)r->targets;
  r->confidence = r->evaluated + 1;
  r->home = r->confidence + 1;
  r->group = r->home + 1;
  r->unit = r->group + 1;
  r->ratings_offset = r->unit + r->each;
  r->fields = r->ratings_offset + oikos_judge_fields(&r->judge, r->steps);
}

/* The episodes at hand: all, or those with one value in a field. */
typedef struct episode_sample {
  const oikos_results *r;
  size_t n;
  int64_t *episode, *unit; /* (n), (n, each) */
  double *value, *number;  /* (n) of a column */
  oikos_unit_scratch scratch;
  oikos_arena memory;
} episode_sample;

static const double *row_of(const oikos_results *r, int64_t episode) {
  return r->rows + (size_t)episode * r->fields;
}

static oikos_status create_sample(const oikos_results *r, episode_sample *s, oikos_error *err) {
  size_t n = (size_t)r->episodes, units = 0; // one more than the largest number
  for (int64_t e = 0; e < r->episodes; e++)
    for (size_t j = 0; j < r->each; j++) {
      double unit = row_of(r, e)[r->unit + j];
      units = unit >= (double)units ? (size_t)unit + 1 : units;
    }
  OIKOS_TRY(oikos_arena_alloc(&s->memory, &s->episode, n, sizeof *s->episode, err));
  OIKOS_TRY(oikos_arena_alloc(&s->memory, &s->unit, oikos_mul(n, r->each), sizeof *s->unit, err));
  OIKOS_TRY(oikos_arena_alloc(&s->memory, &s->value, n, sizeof *s->value, err));
  OIKOS_TRY(oikos_arena_alloc(&s->memory, &s->number, n, sizeof *s->number, err));
  return oikos_unit_scratch_create(n, r->each, units, &s->scratch, err);
}

static void destroy_sample(episode_sample *s) {
  oikos_arena_free(&s->memory);
  oikos_unit_scratch_destroy(&s->scratch);
}

/* Take the episodes with this value in a field; -1: all. */
static void take(episode_sample *s, size_t field, int64_t value) {
  const oikos_results *r = s->r;
  s->n = 0;
  for (int64_t e = 0; e < r->episodes; e++) {
    const double *row = row_of(r, e);
    if (value >= 0 && (int64_t)row[field] != value)
      continue;
    for (size_t j = 0; j < r->each; j++)
      s->unit[s->n * r->each + j] = (int64_t)row[r->unit + j];
    s->episode[s->n++] = e;
  }
}

static void fetch(const episode_sample *s, size_t column, double *value) {
  for (size_t i = 0; i < s->n; i++)
    value[i] = row_of(s->r, s->episode[i])[column];
}

static oikos_estimate mean_of(episode_sample *s, size_t column) {
  fetch(s, column, s->value);
  return oikos_estimate_of(oikos_unit_mean(s->n, s->value, s->unit, &s->scratch));
}

static void summarise_targets(episode_sample *s, oikos_evaluation *v) {
  size_t all = ((size_t)s->r->steps + 1) * (size_t)s->r->targets;
  fetch(s, s->r->evaluated, s->number);
  for (size_t k = 0; k < all; k++) {
    fetch(s, s->r->errors + k, s->value);
    v->rmse[k] =
        oikos_estimate_of(oikos_unit_root_mean(s->n, s->value, s->number, s->unit, &s->scratch));
  }
}

/* Users come before items. */
static oikos_status summarise_ratings(const oikos_results *r, oikos_evaluation *v,
                                      oikos_error *err) {
  int64_t first = 0, next;
  for (; first < r->episodes; first = next) {
    double group = row_of(r, first)[r->group];
    for (next = first; next < r->episodes && row_of(r, next)[r->group] == group;)
      next++;
    OIKOS_TRY(oikos_judge_sum_up((size_t)(next - first), r->fields,
                                 row_of(r, first) + r->ratings_offset, 0, r->steps,
                                 &v->rated[v->n_rated], err));
    v->n_rated++;
  }
  return OIKOS_OK;
}

/* All estimates are one piece of memory, which begins with the losses. */
static oikos_status allocate(oikos_evaluation *v, size_t steps, size_t groups, oikos_error *err) {
  size_t homes = (size_t)v->n_homes, errors = steps * (size_t)v->n_targets;
  OIKOS_TRY(oikos_alloc(&v->loss, 2 * steps + homes + groups + errors, sizeof *v->loss,
                        "the evaluation", err));
  v->accuracy = v->loss + steps;
  v->home_loss = v->accuracy + steps;
  v->group_loss = v->home_loss + homes;
  v->rmse = v->group_loss + groups;
  OIKOS_TRY(oikos_alloc(&v->residents, oikos_mul(homes, groups), sizeof *v->residents,
                        "the evaluation", err));
  return oikos_alloc(&v->home_confidence, homes, sizeof *v->home_confidence, "the evaluation", err);
}

static oikos_status summarise(const oikos_results *r, episode_sample *s, oikos_evaluation *v,
                              oikos_error *err) {
  size_t steps = (size_t)r->steps + 1, groups = v->n_groups ? (size_t)v->n_groups : 1;
  v->n_targets = r->targets;
  OIKOS_TRY(allocate(v, steps, groups, err));
  OIKOS_TRY(create_sample(r, s, err));
  take(s, 0, -1);
  for (size_t k = 0; k < steps; k++) {
    v->loss[k] = mean_of(s, k);
    v->accuracy[k] = mean_of(s, steps + k);
  }
  v->confidence = mean_of(s, r->confidence).mean;
  v->units = v->loss[0].units;
  summarise_targets(s, v);
  for (int64_t e = 0; e < r->episodes; e++) {
    const double *row = row_of(r, e);
    v->residents[(size_t)row[r->home] * groups + (size_t)row[r->group]]++;
  }
  for (int h = 0; h < v->n_homes; h++) {
    take(s, r->home, h);
    v->home_loss[h] = mean_of(s, steps - 1);
    v->home_confidence[h] = s->n ? mean_of(s, r->confidence).mean : 0;
  }
  for (int g = 0; g < v->n_groups; g++) {
    take(s, r->group, g);
    v->group_loss[g] = mean_of(s, steps - 1);
  }
  v->rand = oikos_adjusted_rand((size_t)v->n_homes, groups, v->residents);
  return r->judge.ratings ? summarise_ratings(r, v, err) : OIKOS_OK;
}

oikos_status oikos_results_summarise(const oikos_results *r, oikos_evaluation *v,
                                     oikos_error *err) {
  episode_sample s = {.r = r, .memory.what = "the evaluation"};
  oikos_status status = summarise(r, &s, v, err);
  destroy_sample(&s);
  return status;
}
