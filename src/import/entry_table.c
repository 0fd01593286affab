/* SPDX-License-Identifier: MIT */
#include "import/entry_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"

static oikos_status keep(const char *source, const char *name, int n, const char *const *wanted,
                         char **found, oikos_error *err) {
  const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
  if (strstr(name, "__MACOSX/"))
    return OIKOS_OK;
  for (int k = 0; k < n; k++) {
    if (strcmp(base, wanted[k]) != 0)
      continue;
    if (found[k])
      return oikos_fail(err, OIKOS_ERROR,
                        "%s: expected one %s, found %.200s and %.200s; give the folder of one of "
                        "them",
                        source, base, found[k], name);
    found[k] = strdup(name);
    if (!found[k])
      return oikos_fail(err, OIKOS_ERROR, "out of memory for a file name");
  }
  return OIKOS_OK;
}

static oikos_status find(oikos_archive *archive, const char *source, int n,
                         const char *const *wanted, char **found, oikos_error *err) {
  const char *name;
  for (;;) {
    OIKOS_TRY(oikos_archive_next(archive, &name, err));
    if (!name)
      return OIKOS_OK;
    OIKOS_TRY(keep(source, name, n, wanted, found, err));
    OIKOS_TRY(oikos_archive_skip(archive, err));
  }
}

oikos_status oikos_entry_find(const char *source, int n, const char *const *wanted, char **found,
                              oikos_error *err) {
  oikos_archive *archive;
  for (int k = 0; k < n; k++)
    found[k] = NULL;
  OIKOS_TRY(oikos_archive_open(&archive, source, &oikos_archive_table_limits, err));
  oikos_status status = find(archive, source, n, wanted, found, err);
  oikos_archive_close(archive);
  return status;
}

static oikos_status read_entry(void *user, void *to, size_t size, size_t *got, oikos_error *err) {
  return oikos_archive_read_some(user, to, size, got, err);
}

static oikos_status open_table(oikos_entry_table *table, const char *source, const char *wanted,
                               const oikos_csv_format *format, oikos_error *err) {
  const char *name;
  char path[2048];
  OIKOS_TRY(oikos_archive_open(&table->archive, source, &oikos_archive_table_limits, err));
  for (;;) {
    OIKOS_TRY(oikos_archive_next(table->archive, &name, err));
    if (!name)
      return oikos_fail(err, OIKOS_ERROR, "%s: %s went away while it was read", source, wanted);
    if (strcmp(name, wanted) == 0)
      break;
    OIKOS_TRY(oikos_archive_skip(table->archive, err));
  }
  snprintf(path, sizeof path, "%.900s/%.1024s", source, name);
  const oikos_csv_source entry = {path, read_entry, table->archive};
  return oikos_csv_open_source(&table->csv, &entry, format, err);
}

oikos_status oikos_entry_table_open(oikos_entry_table *table, const char *source, const char *name,
                                    const oikos_csv_format *format, oikos_error *err) {
  *table = (oikos_entry_table){NULL, NULL};
  oikos_status status = open_table(table, source, name, format, err);
  if (status != OIKOS_OK)
    oikos_entry_table_close(table);
  return status;
}

void oikos_entry_table_close(oikos_entry_table *table) {
  oikos_csv_close(table->csv);
  oikos_archive_close(table->archive);
  *table = (oikos_entry_table){NULL, NULL};
}
