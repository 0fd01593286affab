/* SPDX-License-Identifier: MIT
 * The numbers of a gradient check as a file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "config/options.h"
#include "run/embedding_rows.h"
#include "run/fields.h"
#include "run/gradcheck_impl.h"
#include "store/dump.h"

typedef oikos_real real;
typedef oikos_check check;

/* A point, or its gradient: the start with what is learned besides, and what the start is made of.
 */
static void add_point(const check *c, oikos_fields *f, real *x, const oikos_named about[3],
                      const char *ending) {
  const oikos_trainer *t = c->t;
  char group[64];
  oikos_fields_weights(f, t, x, about);
  snprintf(group, sizeof group, "shared%s", ending);
  if (t->weights.k > 0)
    oikos_fields_tensors(f, t->segments.shared, 0, 0, x + c->offset[OIKOS_POINT_SHARED], "", group);
  for (int64_t h = 0; t->weights.k > 0 && h < t->weights.n_homes; h++) {
    snprintf(group, sizeof group, "homes%s/%lld", ending, (long long)h);
    oikos_fields_tensors(f, t->segments.home, 0, 0,
                         x + c->offset[OIKOS_POINT_HOMES] + (size_t)h * t->weights.k, "", group);
  }
  snprintf(group, sizeof group, "rows%s", ending);
  int64_t embedding_rows = (int64_t)oikos_check_size(c, OIKOS_POINT_EMBEDDING_ROWS);
  if (embedding_rows > 0)
    oikos_fields_add(f, OIKOS_FIELD_REAL, x + c->offset[OIKOS_POINT_EMBEDDING_ROWS],
                     embedding_rows / (int64_t)t->embedding_rows->width,
                     (int64_t)t->embedding_rows->width, "", "", group);
}

static void add_set(const check *c, oikos_fields *f, const oikos_batch *b, const char *x,
                    const char *y) {
  oikos_shape in = oikos_source_shape(c->t->source).input;
  int64_t n = (int64_t)b->n;
  oikos_field *field = oikos_fields_add(f, OIKOS_FIELD_REAL, (real *)b->x, n, in.height, "", "", x);
  field->n_dims = 4;
  field->dims[2] = in.width;
  field->dims[3] = in.channels;
  oikos_fields_add(f, OIKOS_FIELD_REAL, (real *)b->y, n, (int64_t)oikos_network_targets(c->t->net),
                   "", "", y);
}

static oikos_status dump_all(const check *c, oikos_dump *d, oikos_error *err) {
  static const oikos_named point[] = {{"", "start"}, {"", "rate"}, {"", "encoder"}},
                           gradient[] = {{"", "meta_gradient"},
                                         {"", "rate_gradient"},
                                         {"", "encoder_gradient"}};
  const oikos_segments *s = &c->t->segments;
  real loss = (real)c->loss;
  oikos_fields f = {.room = 7 * s->shared.n + 2 * s->encoder.n +
                            2 * (int)c->t->weights.n_homes * s->home.n + 16};
  OIKOS_TRY(oikos_alloc(&f.list, (size_t)f.room, sizeof *f.list, "the list of datasets", err));
  add_point(c, &f, c->x, point, "");
  add_point(c, &f, c->gradient, gradient, "_gradient");
  oikos_fields_tensors(&f, s->shared, 0, 0, c->trained, "", "trained");
  if (c->t->weights.n_homes > 1)
    oikos_fields_add(&f, OIKOS_FIELD_REAL, c->w->p, c->t->weights.n_homes, 0, "", "", "p");
  add_set(c, &f, &c->w->episode.support, "support_x", "support_y");
  add_set(c, &f, &c->w->episode.query, "query_x", "query_y");
  oikos_fields_add(&f, OIKOS_FIELD_REAL, &loss, 1, 0, "", "", "query_loss")->n_dims = 0;
  oikos_status status = OIKOS_OK;
  for (const oikos_field *x = f.list; x < f.list + f.n && status == OIKOS_OK; x++)
    status = oikos_dump_write(d, x->name, x->n_dims, x->dims, x->data, err);
  free(f.list);
  return status;
}

static size_t size_of_sets(const check *c) {
  oikos_task_shape shape = oikos_source_shape(c->t->source);
  size_t each = oikos_network_input(c->t->net) + oikos_network_targets(c->t->net);
  return (shape.support + shape.query) * each;
}

oikos_status oikos_check_dump(const check *c, const char *path, oikos_error *err) {
  char *config;
  OIKOS_TRY(oikos_config_text(&c->t->config, &config, err));
  oikos_dump *d;
  size_t numbers = 2 * c->offset[OIKOS_POINT_PARTS] + c->t->weights.m + size_of_sets(c);
  oikos_status status = oikos_dump_create(path, config, 2 * numbers, &d, err);
  free(config);
  OIKOS_TRY(status);
  status = dump_all(c, d, err);
  oikos_status closed = oikos_dump_close(d, status == OIKOS_OK, status == OIKOS_OK ? err : NULL);
  return status == OIKOS_OK ? closed : status;
}
