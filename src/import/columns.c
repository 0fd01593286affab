/* SPDX-License-Identifier: MIT */
#include "import/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

typedef enum column_use { UNUSED, GROUP, TARGET, FEATURE, EXCLUDED } column_use;

static oikos_status no_column(const oikos_csv *csv, const char *option, const char *name,
                              size_t length, oikos_error *err) {
  char text[201];
  snprintf(text, sizeof text, "%.*s", length < 200 ? (int)length : 200, name);
  return oikos_csv_missing(csv, option, text, err);
}

/* Mark one column, given by `length` bytes of its name. */
static oikos_status mark(const oikos_csv *csv, const char *option, const char *name, size_t length,
                         column_use what, uint8_t *uses, int *column, oikos_error *err) {
  int shown = length < 200 ? (int)length : 200;
  for (*column = 0; *column < oikos_csv_columns(csv); ++*column) {
    const char *have = oikos_csv_name(csv, *column);
    if (strlen(have) == length && memcmp(have, name, length) == 0)
      break;
  }
  if (*column == oikos_csv_columns(csv))
    return no_column(csv, option, name, length, err);
  if (uses[*column] != UNUSED)
    return oikos_fail(err, OIKOS_USAGE,
                      "--%s: column '%.*s' is named a second time; a column has one use", option,
                      shown, name);
  uses[*column] = (uint8_t)what;
  return OIKOS_OK;
}

/* Mark all columns of a list; their numbers go to `column` in the list's order. */
static oikos_status mark_list(const oikos_csv *csv, const char *option, const char *list,
                              column_use what, uint8_t *uses, int *column, int *n,
                              oikos_error *err) {
  for (const char *at = list; at; *n += 1) {
    size_t length = strcspn(at, ",");
    OIKOS_TRY(mark(csv, option, at, length, what, uses, &column[*n], err));
    at = at[length] ? at + length + 1 : NULL;
  }
  return OIKOS_OK;
}

static oikos_status choose(const oikos_csv *csv, const oikos_import_options *o, uint8_t *uses,
                           int *scratch, oikos_table_columns *c, oikos_error *err) {
  int n = oikos_csv_columns(csv), excluded = 0;
  OIKOS_TRY(mark(csv, "group", o->group, strlen(o->group), GROUP, uses, &c->group, err));
  OIKOS_TRY(mark_list(csv, "target", o->targets, TARGET, uses, scratch, &c->n_targets, err));
  OIKOS_TRY(mark_list(csv, "exclude", o->exclude, EXCLUDED, uses, c->column, &excluded, err));
  OIKOS_TRY(mark_list(csv, "features", o->features, FEATURE, uses, c->column, &c->n_features, err));
  for (int k = 0; k < n && !o->features; k++)
    if (uses[k] == UNUSED)
      c->column[c->n_features++] = k;
  if (c->n_features == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "no column is left for the features: the header has %d columns", n);
  memcpy(c->column + c->n_features, scratch, (size_t)c->n_targets * sizeof *scratch);
  return OIKOS_OK;
}

oikos_status oikos_table_columns_choose(const oikos_csv *csv, const oikos_import_options *options,
                                        oikos_table_columns *columns, oikos_error *err) {
  size_t n = (size_t)oikos_csv_columns(csv);
  uint8_t *uses = NULL;
  int *scratch = NULL;
  *columns = (oikos_table_columns){0};
  if (!options->group || !options->targets)
    return oikos_fail(err, OIKOS_USAGE, "csv wants --group COLUMN and --target COLUMN[,COLUMN]");
  oikos_status status = oikos_alloc(&uses, n, 1, "the columns", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&scratch, n, sizeof *scratch, "the columns", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&columns->column, n, sizeof *columns->column, "the columns", err);
  if (status == OIKOS_OK)
    status = choose(csv, options, uses, scratch, columns, err);
  free(uses);
  free(scratch);
  return status;
}

void oikos_table_columns_free(oikos_table_columns *columns) {
  free(columns->column);
  *columns = (oikos_table_columns){0};
}
