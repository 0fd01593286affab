/* SPDX-License-Identifier: MIT
 * Rows of a table as tasks: an episode is one group of rows (a patient, a user), of which some are
 * the support and others the query examples, drawn without replacement. Groups are held out for
 * validation and test as wholes. A group too small for both sets has fewer query examples; one with
 * no row beside the support is left out. Features and targets are standardised by mean and
 * deviation over the training groups; a feature that is constant there becomes 0. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/class_split.h"
#include "tasks/source.h"
#include "tasks/table_index.h"
#include "tasks/table_scale.h"

typedef struct table_source {
  oikos_table_index index;
  const float *features, *targets;
  const char *file;
  oikos_class_split split;
  oikos_table_scale feature_scale, target_scale;
} table_source;

/* A group is used with as many queries as it has rows for; with none it is left out. */
static void leave_out(table_source *t, const oikos_config *config, int64_t *most, int64_t *left_out,
                      int64_t *fewer) {
  *most = *left_out = *fewer = 0;
  for (int s = 0; s < 3; s++) {
    int64_t n = 0;
    for (int64_t k = 0; k < t->split.n[s]; k++) {
      int64_t g = t->split.classes[s][k];
      int64_t held = t->index.group_first[g + 1] - t->index.group_first[g];
      *most = held > *most ? held : *most;
      *fewer += held > config->task.support && held - config->task.support < config->task.query;
      if (held > config->task.support)
        t->split.classes[s][n++] = g;
    }
    *left_out += t->split.n[s] - n;
    t->split.n[s] = n;
  }
}

static oikos_status check(const oikos_source *source, const oikos_config *config, int64_t left_out,
                          oikos_error *err) {
  const table_source *t = source->self;
  if (left_out == 0 || t->split.n[OIKOS_TRAIN] > 0)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "%s: no training group has more than task.support %lld rows, so none is left "
                    "to be judged on; lower it",
                    t->file, (long long)config->task.support);
}

static void write_note(oikos_source *source, const oikos_config *config, int64_t left_out,
                       int64_t fewer) {
  int used = 0;
  if (left_out > 0)
    used = snprintf(source->note, sizeof source->note,
                    "%lld of %lld groups are left out: they have no more than task.support %lld "
                    "rows",
                    (long long)left_out,
                    (long long)((const table_source *)source->self)->index.n_groups,
                    (long long)config->task.support);
  if (fewer > 0)
    snprintf(source->note + used, sizeof source->note - (size_t)used,
             "%s%lld groups are judged on fewer than task.query %lld rows, as they have no more",
             used ? "; " : "", (long long)fewer, (long long)config->task.query);
}

static oikos_status scale(table_source *t, oikos_error *err) {
  const int64_t *train = t->split.classes[OIKOS_TRAIN], n = t->split.n[OIKOS_TRAIN];
  const oikos_table_index *x = &t->index;
  OIKOS_TRY(oikos_table_scale_create(t->features, x->n_features, x->group_first, train, n,
                                     &t->feature_scale, err));
  return oikos_table_scale_create(t->targets, x->n_targets, x->group_first, train, n,
                                  &t->target_scale, err);
}

static oikos_status create(oikos_source *source, const oikos_config *config, const oikos_data *data,
                           oikos_error *err) {
  int64_t most, left_out, fewer;
  if (!data || !data->table || !data->features || !data->targets)
    return oikos_fail(err, OIKOS_ERROR, "task.source table was created without its data");
  OIKOS_TRY(oikos_alloc(&source->self, 1, sizeof(table_source), "the task source", err));
  table_source *t = source->self;
  *t = (table_source){.index = *data->table,
                      .features = data->features,
                      .targets = data->targets,
                      .file = config->task.file};
  const oikos_class_list list = {t->index.n_groups, t->index.group_name, NULL,
                                 "group",           "table file",        0};
  OIKOS_TRY(oikos_class_split_create(config, &list, &t->split, err));
  leave_out(t, config, &most, &left_out, &fewer);
  OIKOS_TRY(check(source, config, left_out, err));
  write_note(source, config, left_out, fewer);
  OIKOS_TRY(scale(t, err));
  int64_t wanted = config->task.support + config->task.query;
  source->scratch =
      (size_t)(most + wanted); // a draw permutes a group; the chosen rows stand before
  source->shape = (oikos_task_shape){.input = {1, 1, t->index.n_features},
                                     .outputs = t->index.n_targets,
                                     .units = 1,
                                     .support = (size_t)config->task.support,
                                     .query = (size_t)config->task.query};
  return OIKOS_OK;
}

