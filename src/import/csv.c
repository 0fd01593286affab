/* SPDX-License-Identifier: MIT
 * Tables as text: how one is opened, its columns, and what is said of its fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/csv_impl.h"
#include "import/number.h"
#include "import/text.h"

enum { FIRST_FIELDS = 64, SHOWN = 60, SUSPICIOUS = 32, LISTED = 12 };

static oikos_status read_stream(void *user, void *to, size_t size, size_t *got, oikos_error *err) {
  OIKOS_TRY(oikos_stream_read_some(user, to, size, got, err));
  return *got < size ? oikos_stream_end(user, err) : OIKOS_OK;
}

static oikos_status check_fault(const oikos_csv *csv, const oikos_csv_row *row, oikos_error *err) {
  return row->fault ? oikos_fail(err, OIKOS_ERROR, "%s:%lld: %s", csv->path, (long long)row->line,
                                 row->fault)
                    : OIKOS_OK;
}

static oikos_status keep_names(oikos_csv *csv, const oikos_csv_row *row, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&csv->name, (size_t)row->n, sizeof *csv->name, "the columns", err));
  for (int k = 0; k < row->n; k++) {
    if (!*row->field[k])
      return oikos_fail(err, OIKOS_ERROR, "%s:%lld: column %d has no name in the header", csv->path,
                        (long long)row->line, k + 1);
    if (oikos_csv_find(csv, row->field[k]) >= 0)
      return oikos_fail(err, OIKOS_ERROR,
                        "%s:%lld: two columns are named '%.*s'; names must differ", csv->path,
                        (long long)row->line, SHOWN, row->field[k]);
    csv->name[k] = strdup(row->field[k]);
    if (!csv->name[k])
      return oikos_fail(err, OIKOS_ERROR, "out of memory for the columns");
    csv->columns++;
  }
  return OIKOS_OK;
}

/* The names of a table that has no header: 1, 2, .. as many as its first row has fields, which is
 * read again. */
static oikos_status number_columns(oikos_csv *csv, oikos_error *err) {
  oikos_csv_row row;
  bool end;
  char text[16];
  OIKOS_TRY(oikos_csv_next_row(csv, true, &row, &end, err));
  if (end)
    return oikos_fail(err, OIKOS_ERROR, "%s: expected rows, found nothing", csv->path);
  OIKOS_TRY(check_fault(csv, &row, err));
  int n = row.n > 1 && !*row.field[row.n - 1] ? row.n - 1 : row.n;
  OIKOS_TRY(oikos_alloc(&csv->name, (size_t)n, sizeof *csv->name, "the columns", err));
  for (int k = 0; k < n; k++) {
    snprintf(text, sizeof text, "%d", k + 1);
    csv->name[k] = strdup(text);
    if (!csv->name[k])
      return oikos_fail(err, OIKOS_ERROR, "out of memory for the columns");
    csv->columns++;
  }
  csv->from = csv->row_offset;
  csv->line = row.line - 1;
  csv->row_lines = 0;
  return OIKOS_OK;
}

/* The header, or the names that stand for one. */
static oikos_status read_names(oikos_csv *csv, const oikos_csv_format *format, oikos_error *err) {
  oikos_csv_row row = {.n = format->n_names, .field = (char *const *)format->names};
  bool end = false;
  if (!format->header && !format->names)
    return number_columns(csv, err);
  if (format->header)
    OIKOS_TRY(oikos_csv_next(csv, &row, &end, err));
  if (end)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s:1: expected a header with the names of the columns, found nothing",
                      csv->path);
  OIKOS_TRY(check_fault(csv, &row, err));
  if (row.n > 1 && !*row.field[row.n - 1])
    row.n--; // lines end with a separator
  return keep_names(csv, &row, err);
}

static oikos_status set_syntax(oikos_csv *csv, const oikos_csv_format *format, oikos_error *err) {
  const char *separator = format->separator ? format->separator : csv->separator;
  size_t length = strlen(separator);
  if (length == 0 || length > OIKOS_CSV_MAX_SEPARATOR || strpbrk(separator, "\r\n\"\\"))
    return oikos_fail(err, OIKOS_USAGE,
                      "a separator is 1 to %d bytes without line ends, quotes and backslashes",
                      OIKOS_CSV_MAX_SEPARATOR);
  memmove(csv->separator, separator, length + 1);
  csv->syntax = (oikos_csv_syntax){.separator = csv->separator,
                                   .length = length,
                                   .blanks = strcmp(separator, " ") == 0,
                                   .quotes = format->quotes};
  return OIKOS_OK;
}

/* Where the bytes come from: a source or a file, recoded if need be. */
static oikos_status open_bytes(oikos_csv *csv, const oikos_csv_source *source,
                               const oikos_csv_format *format, oikos_error *err) {
  csv->raw = *source;
  if (!source->read) {
    OIKOS_TRY(oikos_stream_open(&csv->stream, csv->path, err));
    csv->raw = (oikos_csv_source){csv->path, read_stream, csv->stream};
  }
  csv->source = csv->raw;
  if (!format->encoding)
    return OIKOS_OK;
  OIKOS_TRY(oikos_recode_open(&csv->recode, &csv->raw, format->encoding, err));
  csv->source = (oikos_csv_source){csv->path, oikos_recode_read, csv->recode};
  return OIKOS_OK;
}

