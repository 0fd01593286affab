/* SPDX-License-Identifier: MIT */
#include "import/name_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text) {
  return *text && text[strspn(text, "0123456789")] == 0;
}

int oikos_name_compare(const char *a, const char *b) {
  bool number = is_number(a);
  if (number != is_number(b))
    return number ? -1 : 1;
  if (!number)
    return strcmp(a, b);
  const char *x = a + strspn(a, "0"), *y = b + strspn(b, "0");
  size_t m = strlen(x), n = strlen(y);
  if (m != n)
    return m < n ? -1 : 1;
  int order = strcmp(x, y);
  return order ? order : (y - b < x - a) - (x - a < y - b); // 7, 07, 007
}

static int compare(const void *a, const void *b, void *map) {
  return oikos_name_compare(oikos_name_map_name(map, *(const int32_t *)a),
                            oikos_name_map_name(map, *(const int32_t *)b));
}

void oikos_name_order(const oikos_name_map *map, int32_t *order) {
  int64_t n = oikos_name_map_count(map);
  for (int64_t k = 0; k < n; k++)
    order[k] = (int32_t)k;
  qsort_r(order, (size_t)n, sizeof *order, compare, (void *)map);
}
