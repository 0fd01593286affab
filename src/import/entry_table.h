/* SPDX-License-Identifier: MIT
 * Tables inside an archive or a folder, found by the last part of their names and streamed. */
#ifndef OIKOS_IMPORT_ENTRY_TABLE_H
#define OIKOS_IMPORT_ENTRY_TABLE_H

#include "import/archive.h"
#include "import/csv.h"

/** An open table; closed by oikos_entry_table_close(), which also takes one that is all 0. */
typedef struct oikos_entry_table {
  oikos_archive *archive;
  oikos_csv *csv;
} oikos_entry_table;

/**
 * Look for files.
 * @param wanted  (n) last parts of names
 * @param[out] found  (n) their whole names, to be released by free(), or NULL
 * @return OIKOS_ERROR for two files of one name in different folders
 */
oikos_status oikos_entry_find(const char *source, int n, const char *const *wanted, char **found,
                              oikos_error *err);

/** Open one of the files found. */
oikos_status oikos_entry_table_open(oikos_entry_table *table, const char *source, const char *name,
                                    const oikos_csv_format *format, oikos_error *err);
void oikos_entry_table_close(oikos_entry_table *table);

#endif
