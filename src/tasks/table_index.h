/* SPDX-License-Identifier: MIT
 * What a table file says of its rows: what their numbers mean, and which of them belong together.
 */
#ifndef OIKOS_TASKS_TABLE_INDEX_H
#define OIKOS_TASKS_TABLE_INDEX_H

#include <stdint.h>

/** Everything but the numbers. Strings and arrays belong to the caller. */
typedef struct oikos_table_index {
  int64_t n_rows, n_features, n_targets, n_groups;
  const int64_t *group_first; /* (n_groups + 1) group g is rows group_first[g] .. [g + 1] - 1 */
  const char *const *group_name;
  const char *const *feature_name;
  const char *const *target_name;
  const char *group_column; /* that the groups are the values of */
  const char *source;
  int64_t skipped; /* bad rows that the import left out */
} oikos_table_index;

#endif