static oikos_status has(const oikos_source *source, oikos_split split, oikos_error *err) {
  static const char *const name[] = {"training", "validation", "test"};
  const table_source *t = source->self;
  if (t->split.n[split] > 0)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE, "%s: the %s split has no group; change task.split", t->file,
                    name[split]);
}

static void copy_scaled(const float *from, int64_t columns, const oikos_table_scale *s,
                        oikos_real *to) {
  for (int64_t c = 0; c < columns; c++)
    to[c] =
        (oikos_real)(s->deviation[c] > 0 ? ((double)from[c] - s->mean[c]) / s->deviation[c] : 0);
}

/* A target that is constant in training keeps its unit: others need not be constant in it. */
static double target_unit(const table_source *t, int64_t c) {
  return t->target_scale.deviation[c] > 0 ? t->target_scale.deviation[c] : 1;
}

/* Which group: any in training, unless learners are bound; the unseen ones in turn, so that each
 * counts the same. */
static int64_t choose_group(const oikos_source *source, oikos_split split, const oikos_episode *e,
                            oikos_random *r) {
  const table_source *t = source->self;
  int64_t n = t->split.n[split], k;
  if (split != OIKOS_TRAIN)
    k = e->learner % n;
  else if (source->bound)
    k = oikos_source_bound(source, n, e->step, e->learner);
  else
    k = (int64_t)oikos_random_below(r, (uint64_t)n);
  return t->split.classes[split][k];
}

static void draw(const oikos_source *source, oikos_split split, oikos_random *r, oikos_episode *e) {
  const table_source *t = source->self;
  const oikos_table_index *x = &t->index;
  int64_t group = choose_group(source, split, e, r), first = x->group_first[group];
  int64_t held = x->group_first[group + 1] - first;
  int64_t wanted = (int64_t)(source->shape.support + source->shape.query), *chosen = e->scratch;
  wanted = wanted < held ? wanted : held;
  e->unit = group;
  e->query.n = (size_t)wanted - source->shape.support;
  oikos_random_choose(r, held, wanted, chosen, chosen + wanted);
  for (int64_t k = 0; k < wanted; k++) { // support rows first
    int64_t row = first + chosen[k];
    copy_scaled(t->features + row * x->n_features, x->n_features, &t->feature_scale,
                e->x + k * x->n_features);
    for (int64_t c = 0; c < x->n_targets; c++)
      e->y[k * x->n_targets + c] =
          (oikos_real)(((double)t->targets[row * x->n_targets + c] - t->target_scale.mean[c]) /
                       target_unit(t, c));
  }
}

static oikos_target target(const oikos_source *source, int64_t index) {
  const table_source *t = source->self;
  return (oikos_target){t->index.target_name[index], target_unit(t, index)};
}

static void destroy(oikos_source *source) {
  table_source *t = source->self;
  oikos_class_split_destroy(&t->split);
  oikos_table_scale_destroy(&t->feature_scale);
  oikos_table_scale_destroy(&t->target_scale);
}

const oikos_source_type oikos_source_table = {
    .word = {"groups of rows of a table file made by `oikos import`.",
             "task.file|task.learners|task.split|task.validation_fraction|task.test_fraction|"
             "task.train_list|task.validation_list|task.test_list|learners.weigh|"
             "model.norm_statistics|eval.norm_statistics"},
    .data = OIKOS_DATA_TABLE,
    .losses = "mse",
    .splits = "fraction|list",
    .unit = "groups",
    .create = create,
    .has = has,
    .draw = draw,
    .target = target,
    .destroy = destroy};
