/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_IMPORT_CSV_IMPL_H
#define OIKOS_IMPORT_CSV_IMPL_H

#include "import/csv.h"
#include "import/csv_syntax.h"
#include "import/recode.h"
#include "import/stream.h"

struct oikos_csv {
  char *path;
  oikos_csv_syntax syntax;
  char separator[OIKOS_CSV_MAX_SEPARATOR + 1];
  bool header;
  oikos_stream *stream; /* NULL if the source is another's */
  oikos_recode *recode; /* NULL if the text is UTF-8 */
  oikos_csv_source raw, source;
  char *buffer; /* (capacity + 1): what was read and not used yet, from..to; a 0 fits behind */
  size_t from, to, capacity;
  bool ended; /* the stream is */
  int64_t line;
  char *copy; /* (copy_capacity) of a row that may be read again */
  size_t copy_capacity;
  size_t row_offset;            /* where the row at hand begins in the buffer */
  int64_t row_lines;            /* of it; 0: it has been rejected */
  int64_t passed, passed_twice; /* bytes, and those read again because quotes did not close */
  int64_t longest, longest_line;
  char **field; /* (fields) into the buffer or the copy, of the row at hand */
  int fields;
  char **name; /* (columns) */
  int columns;
};

/** oikos_csv_next() as it stands in the text. @param copy  the row can be read again */
oikos_status oikos_csv_next_row(oikos_csv *csv, bool copy, oikos_csv_row *row, bool *end,
                                oikos_error *err);

/** Read on; the first line, to choose the separator by. */
oikos_status oikos_csv_first_line(oikos_csv *csv, size_t *length, oikos_error *err);

#endif
