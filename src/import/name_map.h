/* SPDX-License-Identifier: MIT
 * Names numbered 0, 1, .. in the order of first appearance. */
#ifndef OIKOS_IMPORT_NAME_MAP_H
#define OIKOS_IMPORT_NAME_MAP_H

#include <stdint.h>

#include "oikos/error.h"

typedef struct oikos_name_map oikos_name_map;

oikos_status oikos_name_map_create(oikos_name_map **map, oikos_error *err);
void oikos_name_map_destroy(oikos_name_map *map);

/** The number of a name; a new one if it is new. At most 2^31 - 1 names. */
oikos_status oikos_name_map_add(oikos_name_map *map, const char *name, int32_t *number,
                                oikos_error *err);

/** The number of a name, or -1. */
int32_t oikos_name_map_find(const oikos_name_map *map, const char *name);

int64_t oikos_name_map_count(const oikos_name_map *map);

/** A name by its number; valid until the next name is added. */
const char *oikos_name_map_name(const oikos_name_map *map, int64_t number);

#endif
