/* SPDX-License-Identifier: MIT
 * Ids in an order that does not depend on where they were met first. */
#ifndef OIKOS_IMPORT_NAME_ORDER_H
#define OIKOS_IMPORT_NAME_ORDER_H

#include "import/name_map.h"

/** Whole numbers come first, by their value, then other texts, by their bytes. */
int oikos_name_compare(const char *a, const char *b);

/** Sort the names of a map: order[k] (names) is the number of the k-th. */
void oikos_name_order(const oikos_name_map *map, int32_t *order);

#endif
