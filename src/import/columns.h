/* SPDX-License-Identifier: MIT
 * Which columns of a table are the group, the targets and the features. */
#ifndef OIKOS_IMPORT_COLUMNS_H
#define OIKOS_IMPORT_COLUMNS_H

#include "import/csv.h"
#include "import/import.h"

typedef struct oikos_table_columns {
  int group, n_features, n_targets;
  int *column; /* (n_features + n_targets) features first; freed by oikos_table_columns_free */
} oikos_table_columns;

/** Find the columns that the options name. @return OIKOS_USAGE for one that the header does not
 * have, that is named twice or for two purposes, and if no feature is left */
oikos_status oikos_table_columns_choose(const oikos_csv *csv, const oikos_import_options *options,
                                        oikos_table_columns *columns, oikos_error *err);
void oikos_table_columns_free(oikos_table_columns *columns);

#endif
