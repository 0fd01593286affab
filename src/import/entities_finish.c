/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/entities_impl.h"
#include "import/name_order.h"

static oikos_status sort_ids(oikos_entities *e, int64_t n, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&e->order, (size_t)n, sizeof *e->order, "the order of ids", err));
  OIKOS_TRY(oikos_alloc(&e->place, (size_t)n, sizeof *e->place, "the order of ids", err));
  oikos_name_order(e->ids, e->order);
  for (int64_t k = 0; k < n; k++)
    e->place[e->order[k]] = (int32_t)k;
  return OIKOS_OK;
}

/* The number of what an id had until now is its row, if a table has reached it. */
static bool is_described(const oikos_entities *e, int64_t k) {
  return k < e->capacity && e->described[k];
}

/* The mean of a number's known values. */
static double mean_of(const oikos_entities *e, int64_t n, int64_t width, int64_t column) {
  double sum = 0;
  int64_t known = 0;
  for (int64_t k = 0; k < n; k++)
    if (is_described(e, k) && isfinite(e->number[k * width + column])) {
      sum += e->number[k * width + column];
      known++;
    }
  return known ? sum / (double)known : 0;
}

/* How a number is stored, and the name that says so. */
static oikos_status choose_shift(oikos_entities *e, int64_t n, int64_t width, int64_t column,
                                 double *shift, oikos_error *err) {
  char *name = e->number_name[column];
  size_t used =
      (size_t)snprintf(name, OIKOS_TEXT_BYTES, "%s", oikos_name_map_name(e->numbers, column));
  const oikos_shift_column numbers = {.name = name,
                                      .first = e->capacity > 0 ? e->number + column : NULL,
                                      .n = n < e->capacity ? n : e->capacity,
                                      .stride = width};
  *shift = 0;
  if (e->capacity == 0)
    return OIKOS_OK; // nothing is described
  OIKOS_TRY(oikos_shift_choose(&numbers, shift, err));
  if (*shift != 0)
    oikos_shift_text(*shift, name + (used < OIKOS_TEXT_BYTES ? used : OIKOS_TEXT_BYTES - 1));
  return OIKOS_OK;
}

static oikos_status sort_numbers(oikos_entities *e, int64_t n, oikos_error *err) {
  int64_t width = oikos_name_map_count(e->numbers);
  OIKOS_TRY(oikos_alloc(&e->sorted, oikos_mul((size_t)n, (size_t)width), sizeof *e->sorted,
                        "the numbers", err));
  OIKOS_TRY(oikos_alloc(&e->number_name, (size_t)width, sizeof *e->number_name, "the names", err));
  for (int64_t c = 0; c < width; c++) {
    double shift, mean = mean_of(e, n, width, c);
    OIKOS_TRY(choose_shift(e, n, width, c, &shift, err));
    for (int64_t k = 0; k < n; k++) {
      int64_t old = e->order[k];
      double number = is_described(e, old) ? e->number[old * width + c] : NAN;
      e->sorted[k * width + c] = (float)((isfinite(number) ? number : mean) - shift);
    }
  }
  return OIKOS_OK;
}

static const char **put_names(const char **to, const oikos_name_map *names) {
  for (int64_t k = 0; k < oikos_name_map_count(names); k++)
    *to++ = oikos_name_map_name(names, k);
  return to;
}

static oikos_status collect_names(oikos_entities *e, int64_t n, oikos_rating_side *side,
                                  oikos_error *err) {
  int64_t fields = oikos_name_map_count(e->fields), numbers = oikos_name_map_count(e->numbers);
  OIKOS_TRY(oikos_alloc(&e->first, (size_t)fields + 1, sizeof *e->first, "the fields", err));
  for (int64_t f = 0; f < fields; f++)
    e->first[f + 1] = e->first[f] + oikos_name_map_count(e->values[f]);
  size_t names = 2 * (size_t)n + (size_t)(numbers + fields + e->first[fields]);
  OIKOS_TRY(oikos_alloc(&e->name, names, sizeof *e->name, "the names", err));
  const char **to = e->name;
  side->id = to;
  for (int64_t k = 0; k < n; k++)
    *to++ = oikos_name_map_name(e->ids, e->order[k]);
  side->title = oikos_name_map_count(e->titles) > 1 ? to : NULL;
  for (int64_t k = 0; k < n; k++)
    *to++ =
        oikos_name_map_name(e->titles, is_described(e, e->order[k]) ? e->title[e->order[k]] : 0);
  side->number_name = to;
  for (int64_t c = 0; c < numbers; c++)
    *to++ = e->number_name[c];
  side->field_name = to;
  side->value_name = to = put_names(to, e->fields);
  for (int64_t f = 0; f < fields; f++)
    to = put_names(to, e->values[f]);
  side->n_numbers = numbers;
  side->n_fields = fields;
  side->field_first = e->first;
  return OIKOS_OK;
}

static int by_number(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Sort the categories of each and drop repeated ones. */
static void tidy(oikos_entities *e, int64_t n) {
  int64_t to = 0;
  for (int64_t k = 0; k < n; k++) {
    int64_t from = e->category_first[k], end = e->category_first[k + 1];
    qsort(e->category + from, (size_t)(end - from), sizeof *e->category, by_number);
    e->category_first[k] = to;
    for (int64_t i = from; i < end; i++)
      if (i == from || e->category[i] != e->category[to - 1])
        e->category[to++] = e->category[i];
  }
  e->category_first[n] = to;
}

static oikos_status sort_categories(oikos_entities *e, int64_t n, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&e->category_first, (size_t)n + 2, sizeof *e->category_first,
                        "the categories", err));
  OIKOS_TRY(
      oikos_alloc(&e->category, (size_t)e->n_has, sizeof *e->category, "the categories", err));
  int64_t *next = e->category_first + 1; // next[k] moves from the start of k to its end
  for (int64_t i = 0; i < e->n_has; i++)
    if (e->place[e->has[i].entity] + 1 < n)
      next[e->place[e->has[i].entity] + 1]++;
  for (int64_t k = 0; k + 1 < n; k++)
    next[k + 1] += next[k];
  for (int64_t i = 0; i < e->n_has; i++) {
    const oikos_has_value *has = &e->has[i];
    e->category[next[e->place[has->entity]]++] = (int32_t)(e->first[has->field] + has->value);
  }
  tidy(e, n);
  return OIKOS_OK;
}

oikos_status oikos_entities_finish(oikos_entities *e, oikos_rating_side *side,
                                   const int32_t **place, oikos_error *err) {
  int64_t n = oikos_name_map_count(e->ids);
  *side = (oikos_rating_side){.n = n};
  OIKOS_TRY(sort_ids(e, n, err));
  OIKOS_TRY(sort_numbers(e, n, err));
  OIKOS_TRY(collect_names(e, n, side, err));
  if (e->first[side->n_fields] > INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR, "more than %d categories", INT32_MAX);
  OIKOS_TRY(sort_categories(e, n, err));
  side->number = e->sorted;
  side->category_first = e->category_first;
  side->category = e->category;
  *place = e->place;
  return OIKOS_OK;
}
