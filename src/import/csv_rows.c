/* SPDX-License-Identifier: MIT
 * Tables as text, row by row. */
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "import/csv_impl.h"

enum { BLOCK = 256 << 10 };
/* How much may be read again because quotes did not close, beside as much as there is. */
static const int64_t FREE_TWICE = INT64_C(256) << 20;

static oikos_status fail_at(const oikos_csv *csv, int64_t line, const char *what,
                            oikos_error *err) {
  return oikos_fail(err, OIKOS_ERROR, "%s:%lld: %s", csv->path, (long long)line, what);
}

/* Read another block behind what is there. */
static oikos_status fill(oikos_csv *csv, oikos_error *err) {
  size_t got;
  if (csv->from > 0) {
    memmove(csv->buffer, csv->buffer + csv->from, csv->to - csv->from);
    csv->to -= csv->from;
    csv->from = 0;
  }
  if (csv->capacity - csv->to < BLOCK) {
    size_t capacity = 2 * csv->capacity + BLOCK;
    char *grown = realloc(csv->buffer, capacity + 1);
    if (!grown)
      return oikos_fail(err, OIKOS_ERROR, "out of memory for a row of %s", csv->path);
    csv->buffer = grown;
    csv->capacity = capacity;
  }
  OIKOS_TRY(csv->source.read(csv->source.user, csv->buffer + csv->to, BLOCK, &got, err));
  csv->to += got;
  csv->ended = got < BLOCK;
  return OIKOS_OK;
}

/* Find the line end at or behind `offset` bytes of the row; *length is counted from csv->from. */
static oikos_status find_line(oikos_csv *csv, size_t offset, size_t *length, oikos_error *err) {
  for (size_t seen = offset;;) {
    size_t left = csv->to - csv->from - seen;
    const char *start = csv->buffer + csv->from + seen;
    const char *end = left ? memchr(start, '\n', left) : NULL;
    *length = end ? seen + (size_t)(end - start) : csv->to - csv->from;
    if (end || csv->ended || *length > OIKOS_CSV_MAX_ROW)
      return OIKOS_OK;
    seen = *length;
    OIKOS_TRY(fill(csv, err));
  }
}

/* How far the next row goes: to the line end that is not in quotes. If there is a fault, it is the
 * first line that has it. */
static oikos_status find_row(oikos_csv *csv, size_t *length, int64_t *lines, const char **fault,
                             oikos_error *err) {
  size_t first, offset = 0;
  bool quoted = false;
  *lines = 1;
  *fault = NULL;
  OIKOS_TRY(find_line(csv, 0, &first, err));
  *length = first;
  if (first > OIKOS_CSV_MAX_ROW)
    return fail_at(csv, csv->line + 1, "a line of more than 16 MiB: is this a table?", err);
  if (csv->syntax.quotes == OIKOS_QUOTES_NONE || !memchr(csv->buffer + csv->from, '"', first))
    return OIKOS_OK;
  while (!*fault) {
    const char *text = csv->buffer + csv->from;
    *fault = oikos_csv_scan(&csv->syntax, text + offset, text + *length, &quoted);
    if (!quoted && !*fault)
      return OIKOS_OK;
    offset = *length + 1;
    if (!*fault && offset >= csv->to - csv->from && csv->ended)
      *fault = "a quote is opened in this row and never closed";
    if (!*fault) {
      OIKOS_TRY(find_line(csv, offset, length, err));
      *lines += 1;
    }
    if (!*fault && *length > OIKOS_CSV_MAX_ROW)
      *fault = "a quote is opened in this row and not closed within 16 MiB";
  }
  csv->passed_twice += (int64_t)(*length - first);
  *length = first;
  *lines = 1;
  return OIKOS_OK;
}

static oikos_status grow_fields(oikos_csv *csv, oikos_error *err) {
  char **grown = realloc(csv->field, 2 * (size_t)csv->fields * sizeof *grown);
  if (!grown)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a row of %s", csv->path);
  csv->field = grown;
  csv->fields *= 2;
  return OIKOS_OK;
}

/* The text of the row, as a copy if it may have to be read again. */
static oikos_status take_text(oikos_csv *csv, size_t length, bool copy, char **text,
                              oikos_error *err) {
  *text = csv->buffer + csv->from;
  if (!copy)
    return OIKOS_OK;
  if (csv->copy_capacity < length + 1) {
    size_t capacity = 2 * length + 1;
    char *grown = realloc(csv->copy, capacity);
    if (!grown)
      return oikos_fail(err, OIKOS_ERROR, "out of memory for a row of %s", csv->path);
    csv->copy = grown;
    csv->copy_capacity = capacity;
  }
  memcpy(csv->copy, *text, length);
  *text = csv->copy;
  return OIKOS_OK;
}

