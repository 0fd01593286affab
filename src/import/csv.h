/* SPDX-License-Identifier: MIT
 *
 * Tables as text (RFC 4180 and its relatives), plain or gzip, read row by row. Fields may be quoted
 * ("" is a quote in one, and line ends may stand in one); blanks around a field without quotes are
 * dropped; lines end with LF or CR LF; empty lines and a UTF-8 byte order mark are passed over. One
 * row is held at a time, and nothing is allocated per row or field. */
#ifndef OIKOS_IMPORT_CSV_H
#define OIKOS_IMPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

enum { OIKOS_CSV_MAX_ROW = 16 << 20, OIKOS_CSV_MAX_COLUMNS = 1 << 14 };

typedef struct oikos_csv oikos_csv;

/** A row: n fields, each ended by a 0. Valid until the next row is read. */
typedef struct oikos_csv_row {
  int64_t line; /* where it begins, counted from 1 */
  int n;
  char *const *field;
} oikos_csv_row;

/**
 * Open a table.
 * @param separator  one or more bytes between fields; NULL takes the most frequent of comma, tab
 * and semicolon in the first line
 * @param header     the first row names the columns: they differ, and none is empty
 * @param[out] out   to be released by oikos_csv_close()
 * @return OIKOS_ERROR naming file and line if that is not so
 */
oikos_status oikos_csv_open(oikos_csv **out, const char *path, const char *separator, bool header,
                            oikos_error *err);
void oikos_csv_close(oikos_csv *csv);

/** Where the bytes of a table come from, if not from a file. */
typedef struct oikos_csv_source {
  const char *name; /**< in messages, for the file's */
  /** Read up to @p size bytes; fewer only at the end. */
  oikos_status (*read)(void *user, void *to, size_t size, size_t *got, oikos_error *err);
  void *user;
} oikos_csv_source;

/** How a table is written. */
typedef struct oikos_csv_format {
  const char *separator;    /**< as in oikos_csv_open() */
  bool header;              /**< as in oikos_csv_open() */
  bool plain;               /**< a quote is a character like others */
  int n_names;              /**< without a header: */
  const char *const *names; /**< the names of the columns; 0 and NULL for none */
} oikos_csv_format;

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
 * @return OIKOS_ERROR naming file and line for what no table has: bytes of 0, a quote that is not
 * closed or that is followed by text, a row of more than OIKOS_CSV_MAX_ROW bytes
 */
oikos_status oikos_csv_next(oikos_csv *csv, oikos_csv_row *row, bool *end, oikos_error *err);

/** Check that a row has as many fields as there are columns. */
oikos_status oikos_csv_check(const oikos_csv *csv, const oikos_csv_row *row, oikos_error *err);

/**
 * A field as a finite number, correctly rounded.
 * @return OIKOS_ERROR naming file, line and column if it is none
 */
oikos_status oikos_csv_number(const oikos_csv *csv, const oikos_csv_row *row, int column,
                              double *value, oikos_error *err);

/** Record an error about a field: "FILE:LINE: column NAME: WHAT, found 'FIELD'". */
oikos_status oikos_csv_fail(const oikos_csv *csv, const oikos_csv_row *row, int column,
                            const char *expected, oikos_error *err);

#endif
