/* SPDX-License-Identifier: MIT
 * A table file in memory: the numbers once per node, in memory that its ranks share. */
#ifndef OIKOS_STORE_TABLE_LOAD_H
#define OIKOS_STORE_TABLE_LOAD_H

#include "store/data_about.h"
#include "store/data_read.h"
#include "tasks/table_index.h"

typedef struct oikos_table_data {
  oikos_table_index index;
  const float *features; /* (n_rows, n_features), shared by the node */
  const float *targets;  /* (n_rows, n_targets), shared by the node */
  oikos_data_about about;
  oikos_data_memory memory;
  void *tables; /* what the index points into */
} oikos_table_data;

/** Read a table file (store/table_file.h); all numbers must be finite. Collective: each rank of a
 * node reads its share of the rows. */
oikos_status oikos_table_load(const oikos_team *team, const char *path, oikos_table_data *data,
                              oikos_error *err);

/** Not collective. */
void oikos_table_unload(oikos_table_data *data);

#endif
