/* SPDX-License-Identifier: MIT
 *
 * Tables as text (RFC 4180 and its relatives), plain or gzip, read row by row. A field is quoted if
 * a quote is the first thing in it ("" is a quote then, and line ends may stand in it); a quote
 * anywhere else is a character. Blanks around a field without quotes are dropped; lines end with LF
 * or CR LF, with or without a separator before; empty lines and a UTF-8 byte order mark are passed
 * over. One row is held at a time, and nothing is allocated per row or field.
 *
 * What is wrong with a row costs one line: a row whose quotes do not close, or that
 * oikos_csv_reject() gives up, ends with its first line, and the lines after that are read for
 * themselves. */
#ifndef OIKOS_IMPORT_CSV_H
#define OIKOS_IMPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "import/csv_source.h"
#include "import/csv_syntax.h"
#include "oikos/error.h"

enum {
  OIKOS_CSV_MAX_ROW = 16 << 20,
  OIKOS_CSV_MAX_COLUMNS = 1 << 14,
  OIKOS_CSV_MAX_SEPARATOR = 16
};

typedef struct oikos_csv oikos_csv;

/** A row: n fields, each ended by a 0. Valid until the next row is read. */
typedef struct oikos_csv_row {
  int64_t line; /* where it begins, counted from 1 */
  int n;
  char *const *field;
  const char *fault; /* NULL, or why this line is no row: oikos_csv_check() says so */
} oikos_csv_row;

/** How a table is written. */
typedef struct oikos_csv_format {
  const char *separator; /**< one or more bytes between fields, " " for any run of blanks and tabs;
                              NULL takes the most frequent of comma, tab and semicolon in the first
                              line */
  bool header; /**< the first row names the columns: they differ, and none is empty; without
                    one their names are n_names and names below or else 1, 2, .. as many as
                    the first row has fields */
  oikos_csv_quotes quotes;
  const char *encoding; /**< as iconv() knows it; NULL for UTF-8, which is not checked */
  int n_names;
  const char *const *names;
} oikos_csv_format;

/**
 * Open a table.
 * @param[out] out   to be released by oikos_csv_close()
 * @return OIKOS_USAGE for a separator or encoding that cannot be, OIKOS_ERROR naming file and line
 * for a header that is not as the format says
 */
oikos_status oikos_csv_open(oikos_csv **out, const char *path, const oikos_csv_format *format,
                            oikos_error *err);
void oikos_csv_close(oikos_csv *csv);

/** Open a table from a source, which stays the caller's; otherwise as oikos_csv_open(). */
oikos_status oikos_csv_open_source(oikos_csv **out, const oikos_csv_source *source,
                                   const oikos_csv_format *format, oikos_error *err);

/** The columns that the header or the format names; 0 if none does. */
int oikos_csv_columns(const oikos_csv *csv);
const char *oikos_csv_name(const oikos_csv *csv, int column);

/** The number of a column, or -1. */
int oikos_csv_find(const oikos_csv *csv, const char *name);

/**
 * Read the next row.
 * @param[out] end  there is none; the end of a gzip file has been checked
 * @return OIKOS_OK for a line that is no row too (row->fault): with bytes of 0, a quote that does
 * not close or that is followed by text, too many fields. OIKOS_ERROR if the rest cannot be read
 */
oikos_status oikos_csv_next(oikos_csv *csv, oikos_csv_row *row, bool *end, oikos_error *err);

/** The row read last is bad: if quotes made it of several lines, read all but the first again. */
void oikos_csv_reject(oikos_csv *csv);

/** Check that a row is one, with as many fields as there are columns. */
oikos_status oikos_csv_check(const oikos_csv *csv, const oikos_csv_row *row, oikos_error *err);

/** Say what a reader of the whole table may want to know: a header that may be a row, quotes that
 * may have swallowed rows. @param say  NULL for nobody */
void oikos_csv_hints(const oikos_csv *csv, void (*say)(void *user, const char *text), void *user);

/** Record that `--option name` names no column: which there are, and what may be wrong. */
oikos_status oikos_csv_missing(const oikos_csv *csv, const char *option, const char *name,
                               oikos_error *err);

/**
 * A field as a finite number, correctly rounded.
 * @return OIKOS_ERROR naming file, line and column if it is none
 */
oikos_status oikos_csv_number(const oikos_csv *csv, const oikos_csv_row *row, int column,
                              double *value, oikos_error *err);

/** Check that a field can be an id (import/text.h). */
oikos_status oikos_csv_id(const oikos_csv *csv, const oikos_csv_row *row, int column,
                          oikos_error *err);

/** Record an error about a field: "FILE:LINE: column NAME: WHAT, found 'FIELD'". */
oikos_status oikos_csv_fail(const oikos_csv *csv, const oikos_csv_row *row, int column,
                            const char *expected, oikos_error *err);

#endif