/* The row that stands in the buffer, `length` bytes of it. */
static oikos_status cut_row(oikos_csv *csv, size_t length, bool copy, oikos_csv_row *row,
                            oikos_error *err) {
  char *text;
  OIKOS_TRY(take_text(csv, length, copy, &text, err));
  if (memchr(text, 0, length))
    row->fault =
        "a byte of 0, or one that is not of --encoding, which no text has; is this a table?";
  text[length] = 0; // in place of the line end
  if (length > 0 && text[length - 1] == '\r')
    text[length - 1] = 0;
  for (char *next = text; next && !row->fault; row->n++) {
    if (row->n == OIKOS_CSV_MAX_COLUMNS)
      row->fault = "a row of more than 16384 fields";
    else if (row->n == csv->fields)
      OIKOS_TRY(grow_fields(csv, err));
    if (!row->fault)
      next = oikos_csv_cut(&csv->syntax, next, &csv->field[row->n]);
  }
  row->field = csv->field;
  return OIKOS_OK;
}

/* The row's first line is all of it. */
static void give_up(oikos_csv *csv) {
  const char *text = csv->buffer + csv->row_offset;
  const char *end =
      memchr(text, '\n', csv->from - csv->row_offset); // there is one: the row has several
  csv->passed_twice += (int64_t)(csv->from - csv->row_offset);
  csv->from = (size_t)(end + 1 - csv->buffer);
  csv->line -= csv->row_lines - 1;
}

void oikos_csv_reject(oikos_csv *csv) {
  if (csv->row_lines > 1)
    give_up(csv);
  csv->row_lines = 0;
}

oikos_status oikos_csv_next_row(oikos_csv *csv, bool copy, oikos_csv_row *row, bool *end,
                                oikos_error *err) {
  size_t length;
  for (*end = false;;) {
    if (csv->from == csv->to && !csv->ended)
      OIKOS_TRY(fill(csv, err));
    *end = csv->from == csv->to;
    if (*end)
      return OIKOS_OK;
    *row = (oikos_csv_row){.line = csv->line + 1};
    OIKOS_TRY(find_row(csv, &length, &csv->row_lines, &row->fault, err));
    const char *text = csv->buffer + csv->from;
    bool empty = length == 0 || (length == 1 && *text == '\r');
    if (!empty && !row->fault)
      OIKOS_TRY(cut_row(csv, length, copy || csv->row_lines > 1, row, err));
    csv->row_offset = csv->from;
    csv->line += csv->row_lines;
    csv->from += length + (csv->from + length < csv->to);
    csv->passed += (int64_t)length + 1;
    if (row->fault)
      oikos_csv_reject(csv);
    if (!empty)
      return OIKOS_OK;
  }
}

oikos_status oikos_csv_next(oikos_csv *csv, oikos_csv_row *row, bool *end, oikos_error *err) {
  if (csv->row_lines > csv->longest) { // of the row before, which was not rejected
    csv->longest = csv->row_lines;
    csv->longest_line = csv->line - csv->row_lines + 1;
  }
  csv->row_lines = 0;
  if (csv->passed_twice > csv->passed + FREE_TWICE)
    return fail_at(
        csv, csv->line + 1,
        "too much was read again because quotes do not close where fields end; if quotes "
        "are characters like others here, give --quotes none",
        err);
  OIKOS_TRY(oikos_csv_next_row(csv, false, row, end, err));
  if (!*end && !row->fault && csv->columns > 0 && row->n == csv->columns + 1 &&
      !*row->field[csv->columns])
    row->n--; // the line ends with a separator
  return OIKOS_OK;
}

oikos_status oikos_csv_first_line(oikos_csv *csv, size_t *length, oikos_error *err) {
  static const char mark[] = "\xEF\xBB\xBF";
  OIKOS_TRY(fill(csv, err));
  if (csv->to >= 3 && memcmp(csv->buffer, mark, 3) == 0)
    csv->from = 3;
  for (; csv->from < csv->to; csv->from++) {
    if (csv->buffer[csv->from] != '\n' && csv->buffer[csv->from] != '\r')
      break;
    csv->line += csv->buffer[csv->from] == '\n';
  }
  return find_line(csv, 0, length, err);
}
