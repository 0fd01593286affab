/* SPDX-License-Identifier: MIT
 * The state of a trainer as named datasets: what a checkpoint holds, written and read by the same
 * list. */
#include "run/fields.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "run/part.h"
#include "run/same_data.h"
#include "run/trainer_impl.h"

/* What numbers may be where nothing else is said: reals finite, whole numbers counts of steps. */
static oikos_range range_of(const oikos_fields *f, oikos_field_type type) {
  const double most = sizeof(oikos_real) == sizeof(float) ? (double)FLT_MAX : DBL_MAX;
  switch (type) {
  case OIKOS_FIELD_REAL:
    return (oikos_range){-most, most, false};
  case OIKOS_FIELD_DOUBLE:
    return (oikos_range){-INFINITY, INFINITY, false};
  case OIKOS_FIELD_INT32:
  case OIKOS_FIELD_INT64:
    break;
  }
  return (oikos_range){0, (double)f->steps, false};
}

/* What a dataset was called by older versions; NULL: the same. */
static const char *old_name_of(const char *name) {
  static const char *const renamed[][2] = {
      {"history/confidence", "history/sure"},
      {"history/pending_confidence", "history/pending_sure"},
  };
  for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
    if (strcmp(renamed[i][0], name) == 0)
      return renamed[i][1];
  return NULL;
}

static oikos_field *add(oikos_fields *f, oikos_field_type type, void *data, const char *meaning,
                        const char *group, const char *name) {
  oikos_field *field = &f->list[f->n++]; // oikos_trainer_fields made room for all
  *field = (oikos_field){
      .type = type, .data = data, .meaning = meaning, .checked = true, .range = range_of(f, type)};
  snprintf(field->name, sizeof field->name, "%s%s%s", group, *group ? "/" : "", name);
  field->old_name = old_name_of(field->name);
  return field;
}

oikos_field *oikos_fields_add(oikos_fields *f, oikos_field_type type, void *data, int64_t rows,
                              int64_t columns, const char *meaning, const char *group,
                              const char *name) {
  oikos_field *field = add(f, type, data, meaning, group, name);
  field->n_dims = columns ? 2 : 1;
  field->dims[0] = rows;
  field->dims[1] = columns;
  field->stride = columns ? (size_t)columns : 1;
  return field;
}

void oikos_fields_tensors(oikos_fields *f, oikos_tensors tensors, int64_t rows, size_t stride,
                          oikos_real *data, const char *meaning, const char *group) {
  for (int i = 0; data && i < tensors.n; i++) {
    const oikos_tensor *tensor = &tensors.list[i];
    oikos_field *field =
        add(f, OIKOS_FIELD_REAL, data + tensor->offset, meaning, group, tensor->name);
    field->n_dims = tensor->n_dims + (rows > 0);
    if (rows > 0)
      field->dims[0] = rows;
    for (int d = 0; d < tensor->n_dims; d++)
      field->dims[d + (rows > 0)] = tensor->dims[d];
    field->stride = rows > 0 ? stride : tensor->columns;
  }
}

/* The fields from number `from` on are mean squares: they may have overflown, and have no sign. */
static void are_squares(oikos_fields *f, int from) {
  for (int i = from; i < f->n; i++)
    f->list[i].range = (oikos_range){0, INFINITY, false};
}

void oikos_fields_weights(oikos_fields *f, const oikos_trainer *t, oikos_real *data,
                          const oikos_named about[3]) {
  const oikos_weights *w = &t->weights;
  if (!data)
    return;
  oikos_fields_tensors(f, t->segments.shared, 0, 0, data, about[0].meaning, about[0].group);
  if (w->a > 0 && t->config.inner.learned_rates == OIKOS_RATES_PARAMETER)
    oikos_fields_tensors(f, t->segments.shared, 0, 0, data + w->m, about[1].meaning,
                         about[1].group);
  else if (w->a > 0)
    oikos_fields_add(f, OIKOS_FIELD_REAL, data + w->m, t->config.inner.steps,
                     oikos_network_layers(t->net), about[1].meaning, about[1].group,
                     "by_step_and_layer");
  oikos_fields_tensors(f, t->segments.encoder, 0, 0, data + w->m + w->a, about[2].meaning,
                       about[2].group);
}

