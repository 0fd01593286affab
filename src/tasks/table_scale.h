/* SPDX-License-Identifier: MIT
 * Standardising the columns of a table: number -> (number - mean) / deviation, with mean and
 * (population) standard deviation over the rows of some groups. */
#ifndef OIKOS_TASKS_TABLE_SCALE_H
#define OIKOS_TASKS_TABLE_SCALE_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

typedef struct oikos_table_scale {
  double *mean, *deviation; /* (columns), one allocation; deviation 0: the column is constant */
} oikos_table_scale;

/**
 * Take mean and deviation of each column of numbers (n_rows, columns) over the rows of the groups
 * listed, in two passes in double, in the order of groups: the same bits on every rank.
 */
oikos_status oikos_table_scale_create(const float *numbers, int64_t columns,
                                      const int64_t *group_first, const int64_t *groups,
                                      int64_t n_groups, oikos_table_scale *scale, oikos_error *err);
void oikos_table_scale_destroy(oikos_table_scale *scale);

#endif
