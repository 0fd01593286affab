/* SPDX-License-Identifier: MIT
 *
 * The table file: what `oikos import csv` writes and the task source `table` reads. One HDF5 file,
 * version 1:
 *
 *   attribute  format          string  "oikos table"
 *   attribute  format_version  int32   1
 *   attribute  source          string  what it was imported from
 *   attribute  group_column    string  the column that tells groups apart
 *   attribute  rows_skipped    int64   bad rows that were left out
 *   /features      float32 (rows, features)   rows of one group stand together, in the source's
 * order /targets       float32 (rows, targets) /group         int32 (rows)               index into
 * group_name /group_first   int64 (groups + 1)         group g is rows group_first[g] ..
 * group_first[g+1]-1 /group_name    string (groups)            unique, UTF-8, in the order of first
 * appearance /feature_name  string (features) /target_name   string (targets)
 */
#ifndef OIKOS_STORE_TABLE_FILE_H
#define OIKOS_STORE_TABLE_FILE_H

#include "oikos/error.h"
#include "tasks/table_index.h"

/** Called for rows first .. first+count-1: fill features (count, n_features) and targets (count,
 * n_targets). */
typedef oikos_status oikos_table_reader(void *user, int64_t first, int64_t count, float *features,
                                        float *targets, oikos_error *err);

/**
 * Write a table file, some rows at a time. Writes under a temporary name, then renames: a failed
 * import leaves no file. Not collective: called by one process.
 */
oikos_status oikos_table_file_write(const char *path, const oikos_table_index *index,
                                    oikos_table_reader *read, void *user, oikos_error *err);

#endif