static oikos_status start(oikos_csv *csv, const oikos_csv_source *source,
                          const oikos_csv_format *format, oikos_error *err) {
  size_t length;
  OIKOS_TRY(oikos_alloc(&csv->field, FIRST_FIELDS, sizeof *csv->field, "a row", err));
  csv->fields = FIRST_FIELDS;
  csv->header = format->header;
  csv->path = strdup(source->name);
  if (!csv->path)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  OIKOS_TRY(open_bytes(csv, source, format, err));
  OIKOS_TRY(oikos_csv_first_line(csv, &length, err));
  csv->separator[0] = oikos_csv_guess(csv->buffer + csv->from, length);
  OIKOS_TRY(set_syntax(csv, format, err));
  return read_names(csv, format, err);
}

oikos_status oikos_csv_open_source(oikos_csv **out, const oikos_csv_source *source,
                                   const oikos_csv_format *format, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(out, 1, sizeof **out, "a table", err));
  oikos_status status = start(*out, source, format, err);
  if (status != OIKOS_OK) {
    oikos_csv_close(*out);
    *out = NULL;
  }
  return status;
}

oikos_status oikos_csv_open(oikos_csv **out, const char *path, const oikos_csv_format *format,
                            oikos_error *err) {
  const oikos_csv_source file = {.name = path};
  return oikos_csv_open_source(out, &file, format, err);
}

void oikos_csv_close(oikos_csv *csv) {
  if (!csv)
    return;
  for (int k = 0; k < csv->columns; k++)
    free(csv->name[k]);
  free(csv->name);
  free(csv->field);
  free(csv->buffer);
  free(csv->copy);
  free(csv->path);
  oikos_recode_close(csv->recode);
  oikos_stream_close(csv->stream);
  free(csv);
}

int oikos_csv_columns(const oikos_csv *csv) {
  return csv->columns;
}

const char *oikos_csv_name(const oikos_csv *csv, int column) {
  return csv->name[column];
}

int oikos_csv_find(const oikos_csv *csv, const char *name) {
  for (int k = 0; k < csv->columns; k++)
    if (strcmp(csv->name[k], name) == 0)
      return k;
  return -1;
}

oikos_status oikos_csv_fail(const oikos_csv *csv, const oikos_csv_row *row, int column,
                            const char *expected, oikos_error *err) {
  char name[SHOWN];
  const char *text = row->field[column];
  if (column < csv->columns)
    snprintf(name, sizeof name, "%s", csv->name[column]);
  else
    snprintf(name, sizeof name, "%d", column + 1);
  return oikos_fail(err, OIKOS_ERROR, "%s:%lld: column %s: expected %s, found %s%.*s%s", csv->path,
                    (long long)row->line, name, expected, *text ? "'" : "nothing", SHOWN, text,
                    *text ? "'" : "");
}

oikos_status oikos_csv_check(const oikos_csv *csv, const oikos_csv_row *row, oikos_error *err) {
  OIKOS_TRY(check_fault(csv, row, err));
  if (row->n == csv->columns)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR, "%s:%lld: expected %d fields%s, found %d", csv->path,
                    (long long)row->line, csv->columns, csv->header ? " as in the header" : "",
                    row->n);
}

oikos_status oikos_csv_number(const oikos_csv *csv, const oikos_csv_row *row, int column,
                              double *value, oikos_error *err) {
  return oikos_parse_number(row->field[column], value)
             ? OIKOS_OK
             : oikos_csv_fail(csv, row, column, "a finite number", err);
}

oikos_status oikos_csv_id(const oikos_csv *csv, const oikos_csv_row *row, int column,
                          oikos_error *err) {
  if (oikos_text_is_id(row->field[column]))
    return OIKOS_OK;
  return oikos_csv_fail(
      csv, row, column,
      "an id: UTF-8 (csv: or what --encoding says) without control characters, of "
      "1 to 128 bytes",
      err);
}

/* A column that the header names by a number, as a row would; or -1. */
static int find_numeric(const oikos_csv *csv) {
  double value;
  for (int k = 0; csv->header && k < csv->columns; k++)
    if (oikos_parse_number(csv->name[k], &value))
      return k;
  return -1;
}

void oikos_csv_hints(const oikos_csv *csv, void (*say)(void *user, const char *text), void *user) {
  char text[512];
  int numeric = find_numeric(csv);
  if (say && numeric >= 0) {
    snprintf(
        text, sizeof text,
        "%.200s: the first row was taken as the header, and it names column %d '%.60s': if it is "
        "a row like others, give --no-header and name columns by their numbers, from 1",
        csv->path, numeric + 1, csv->name[numeric]);
    say(user, text);
  }
  if (say && csv->longest > SUSPICIOUS) {
    snprintf(text, sizeof text,
             "%.200s:%lld: quotes make one row of %lld lines; if quotes are characters like others "
             "there, give --quotes none",
             csv->path, (long long)csv->longest_line, (long long)csv->longest);
    say(user, text);
  }
}

oikos_status oikos_csv_missing(const oikos_csv *csv, const char *option, const char *name,
                               oikos_error *err) {
  char list[400] = "";
  for (int k = 0; k < csv->columns && k < LISTED; k++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%.40s", k ? ", " : "", csv->name[k]);
  }
  const char *hint = !csv->header             ? "; without a header columns are numbers from 1"
                     : find_numeric(csv) >= 0 ? "; if that is a row, give --no-header"
                     : csv->columns == 1      ? "; if that is more than one, give --separator"
                                              : "";
  return oikos_fail(err, OIKOS_USAGE, "--%s: there is no column '%.200s' in %s: %s%s%s", option,
                    name, csv->header ? "the header" : "the table", list,
                    csv->columns > LISTED ? " .." : "", hint);
}