void oikos_fields_homes(oikos_fields *f, const oikos_trainer *t, oikos_real *data,
                        const char *meaning, const char *group) {
  oikos_fields_tensors(f, t->segments.home, t->weights.n_homes, t->weights.k, data, meaning, group);
}

static void add_shared(oikos_fields *f, const oikos_trainer *t) {
  const oikos_weights *w = &t->weights;
  const oikos_optimizer *o = &w->shared_optimizer;
  static const oikos_named
      weights[] = {{"shared weights w", "shared"},
                   {"learned inner rates alpha", "rates"},
                   {"encoder of support sets", "encoder"}},
      first[] = {{"optimizer: mean gradient of w", "optimizer/shared/first"},
                 {"optimizer: mean gradient of alpha", "optimizer/rates/first"},
                 {"optimizer: mean gradient of the encoder", "optimizer/encoder/first"}},
      second[] = {{"optimizer: mean squared gradient of w", "optimizer/shared/second"},
                  {"optimizer: mean squared gradient of alpha", "optimizer/rates/second"},
                  {"optimizer: mean squared gradient of the encoder", "optimizer/encoder/second"}};
  oikos_fields_weights(f, t, w->shared, weights);
  oikos_fields_weights(f, t, o->first, first);
  int squares = f->n;
  oikos_fields_weights(f, t, o->second, second);
  are_squares(f, squares);
  oikos_fields_add(f, OIKOS_FIELD_INT64, o->count, 1, 0, "optimizer: updates made",
                   "optimizer/shared", "count");
}

static void add_homes(oikos_fields *f, const oikos_trainer *t) {
  const oikos_weights *w = &t->weights;
  const oikos_optimizer *o = &w->home_optimizer;
  if (w->k == 0)
    return;
  oikos_fields_homes(f, t, w->homes, "home parameters c_t, one row per home", "homes");
  oikos_fields_homes(f, t, o->first, "optimizer: mean gradient of c_t", "optimizer/homes/first");
  int squares = f->n;
  oikos_fields_homes(f, t, o->second, "optimizer: mean squared gradient of c_t",
                     "optimizer/homes/second");
  are_squares(f, squares);
  oikos_fields_add(f, OIKOS_FIELD_INT64, o->count, w->n_homes, 0, "optimizer: updates made",
                   "optimizer/homes", "count");
}

void oikos_field_within(oikos_field *field, double least, double most) {
  field->range = (oikos_range){least, most, false};
}

oikos_field *oikos_fields_by_learner(oikos_fields *f, const oikos_trainer *t, oikos_field_type type,
                                     void *data, int64_t columns, const char *meaning,
                                     const char *name) {
  oikos_field *field =
      oikos_fields_add(f, type, data, t->config.learners.count, columns, meaning, "learners", name);
  field->owned = true;
  field->first = t->learners.first;
  field->count = t->learners.count;
  return field;
}

static void add_learners(oikos_fields *f, const oikos_trainer *t) {
  const oikos_learners *l = &t->learners;
  oikos_field_within(oikos_fields_by_learner(f, t, OIKOS_FIELD_INT32, l->home, 0,
                                             "home h(i) of each learner", "home"),
                     0, (double)l->homes - 1);
  oikos_fields_by_learner(f, t, OIKOS_FIELD_DOUBLE, l->log_p, (int64_t)l->homes,
                          "log home weights log p[i][t]", "log_p");
  if (!l->theta)
    return;
  oikos_fields_by_learner(f, t, OIKOS_FIELD_REAL, l->theta, (int64_t)l->m,
                          "parameters theta_i of each learner, its tensors in the order of shared/",
                          "theta");
  oikos_fields_by_learner(f, t, OIKOS_FIELD_INT64, l->visits, 0,
                          "steps that each learner took part in", "visits");
}

/* Of the history anything is kept, losses that were no numbers too. */
static oikos_field *any(oikos_field *field) {
  field->checked = false;
  return field;
}

