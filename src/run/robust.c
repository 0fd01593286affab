/* SPDX-License-Identifier: MIT */
#include "run/robust.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/attack.h"
#include "learn/privacy.h"
#include "learn/rollback.h"
#include "math/order_statistics.h"
#include "math/vector.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

enum { LEFT_OUT = -1 };

static bool takes_trained(const oikos_trainer *t) {
  return t->config.shared.mixing > 0 || (t->weights.k > 0 && t->config.home.mixing > 0);
}

/* Numbers of a learner. */
static size_t width(const oikos_trainer *t) {
  return t->weights.n + (takes_trained(t) ? t->weights.m : 0);
}

/* A row for every slot that a rank may need, though two ranks may share a stratum. */
oikos_status oikos_robust_columns(const oikos_trainer *t, const int64_t *bound,
                                  oikos_columns *columns, oikos_error *err) {
  int64_t *rows, first;
  OIKOS_TRY(oikos_alloc(&rows, (size_t)t->team.size, sizeof *rows, "the aggregation", err));
  for (int r = 0; r < t->team.size; r++)
    oikos_cohort_slots(&t->config, bound[r], bound[r + 1] - bound[r], &first, &rows[r]);
  oikos_status status = oikos_columns_create(&t->team, rows, (int64_t)width(t), columns, err);
  free(rows);
  return status;
}

static oikos_status create_columns(oikos_trainer *t, oikos_error *err) {
  oikos_robust_step *r = &t->robust;
  OIKOS_TRY(oikos_robust_columns(t, t->learners.bound, &r->columns, err));
  OIKOS_TRY(oikos_alloc(&r->sorted, oikos_mul((size_t)t->n_threads, (size_t)r->columns.n),
                        sizeof(real), "the aggregation", err));
  return oikos_alloc(&r->row, width(t), sizeof(real), "the aggregation", err);
}

oikos_status oikos_robust_step_create(oikos_trainer *t, oikos_error *err) {
  oikos_robust_step *r = &t->robust;
  size_t each = 2 * t->weights.n;
  if (t->config.aggregation.rule == OIKOS_RULE_MEAN && t->config.attack.kind == OIKOS_ATTACK_NONE)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&r->scratch, oikos_mul((size_t)t->n_threads, each), sizeof(real),
                        "the aggregation", err));
  OIKOS_TRY(oikos_robust_create(&t->config, &t->weights, &r->rule, err));
  return oikos_rule_orders(&t->config) ? create_columns(t, err) : OIKOS_OK;
}

void oikos_robust_step_destroy(oikos_robust_step *r) {
  free(r->scratch);
  free(r->sorted);
  free(r->row);
  oikos_columns_destroy(&r->columns);
  oikos_robust_destroy(&r->rule);
  *r = (oikos_robust_step){0};
}

static real *scratch_of(const oikos_trainer *t, int thread) {
  return t->robust.scratch + (size_t)thread * 2 * t->weights.n;
}

void oikos_robust_attack(oikos_trainer *t, int thread, int64_t learner, oikos_contribution *c) {
  const oikos_weights *w = &t->weights;
  real *gradient = t->workers[thread].gradient, *trained = NULL;
  if (!oikos_attacks(&t->config, learner))
    return;
  if (takes_trained(t)) {
    trained = scratch_of(t, thread) + w->n;
    memcpy(trained, c->trained, w->m * sizeof *trained);
    c->trained = trained;
  }
  oikos_attack(&t->config, w, t->step, learner, gradient, t->workers[thread].home_gradient,
               trained);
  c->loss[OIKOS_GRADIENT_NORM] = (real)oikos_norm(w->m, gradient);
}

bool oikos_robust_take(oikos_trainer *t, int thread, int64_t at, const oikos_contribution *c) {
  const oikos_weights *w = &t->weights;
  oikos_columns *columns = &t->robust.columns;
  bool fine = oikos_contribution_finite(&t->config, w, c) && !oikos_diverged(&t->config, c);
  if (columns->tags)
    columns->tags[columns->first_row + at] = fine ? c->home : LEFT_OUT;
  if (!fine) {
    t->sums[thread].words[OIKOS_COUNT_REJECTED]++;
    return false;
  }
  if (columns->tags) {
    oikos_columns_put(columns, at, 0, (int64_t)w->n, c->gradient);
    if (takes_trained(t))
      oikos_columns_put(columns, at, (int64_t)w->n, (int64_t)w->m, c->trained);
  }
  if (t->config.aggregation.rule == OIKOS_RULE_MEAN)
    return oikos_contribution_add(&t->segments, w, c, &t->sums[thread]);
  return oikos_robust_add(&t->config, &t->robust.rule, &t->segments, w, c, scratch_of(t, thread),
                          &t->sums[thread]);
}

/* One number of a result: column j, of the members of a home, or of everybody (home LEFT_OUT). */
static real order(const oikos_trainer *t, int64_t j, int32_t home, real *sorted) {
  const oikos_columns *c = &t->robust.columns;
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
static void order_row(oikos_trainer *t, int32_t home) {
  oikos_columns *c = &t->robust.columns;
  int64_t n = c->n;
#pragma omp parallel for schedule(static) num_threads(t->n_threads)
  for (int64_t j = 0; j < c->count; j++)
    t->robust.row[c->first + j] = order(t, j, home, t->robust.sorted + omp_get_thread_num() * n);
  oikos_columns_gather(c, t->robust.row);
}

void oikos_robust_finish(oikos_trainer *t) {
  const oikos_weights *w = &t->weights;
  oikos_robust *rule = &t->robust.rule;
  const real *row = t->robust.row, *trained = row + w->n;
  size_t owned = w->m - w->k;
  if (!oikos_rule_orders(&t->config))
    return;
  for (int64_t at = t->learners.active; at < t->robust.columns.n_rows; at++)
    t->robust.columns.tags[t->robust.columns.first_row + at] = LEFT_OUT; // no learner in this row
  oikos_columns_exchange(&t->robust.columns);
  order_row(t, LEFT_OUT);
  memcpy(rule->gradient, row, w->n * sizeof *row);
  if (rule->trained)
    memcpy(rule->trained, trained, w->m * sizeof *row);
  for (int64_t h = 0; w->k > 0 && h < w->n_homes; h++) {
    order_row(t, (int32_t)h);
    memcpy(rule->home_gradient + (size_t)h * w->k, row + owned, w->k * sizeof *row);
    if (rule->home_trained)
      memcpy(rule->home_trained + (size_t)h * w->k, trained + owned, w->k * sizeof *row);
  }
}

static double spent_after(const oikos_config *c, int64_t steps) {
  return oikos_privacy_on(c) ? oikos_privacy_epsilon(1, c->privacy.noise, steps, c->privacy.delta)
                             : 0;
}

bool oikos_trainer_privacy(const oikos_trainer *t, double *epsilon, double *delta) {
  *epsilon = spent_after(&t->config, t->step);
  *delta = t->config.privacy.delta;
  return oikos_privacy_on(&t->config);
}

oikos_record oikos_trainer_record(const oikos_trainer *t, int64_t index) {
  oikos_record r = oikos_history_record(&t->history, index);
  r.epsilon = spent_after(&t->config, r.step);
  if (oikos_leaves_out(&t->config))
    r.left_out = oikos_history_row(&t->history, index)[t->history.fields - 1];
  OIKOS_PARTS (t, p, read)
    p->part->read(t, p, oikos_history_row(&t->history, index), &r);
  return r;
}
