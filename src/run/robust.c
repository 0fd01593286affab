/* SPDX-License-Identifier: MIT
 * Step 2 where learners can be left out, or under a rule that is not the mean (learn/robust.h). */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "dist/columns.h"
#include "learn/rollback.h"
#include "math/order_statistics.h"
#include "math/vector.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

enum { LEFT_OUT = -1 };

typedef struct rule {
  oikos_columns columns; /* rules that order: n rows of (M + A + E), then (M) if anything mixes */
  oikos_columns next;    /* when learners have moved */
  real *clipped;         /* (n_threads, M + A + E) differences */
  real *sorted;          /* (n_threads, rows) */
  real *row;             /* (D) results of a home before they are in place */
} rule;

bool oikos_takes_trained(const oikos_trainer *t) {
  return t->config.shared.mixing > 0 || (t->weights.k > 0 && t->config.home.mixing > 0);
}

/* Numbers of a learner. */
static size_t width(const oikos_trainer *t) {
  return t->weights.n + (oikos_takes_trained(t) ? t->weights.m : 0);
}

/* A row for every slot that a rank may need, though two ranks may share a stratum. Learners
 * bound[r]
 * .. bound[r + 1] - 1 are those of rank r. */
static oikos_status create_columns(const oikos_trainer *t, const int64_t *bound,
                                   oikos_columns *columns, oikos_error *err) {
  int64_t *rows, first;
  OIKOS_TRY(oikos_alloc(&rows, (size_t)t->team.size, sizeof *rows, "the aggregation", err));
  for (int r = 0; r < t->team.size; r++)
    oikos_cohort_strata(&t->config, bound[r], bound[r + 1] - bound[r], &first, &rows[r]);
  oikos_status status = oikos_columns_create(&t->team, rows, (int64_t)width(t), columns, err);
  free(rows);
  return status;
}

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  size_t threads = (size_t)t->n_threads;
  rule *r = p->state;
  OIKOS_TRY(oikos_robust_create(&t->config, &t->weights, &t->rule, err));
  if (oikos_rule_clips(&t->config))
    OIKOS_TRY(oikos_arena_alloc(&p->memory, &r->clipped, oikos_mul(threads, t->weights.n),
                                sizeof(real), err));
  if (!oikos_rule_orders(&t->config))
    return OIKOS_OK;
  OIKOS_TRY(create_columns(t, t->learners.bound, &r->columns, err));
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &r->sorted, oikos_mul(threads, (size_t)r->columns.n),
                              sizeof(real), err));
  return oikos_arena_alloc(&p->memory, &r->row, width(t), sizeof(real), err);
}

static void destroy(void *state) {
  oikos_columns_destroy(&((rule *)state)->columns);
}

static bool take(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                 const oikos_contribution *c) {
  const oikos_weights *w = &t->weights;
  const rule *r = p->state;
  const oikos_columns *columns = &r->columns;
  bool fine = oikos_contribution_finite(&t->config, w, c) && !oikos_diverged(&t->config, c);
  if (columns->tags)
    columns->tags[columns->first_row + slot] = fine ? c->home : LEFT_OUT;
  if (!fine) {
    t->sums[thread].words[OIKOS_COUNT_REJECTED]++;
    return false;
  }
  if (columns->tags) {
    oikos_columns_put(columns, slot, 0, (int64_t)w->n, c->gradient);
    if (oikos_takes_trained(t))
      oikos_columns_put(columns, slot, (int64_t)w->n, (int64_t)w->m, c->trained);
  }
  if (t->config.aggregation.rule == OIKOS_RULE_MEAN)
    return oikos_contribution_add(&t->segments, w, c, &t->sums[thread]);
  return oikos_robust_add(&t->config, &t->rule, &t->segments, w, c,
                          r->clipped ? r->clipped + (size_t)thread * w->n : NULL, &t->sums[thread]);
}