/* Columns of its records: a row has more than a dataset. */
static oikos_field *add_records(oikos_fields *f, const oikos_history *h, size_t column,
                                int64_t columns, const char *meaning, const char *name) {
  oikos_field *field = any(oikos_fields_add(f, OIKOS_FIELD_DOUBLE, h->rows + column, h->records,
                                            columns, meaning, "history", name));
  field->stride = h->width;
  return field;
}

/* What came with later versions is not in the checkpoints of 0.1.0. */
static void add_history(oikos_fields *f, const oikos_history *h) {
  size_t aside = h->fields;
  any(oikos_fields_add(f, OIKOS_FIELD_DOUBLE, h->pending, (int64_t)aside, 0,
                       "sums over the steps since the last record", "history", "pending"));
  add_records(f, h, 0, (int64_t)aside,
              "records: step, episodes, support loss, query loss, accuracy, learner norm, "
              "gradient norm, rate, moved, members by home, scores by home; adjusted Rand index "
              "where learners are of hidden groups; left out under a rule that leaves any out",
              "records");
  if (h->n_homes > 1) {
    any(oikos_fields_add(
            f, OIKOS_FIELD_DOUBLE, h->pending + aside + OIKOS_ASIDE_CONFIDENCE, 2, 0,
            "mean home weight p[i][h(i)], since the last record: sum over steps; steps", "history",
            "pending_confidence"))
        ->optional = true;
    add_records(f, h, aside + OIKOS_ASIDE_CONFIDENCE, 0,
                "records: mean home weight p[i][h(i)] of the learners' homes", "confidence")
        ->optional = true;
  }
  add_records(f, h, aside + OIKOS_ASIDE_SECONDS, 2, "records: seconds, tasks per second", "times")
      ->not_state = true;
  oikos_field *balance = add_records(
      f, h, aside + OIKOS_ASIDE_BALANCE, 0,
      "records: the ranks' mean work over that of the busiest; 0 with one rank", "balance");
  balance->not_state = balance->optional = true;
}

/* The first, to be looked at before the rest is read. No part of the state: the same content may be
 * in another file. */
static void add_data(oikos_fields *f, const oikos_trainer *t) {
  if (!oikos_trainer_data(t))
    return;
  oikos_field *field = oikos_fields_add(
      f, OIKOS_FIELD_INT64, (int64_t *)t->data_prints, OIKOS_DATA_PRINTS, OIKOS_DATA_WORDS,
      "the data file: fingerprints of its inputs and of all its names, digest", "data", "prints");
  any(field)->not_state = field->optional = true;
}

oikos_status oikos_trainer_fields(const oikos_trainer *t, oikos_fields *f, oikos_error *err) {
  f->n = 0;
  f->steps = t->step;
  f->room = 10 * t->segments.shared.n + 4 * t->segments.encoder.n + 6 * t->segments.home.n + 32;
  OIKOS_TRY(oikos_alloc(&f->list, (size_t)f->room, sizeof *f->list, "the list of datasets", err));
  add_data(f, t);
  add_shared(f, t);
  add_homes(f, t);
  OIKOS_PARTS(t, p, weight_fields)
    p->part->weight_fields(t, p, f);
  add_learners(f, t);
  OIKOS_PARTS(t, p, fields)
    p->part->fields(t, p, f);
  oikos_field_within(oikos_fields_add(f, OIKOS_FIELD_INT32, oikos_grid_exponents(t->segments.grid),
                                      oikos_grid_segments(t->segments.grid), 0,
                                      "exponents of the exact sums", "sum", "exponents"),
                     OIKOS_MIN_EXPONENT,
                     OIKOS_MIN_EXPONENT + OIKOS_BUCKET_BITS * (OIKOS_BUCKETS + 1));
  add_history(f, &t->history);
  return OIKOS_OK;
}

oikos_status oikos_trainer_checkpoint_bytes(const oikos_trainer *t, double *bytes,
                                            oikos_error *err) {
  oikos_fields f = {0};
  oikos_status status = oikos_trainer_fields(t, &f, err);
  *bytes = 0;
  for (int i = 0; status == OIKOS_OK && i < f.n; i++)
    *bytes += oikos_field_bytes(&f.list[i]);
  free(f.list);
  return status;
}
