/* SPDX-License-Identifier: MIT
 * Examples and targets of ratings, and what outputs mean as ratings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/ratings_impl.h"

typedef oikos_real real;

/* Mean and deviation of a side's numbers over those who train. */
static oikos_status scale_side(oikos_ratings *r, int side, oikos_error *err) {
  const oikos_rating_side *x = oikos_ratings_side(r, side);
  int64_t *first, *who, n = 0;
  oikos_status status;
  OIKOS_TRY(oikos_alloc(&first, oikos_mul(2, (size_t)x->n + 1), sizeof *first, "a scale", err));
  who = first + x->n + 1;
  for (int64_t k = 0; k <= x->n; k++)
    first[k] = k;
  for (int64_t k = 0; k < x->n; k++)
    if (r->fold || r->part[side][k] == OIKOS_TRAIN)
      who[n++] = k;
  status = oikos_table_scale_create(x->number, x->n_numbers, first, who, n, &r->content[side].scale,
                                    err);
  free(first);
  return status;
}

oikos_status oikos_ratings_lay_out(oikos_ratings *r, const oikos_config *config, oikos_error *err) {
  r->width = (size_t)oikos_config_row_width(config);
  r->content_wanted = config->task.content;
  r->inputs = 2 * r->width;
  for (int side = 0; side < OIKOS_SIDES && r->content_wanted; side++) {
    const oikos_rating_side *x = oikos_ratings_side(r, side);
    oikos_content *c = &r->content[side];
    c->offset = r->inputs;
    c->numbers = x->n_numbers;
    c->categories = x->n_fields ? x->field_first[x->n_fields] : 0;
    r->inputs += (size_t)(c->numbers + c->categories);
    if (c->numbers > 0)
      OIKOS_TRY(scale_side(r, side, err));
  }
  r->side_offset = r->inputs;
  r->inputs += r->content_wanted;
  r->bias_offset = r->inputs;
  r->inputs += config->task.residual ? 2 : 0; // the own bias, the other one's
  if (r->inputs == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.content is false and model.layers does not begin with embedding, "
                      "so an example has no input; change one of the two",
                      config->file[0] ? config->file : "configuration");
  return OIKOS_OK;
}

static void write_content(const oikos_ratings *r, int side, int64_t k, real *x) {
  const oikos_rating_side *who = oikos_ratings_side(r, side);
  const oikos_content *c = &r->content[side];
  real *to = x + c->offset;
  for (int64_t i = 0; i < c->numbers + c->categories; i++)
    to[i] = 0;
  if (k < 0)
    return;
  for (int64_t j = 0; j < c->numbers; j++) {
    double difference = (double)who->number[k * c->numbers + j] - c->scale.mean[j];
    to[j] = (real)(c->scale.deviation[j] > 0 ? difference / c->scale.deviation[j] : 0);
  }
  for (int64_t i = c->categories ? who->category_first[k] : 0;
       c->categories && i < who->category_first[k + 1]; i++)
    to[c->numbers + who->category[i]] = 1;
}

void oikos_ratings_example(const oikos_ratings *r, int side, int64_t learner, int64_t other,
                           real *x) {
  memset(x, 0, 2 * r->width * sizeof *x);
  if (!r->content_wanted)
    return;
  write_content(r, side, learner, x);
  write_content(r, !side, other, x);
  x[r->side_offset] = side == OIKOS_SIDE_USER ? 1 : -1;
}

int64_t oikos_ratings_find_level(const oikos_ratings *r, double value) {
  int64_t level = 0;
  while (level < r->n_levels && r->level[level] < value)
    level++;
  return level;
}

bool oikos_ratings_target(const oikos_ratings *r, double value, real *y) {
  int64_t level = oikos_ratings_find_level(r, value);
  if (!r->classes) {
    *y = (real)((value - r->mean) / r->deviation);
    return true;
  }
  if (level == r->n_levels || r->level[level] != value)
    return false;
  *y = (real)level;
  return true;
}

double oikos_ratings_value(const oikos_ratings *r, real y) {
  return r->classes ? r->level[(int64_t)y] : r->mean + r->deviation * (double)y;
}

double oikos_ratings_expected(const oikos_ratings *r, const real *outputs) {
  double total = 0, sum = 0, most = (double)outputs[0];
  if (!r->classes)
    return oikos_ratings_value(r, outputs[0]);
  for (int64_t k = 1; k < r->n_levels; k++)
    most = (double)outputs[k] > most ? (double)outputs[k] : most;
  for (int64_t k = 0; k < r->n_levels; k++) {
    double weight = exp((double)outputs[k] - most);
    total += weight;
    sum += weight * r->level[k];
  }
  return sum / total;
}

double oikos_ratings_within(const oikos_ratings *r, double value) {
  return value < r->least ? r->least : value > r->greatest ? r->greatest : value;
}

double oikos_ratings_relevant(const oikos_ratings *r) {
  return r->relevant;
}

oikos_status oikos_ratings_check(const oikos_ratings *r, double value, oikos_error *err) {
  char list[320] = "";
  double least = INFINITY, greatest = -INFINITY;
  real ignored;
  if (r->classes && oikos_ratings_target(r, (double)(float)value, &ignored))
    return OIKOS_OK;
  for (int64_t k = 0; r->classes && k < r->n_levels; k++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%g, ", r->level[k]);
  }
  if (r->classes)
    return oikos_fail(err, OIKOS_USAGE, "expected one of the ratings that the file has, %sfound %g",
                      list, value);
  for (int64_t k = 0; k < r->index.n; k++) {
    least = fmin(least, (double)r->index.value[k]);
    greatest = fmax(greatest, (double)r->index.value[k]);
  }
  if ((double)(float)value >= least && (double)(float)value <= greatest)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "expected a rating within those of the file, %g to %g, found %g", least,
                    greatest, value);
}

double oikos_ratings_level(const oikos_ratings *r, double value) {
  int64_t best = 0;
  for (int64_t k = 1; k < r->n_levels; k++)
    if (fabs(r->level[k] - value) < fabs(r->level[best] - value))
      best = k;
  return r->n_levels > 0 ? r->level[best] : value;
}

double oikos_ratings_likeliest(const oikos_ratings *r, const real *outputs) {
  int64_t best = 0;
  if (!r->classes)
    return oikos_ratings_level(r, oikos_ratings_expected(r, outputs));
  for (int64_t k = 1; k < r->n_levels; k++)
    if (outputs[k] > outputs[best])
      best = k;
  return r->level[best];
}