/* One number of a result: column j, of the members of a home, or of everybody (home LEFT_OUT). */
static real order(const oikos_trainer *t, const oikos_columns *c, int64_t j, int32_t home,
                  real *sorted) {
  size_t n = 0;
  for (int64_t i = 0; i < c->n; i++)
    if (c->tags[i] != LEFT_OUT && (home == LEFT_OUT || c->tags[i] == home))
      sorted[n++] = c->columns[i * c->count + j];
  if (n == 0)
    return 0; // a home without members, which is not updated
  return t->config.aggregation.rule == OIKOS_RULE_MEDIAN
             ? oikos_median(n, sorted)
             : oikos_trimmed_mean(n, t->config.aggregation.trim, sorted);
}

/* All results for one group of learners, into row (D), complete on all ranks. */
static void order_row(const oikos_trainer *t, const rule *r, int32_t home) {
  const oikos_columns *c = &r->columns;
  int64_t n = c->n;
#pragma omp parallel for schedule(static) num_threads(t->n_threads)
  for (int64_t j = 0; j < c->count; j++)
    r->row[c->first + j] = order(t, c, j, home, r->sorted + omp_get_thread_num() * n);
  oikos_columns_gather(c, r->row);
}

/* Rules that order exchange and order. */
static void share(oikos_trainer *t, const oikos_part_state *p) {
  const oikos_weights *w = &t->weights;
  rule *r = p->state;
  oikos_robust *to = &t->rule;
  oikos_columns *c = &r->columns;
  size_t owned = w->m - w->k;
  if (!oikos_rule_orders(&t->config))
    return;
  const real *row = r->row, *trained = row + w->n;
  for (oikos_slot_id slot = t->learners.active; slot < c->n_rows; slot++)
    c->tags[c->first_row + slot] = LEFT_OUT; // no learner in this row
  oikos_columns_exchange(c);
  order_row(t, r, LEFT_OUT);
  memcpy(to->gradient, row, w->n * sizeof *row);
  if (to->trained)
    memcpy(to->trained, trained, w->m * sizeof *row);
  for (int64_t h = 0; w->k > 0 && h < w->n_homes; h++) {
    order_row(t, r, (int32_t)h);
    memcpy(to->home_gradient + (size_t)h * w->k, row + owned, w->k * sizeof *row);
    if (to->home_trained)
      memcpy(to->home_trained + (size_t)h * w->k, trained + owned, w->k * sizeof *row);
  }
}

static void commit(oikos_trainer *t, oikos_part_state *p) {
  t->history.now[p->column] = (double)t->sums[0].words[OIKOS_COUNT_REJECTED];
}

static oikos_status room(oikos_trainer *t, oikos_part_state *p, const oikos_learners *to,
                         oikos_error *err) {
  rule *r = p->state;
  return r->columns.tags ? create_columns(t, to->bound, &r->next, err) : OIKOS_OK;
}

static void relocated(oikos_part_state *p, bool moved) {
  rule *r = p->state;
  oikos_columns gone = moved ? r->columns : r->next;
  r->columns = moved ? r->next : r->columns;
  oikos_columns_destroy(&gone);
  r->next = (oikos_columns){0};
}

/* The centres of centred_clip. */
static void weight_fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  static const oikos_named centre[] = {
      {"centre of the gradients", "centre/shared/gradient"},
      {"centre of the gradients of alpha", "centre/rates"},
      {"centre of the gradients of the encoder", "centre/encoder"}};
  const oikos_robust *r = &t->rule;
  (void)p;
  if (t->config.aggregation.rule != OIKOS_RULE_CENTRED_CLIP)
    return;
  oikos_fields_weights(f, t, r->gradient, centre);
  oikos_fields_tensors(f, t->segments.shared, 0, 0, r->trained,
                       "centre of the ways to trained parameters", "centre/shared/trained");
  oikos_fields_homes(f, t, r->home_gradient, "centre of the gradients of c_t, one row per home",
                     "centre/homes/gradient");
  oikos_fields_homes(f, t, r->home_trained,
                     "centre of the ways to trained parameters, one row per home",
                     "centre/homes/trained");
}

const oikos_part oikos_part_rule = {.size = sizeof(rule),
                                    .number = "left_out",
                                    .value = offsetof(oikos_record, left_out),
                                    .name = "rule",
                                    .create = create,
                                    .destroy = destroy,
                                    .take = take,
                                    .share = share,
                                    .commit = commit,
                                    .room = room,
                                    .relocated = relocated,
                                    .weight_fields = weight_fields};
