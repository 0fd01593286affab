/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_IMPORT_ENTITIES_IMPL_H
#define OIKOS_IMPORT_ENTITIES_IMPL_H

#include "import/entities.h"
#include "import/name_map.h"
#include "import/shift.h"
#include "import/text.h"

enum { OIKOS_MAX_FEATURES = 256 };

/* One has a value: numbers of all three. */
typedef struct oikos_has_value {
  int32_t entity, field, value;
} oikos_has_value;

struct oikos_entities {
  oikos_name_map *ids, *titles, *numbers, *fields; /* titles: 0 is "" */
  oikos_name_map *values[OIKOS_MAX_FEATURES];      /* of each field */
  int64_t capacity;
  bool *described; /* (capacity) */
  int32_t *title;  /* (capacity) */
  double *number;  /* (capacity, numbers); NaN: unknown */
  oikos_has_value *has;
  int64_t n_has, has_capacity;
  /* what finish makes */
  int32_t *order, *place; /* (n) each other's inverse */
  const char **name;      /* (n + n + numbers + fields + values) */
  char (*number_name)[OIKOS_TEXT_BYTES + OIKOS_SHIFT_TEXT]; /* (numbers) */
  float *sorted;                                            /* (n, numbers) */
  int64_t *first, *category_first;                          /* (fields + 1), (n + 1) */
  int32_t *category;
};

#endif
