/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/entities_impl.h"

enum { FIRST_ENTITIES = 1024 };

oikos_status oikos_entities_create(oikos_entities **out, oikos_error *err) {
  int32_t none;
  OIKOS_TRY(oikos_alloc(out, 1, sizeof **out, "users and items", err));
  oikos_entities *e = *out;
  oikos_status status = oikos_name_map_create(&e->ids, err);
  if (status == OIKOS_OK)
    status = oikos_name_map_create(&e->titles, err);
  if (status == OIKOS_OK)
    status = oikos_name_map_add(e->titles, "", &none, err);
  if (status == OIKOS_OK)
    status = oikos_name_map_create(&e->numbers, err);
  if (status == OIKOS_OK)
    status = oikos_name_map_create(&e->fields, err);
  if (status != OIKOS_OK) {
    oikos_entities_destroy(e);
    *out = NULL;
  }
  return status;
}

void oikos_entities_destroy(oikos_entities *e) {
  if (!e)
    return;
  oikos_name_map_destroy(e->ids);
  oikos_name_map_destroy(e->titles);
  oikos_name_map_destroy(e->numbers);
  oikos_name_map_destroy(e->fields);
  for (int f = 0; f < OIKOS_MAX_FEATURES; f++)
    oikos_name_map_destroy(e->values[f]);
  free(e->number_name);
  void *const arrays[] = {e->described, e->title,          e->number,       e->has,
                          e->order,     e->place,          (void *)e->name, e->sorted,
                          e->first,     e->category_first, e->category};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
    free(arrays[k]);
  free(e);
}

static oikos_status add_feature(oikos_name_map *names, const char *name, int *number,
                                oikos_error *err) {
  int32_t k;
  OIKOS_TRY(oikos_name_map_add(names, name, &k, err));
  *number = k;
  return k < OIKOS_MAX_FEATURES
             ? OIKOS_OK
             : oikos_fail(err, OIKOS_ERROR, "more than %d columns of features of one kind",
                          OIKOS_MAX_FEATURES);
}

oikos_status oikos_entities_add_number(oikos_entities *e, const char *name, int *column,
                                       oikos_error *err) {
  if (e->capacity > 0 && oikos_name_map_find(e->numbers, name) < 0)
    return oikos_fail(err, OIKOS_ERROR, "the number %s comes after the first row", name);
  return add_feature(e->numbers, name, column, err);
}

oikos_status oikos_entities_add_field(oikos_entities *e, const char *name, int *field,
                                      oikos_error *err) {
  OIKOS_TRY(add_feature(e->fields, name, field, err));
  return e->values[*field] ? OIKOS_OK : oikos_name_map_create(&e->values[*field], err);
}

oikos_status oikos_entities_id(oikos_entities *e, const char *id, int32_t *entity,
                               oikos_error *err) {
  return oikos_name_map_add(e->ids, id, entity, err);
}

int32_t oikos_entities_find(const oikos_entities *e, const char *id) {
  return oikos_name_map_find(e->ids, id);
}

const char *oikos_entities_name(const oikos_entities *e, int32_t entity) {
  return oikos_name_map_name(e->ids, entity);
}

/* Room for what is told of `n`. */
static oikos_status grow(oikos_entities *e, int64_t n, oikos_error *err) {
  size_t width = (size_t)oikos_name_map_count(e->numbers);
  if (n <= e->capacity)
    return OIKOS_OK;
  size_t to = (size_t)(3 * n / 2) + FIRST_ENTITIES, from = (size_t)e->capacity;
  bool *described = realloc(e->described, oikos_mul(to, sizeof *described));
  e->described = described ? described : e->described;
  int32_t *title = realloc(e->title, oikos_mul(to, sizeof *title));
  e->title = title ? title : e->title;
  double *number = realloc(e->number, oikos_mul(oikos_mul(to, width + 1), sizeof *number));
  e->number = number ? number : e->number;
  if (!described || !title || !number)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %zu users or items", to);
  memset(described + from, 0, (to - from) * sizeof *described);
  memset(title + from, 0, (to - from) * sizeof *title);
  for (size_t k = from * width; k < to * width; k++)
    number[k] = NAN;
  e->capacity = (int64_t)to;
  return OIKOS_OK;
}

bool oikos_entities_is_described(const oikos_entities *e, const char *id) {
  int32_t entity = oikos_entities_find(e, id);
  return entity >= 0 && entity < e->capacity && e->described[entity];
}

oikos_status oikos_entities_describe(oikos_entities *e, const char *id, int32_t *entity,
                                     oikos_error *err) {
  OIKOS_TRY(oikos_entities_id(e, id, entity, err));
  OIKOS_TRY(grow(e, (int64_t)*entity + 1, err));
  e->described[*entity] = true;
  return OIKOS_OK;
}

oikos_status oikos_entities_set_title(oikos_entities *e, int32_t entity, const char *title,
                                      oikos_error *err) {
  return oikos_name_map_add(e->titles, title, &e->title[entity], err);
}

void oikos_entities_set_number(oikos_entities *e, int32_t entity, int column, double number) {
  e->number[entity * oikos_name_map_count(e->numbers) + column] = number;
}

oikos_status oikos_entities_name_value(oikos_entities *e, int field, const char *value,
                                       oikos_error *err) {
  int32_t ignored;
  return oikos_name_map_add(e->values[field], value, &ignored, err);
}

oikos_status oikos_entities_add_value(oikos_entities *e, int32_t entity, int field,
                                      const char *value, oikos_error *err) {
  if (e->n_has == e->has_capacity) {
    size_t to = 2 * (size_t)e->has_capacity + FIRST_ENTITIES;
    oikos_has_value *has = realloc(e->has, oikos_mul(to, sizeof *has));
    if (!has)
      return oikos_fail(err, OIKOS_ERROR, "out of memory for %zu values of categories", to);
    e->has = has;
    e->has_capacity = (int64_t)to;
  }
  oikos_has_value *to = &e->has[e->n_has];
  *to = (oikos_has_value){.entity = entity, .field = field};
  OIKOS_TRY(oikos_name_map_add(e->values[field], value, &to->value, err));
  e->n_has++;
  return OIKOS_OK;
}
