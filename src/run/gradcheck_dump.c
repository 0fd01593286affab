/* SPDX-License-Identifier: MIT
 * The numbers of a gradient check as a file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/try.h"
#include "run/gradcheck_impl.h"
#include "run/rows.h"
#include "store/dump.h"

typedef oikos_real real;
typedef oikos_check check;

static oikos_status dump_tensors(oikos_dump *d, const char *group, oikos_tensors tensors,
                                 const real *data, oikos_error *err) {
  for (int i = 0; i < tensors.n; i++)
    OIKOS_TRY(oikos_dump_write(d, group, tensors.list[i].name, tensors.list[i].n_dims,
                               tensors.list[i].dims, data + tensors.list[i].offset, err));
  return OIKOS_OK;
}

static oikos_status dump_rates(const check *c, oikos_dump *d, const char *group, const real *data,
                               oikos_error *err) {
  int64_t dims[] = {c->t->config.inner.steps, oikos_network_layers(c->t->net)};
  if (oikos_check_size(c, OIKOS_POINT_RATES) == 0)
    return OIKOS_OK;
  if (c->t->config.inner.learned_rates == OIKOS_RATES_PARAMETER)
    return dump_tensors(d, group, c->t->segments.shared, data, err);
  return oikos_dump_write(d, group, "by_step_and_layer", 2, dims, data, err);
}

static oikos_status dump_set(const check *c, oikos_dump *d, const char *x, const char *y,
                             const oikos_batch *b, oikos_error *err) {
  oikos_shape in = oikos_source_shape(c->t->source).input;
  int64_t n = (int64_t)b->n, targets = (int64_t)oikos_network_targets(c->t->net);
  OIKOS_TRY(
      oikos_dump_write(d, "", x, 4, (int64_t[]){n, in.height, in.width, in.channels}, b->x, err));
  return oikos_dump_write(d, "", y, 2, (int64_t[]){n, targets}, b->y, err);
}

/* What the start is made of, and the gradients of that. */
static oikos_status dump_sources(const check *c, oikos_dump *d, const char *ending,
                                 const real *data, oikos_error *err) {
  const oikos_trainer *t = c->t;
  char group[64];
  snprintf(group, sizeof group, "shared%s", ending);
  if (t->weights.k > 0)
    OIKOS_TRY(dump_tensors(d, group, t->segments.shared, data + c->at[OIKOS_POINT_SHARED], err));
  for (int64_t h = 0; t->weights.k > 0 && h < t->weights.n_homes; h++) {
    snprintf(group, sizeof group, "homes%s/%lld", ending, (long long)h);
    OIKOS_TRY(dump_tensors(d, group, t->segments.home,
                           data + c->at[OIKOS_POINT_HOMES] + (size_t)h * t->weights.k, err));
  }
  snprintf(group, sizeof group, "encoder%s", ending);
  OIKOS_TRY(dump_tensors(d, group, t->segments.encoder, data + c->at[OIKOS_POINT_ENCODER], err));
  size_t rows = oikos_check_size(c, OIKOS_POINT_ROWS);
  snprintf(group, sizeof group, "rows%s", ending);
  if (rows == 0)
    return OIKOS_OK;
  return oikos_dump_write(d, "", group, 2,
                          (int64_t[]){(int64_t)(rows / t->rows->width), (int64_t)t->rows->width},
                          data + c->at[OIKOS_POINT_ROWS], err);
}

static oikos_status dump_all(const check *c, oikos_dump *d, oikos_error *err) {
  real loss = (real)c->loss;
  oikos_tensors theta = c->t->segments.shared;
  OIKOS_TRY(dump_tensors(d, "start", theta, c->x, err));
  OIKOS_TRY(dump_tensors(d, "trained", theta, c->trained, err));
  OIKOS_TRY(dump_tensors(d, "meta_gradient", theta, c->gradient, err));
  OIKOS_TRY(dump_rates(c, d, "rate", c->x + c->at[OIKOS_POINT_RATES], err));
  OIKOS_TRY(dump_rates(c, d, "rate_gradient", c->gradient + c->at[OIKOS_POINT_RATES], err));
  OIKOS_TRY(dump_sources(c, d, "", c->x, err));
  OIKOS_TRY(dump_sources(c, d, "_gradient", c->gradient, err));
  if (c->t->weights.n_homes > 1)
    OIKOS_TRY(oikos_dump_write(d, "", "p", 1, &c->t->weights.n_homes, c->w->p, err));
  OIKOS_TRY(dump_set(c, d, "support_x", "support_y", &c->w->episode.support, err));
  OIKOS_TRY(dump_set(c, d, "query_x", "query_y", &c->w->episode.query, err));
  return oikos_dump_write(d, "", "query_loss", 0, NULL, &loss, err);
}

static size_t size_of_sets(const check *c) {
  oikos_task_shape shape = oikos_source_shape(c->t->source);
  size_t each = oikos_network_input(c->t->net) + oikos_network_targets(c->t->net);
  return (shape.support + shape.query) * each;
}

oikos_status oikos_check_dump(const check *c, const char *path, oikos_error *err) {
  char *config = NULL;
  size_t size;
  FILE *text = open_memstream(&config, &size);
  if (!text)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_write(&c->t->config, text);
  fclose(text);
  oikos_dump *d;
  size_t numbers = 2 * c->at[OIKOS_POINT_PARTS] + c->t->weights.m + size_of_sets(c);
  oikos_status status = oikos_dump_create(path, config, 2 * numbers, &d, err);
  free(config);
  OIKOS_TRY(status);
  status = dump_all(c, d, err);
  oikos_status closed = oikos_dump_close(d, status == OIKOS_OK, status == OIKOS_OK ? err : NULL);
  return status == OIKOS_OK ? closed : status;
}
