/* SPDX-License-Identifier: MIT
 * Where the fields of a row begin and end: the one place that knows separators and quotes. Works on
 * memory alone. */
#ifndef OIKOS_IMPORT_CSV_SYNTAX_H
#define OIKOS_IMPORT_CSV_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/** What a quote at the beginning of a field means. */
typedef enum oikos_csv_quotes {
  OIKOS_QUOTES_DOUBLED,   /* the field ends at the next one that is not doubled */
  OIKOS_QUOTES_BACKSLASH, /* the same, and one after a backslash does not end it either */
  OIKOS_QUOTES_NONE,      /* it is a character like others */
} oikos_csv_quotes;

/** How fields are told apart. */
typedef struct oikos_csv_syntax {
  const char *separator; /**< one blank stands for any run of blanks and tabs */
  size_t length;         /**< of the separator */
  bool blanks;
  oikos_csv_quotes quotes;
} oikos_csv_syntax;

/**
 * Go through one line of a row, without its line end.
 * @param[in,out] quoted  whether it begins, and then whether it ends, inside of quotes
 * @return what is wrong with it; NULL if nothing is
 */
const char *oikos_csv_scan(const oikos_csv_syntax *s, const char *line, const char *end,
                           bool *quoted);

/**
 * Cut the field at @p at off in place, of a row that scanned well and ends with a 0.
 * @param[out] field  the text of the field, ended by a 0
 * @return where the next one begins; NULL behind the last
 */
char *oikos_csv_cut(const oikos_csv_syntax *s, char *at, char **field);

/** The most frequent of comma, tab and semicolon in a line, quoted text aside. */
char oikos_csv_guess(const char *line, size_t length);

#endif
