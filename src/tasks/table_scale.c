/* SPDX-License-Identifier: MIT */
#include "tasks/table_scale.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

typedef struct part {
  const float *numbers;
  const int64_t *group_first, *groups;
  int64_t columns, n_groups;
} part;

/* sum (columns) += numbers - about, or its square. */
static int64_t add_up(const part *p, const double *about, bool square, double *sum) {
  int64_t rows = 0;
  for (int64_t k = 0; k < p->n_groups; k++) {
    int64_t first = p->group_first[p->groups[k]], end = p->group_first[p->groups[k] + 1];
    rows += end - first;
    for (int64_t r = first; r < end; r++)
      for (int64_t c = 0; c < p->columns; c++) {
        double d = (double)p->numbers[r * p->columns + c] - about[c];
        sum[c] += square ? d * d : d;
      }
  }
  return rows;
}

oikos_status oikos_table_scale_create(const float *numbers, int64_t columns,
                                      const int64_t *group_first, const int64_t *groups,
                                      int64_t n_groups, oikos_table_scale *scale,
                                      oikos_error *err) {
  const part p = {numbers, group_first, groups, columns, n_groups};
  double *first;
  *scale = (oikos_table_scale){0};
  OIKOS_TRY(oikos_alloc(&scale->mean, oikos_mul(2, (size_t)columns), sizeof *scale->mean,
                        "the scale of a table", err));
  scale->deviation = scale->mean + columns;
  if (n_groups == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&first, (size_t)columns, sizeof *first, "the scale of a table", err));
  for (int64_t c = 0; c < columns; c++) // sums of differences: a constant column gives exact zeros
    first[c] = (double)numbers[group_first[groups[0]] * columns + c];
  int64_t rows = add_up(&p, first, false, scale->mean);
  for (int64_t c = 0; c < columns; c++)
    scale->mean[c] = first[c] + scale->mean[c] / (double)rows;
  add_up(&p, scale->mean, true, scale->deviation);
  for (int64_t c = 0; c < columns; c++)
    scale->deviation[c] = sqrt(scale->deviation[c] / (double)rows);
  free(first);
  return OIKOS_OK;
}

void oikos_table_scale_destroy(oikos_table_scale *scale) {
  free(scale->mean);
  *scale = (oikos_table_scale){0};
}
