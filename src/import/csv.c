/* SPDX-License-Identifier: MIT */
#include "import/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/number.h"
#include "import/stream.h"

enum { BLOCK = 256 << 10, FIRST_FIELDS = 64, SHOWN = 60 };

struct oikos_csv {
  char *path, *separator;
  size_t separator_length;
  bool header, plain;
  oikos_stream *stream; /* NULL if the source is another's */
  oikos_csv_source source;
  char *buffer; /* (capacity + 1): what was read and not used yet, from..to; a 0 fits behind */
  size_t from, to, capacity;
  bool ended; /* the stream is */
  int64_t line;
  char **field; /* (fields) into the buffer, of the row at hand */
  int fields;
  char **name; /* (columns) */
  int columns;
};

static oikos_status fail_at(const oikos_csv *csv, int64_t line, const char *what,
                            oikos_error *err) {
  return oikos_fail(err, OIKOS_ERROR, "%s:%lld: %s", csv->path, (long long)line, what);
}

static oikos_status read_stream(void *user, void *to, size_t size, size_t *got, oikos_error *err) {
  OIKOS_TRY(oikos_stream_read_some(user, to, size, got, err));
  return *got < size ? oikos_stream_end(user, err) : OIKOS_OK;
}

/* Read another block behind what is there. */
static oikos_status fill(oikos_csv *csv, oikos_error *err) {
  size_t got;
  if (csv->from > 0) {
    memmove(csv->buffer, csv->buffer + csv->from, csv->to - csv->from);
    csv->to -= csv->from;
    csv->from = 0;
  }
  if (csv->to > OIKOS_CSV_MAX_ROW)
    return fail_at(csv, csv->line + 1, "a row of more than 16 MiB begins here: is a quote open?",
                   err);
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

static size_t count_quotes(const char *text, size_t length) {
  size_t n = 0;
  for (const char *at = text; (at = memchr(at, '"', length - (size_t)(at - text))); at++)
    n++;
  return n;
}

/* Find the line end that closes the next row: the first one with an even number of quotes before.
 * A length counted from csv->from, without the line end; *lines are passed. */
static oikos_status find_row(oikos_csv *csv, size_t *length, int64_t *lines, oikos_error *err) {
  size_t seen = 0, quotes = 0; // `seen` bytes hold `quotes` and no closing line end
  for (*lines = 0;;) {
    char *start = csv->buffer + csv->from + seen;
    size_t left = csv->to - csv->from - seen;
    const char *end = left ? memchr(start, '\n', left) : NULL;
    size_t part = end ? (size_t)(end - start) : left;
    if (end || csv->ended) {
      quotes += part && !csv->plain ? count_quotes(start, part) : 0;
      seen += part;
      *lines += 1;
      *length = seen;
      if (quotes % 2 == 0)
        return OIKOS_OK;
      if (!end)
        return fail_at(csv, csv->line + 1, "a quote is opened in this row and never closed", err);
      seen++; // the line end stands in quotes
    } else {
      OIKOS_TRY(fill(csv, err));
    }
  }
}

/* Undo quotes in place: the field's text begins at `at` + 1. Returns where the text behind the
 * closing quote begins; NULL if there is none. */
static char *unquote(char *at) {
  char *to = ++at;
  for (; *at; at++) {
    if (*at == '"' && *++at != '"') {
      *to = 0;
      return at;
    }
    *to++ = *at;
  }
  return NULL;
}

static oikos_status grow_fields(oikos_csv *csv, int n, oikos_error *err) {
  if (n < csv->fields)
    return OIKOS_OK;
  if (n >= OIKOS_CSV_MAX_COLUMNS)
    return fail_at(csv, csv->line + 1, "a row of more than 16384 fields", err);
  char **grown = realloc(csv->field, 2 * (size_t)csv->fields * sizeof *grown);
  if (!grown)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a row of %s", csv->path);
  csv->field = grown;
  csv->fields *= 2;
  return OIKOS_OK;
}

/* Cut off one field at `at`; *next is the one behind it, NULL behind the last. */
static oikos_status cut_field(oikos_csv *csv, char *at, char **field, char **next,
                              oikos_error *err) {
  char *end;
  at += strspn(at, " ");
  *field = at;
  if (*at == '"' && !csv->plain) {
    *field = at + 1;
    end = unquote(at);
    if (!end)
      return fail_at(csv, csv->line + 1, "a quote is not closed in its field", err);
    end += strspn(end, " ");
    if (*end && strncmp(end, csv->separator, csv->separator_length) != 0)
      return fail_at(csv, csv->line + 1,
                     "text follows a closing quote; a quote within quotes is written twice", err);
    *next = *end ? end + csv->separator_length : NULL;
    return OIKOS_OK;
  }
  end = csv->separator_length == 1 ? strchr(at, csv->separator[0]) : strstr(at, csv->separator);
  *next = end ? end + csv->separator_length : NULL;
  if (!end)
    end = at + strlen(at);
  while (end > at && end[-1] == ' ')
    end--;
  *end = 0;
  return OIKOS_OK;
}

/* The row that stands in the buffer, `length` bytes of it. */
static oikos_status cut_row(oikos_csv *csv, size_t length, oikos_csv_row *row, oikos_error *err) {
  char *text = csv->buffer + csv->from;
  if (memchr(text, 0, length))
    return fail_at(csv, csv->line + 1, "a byte of 0, which no text has; is this a table?", err);
  text[length] = 0; // in place of the line end
  if (length > 0 && text[length - 1] == '\r')
    text[length - 1] = 0;
  *row = (oikos_csv_row){.line = csv->line + 1};
  for (char *next = text; next; row->n++) {
    OIKOS_TRY(grow_fields(csv, row->n, err));
    OIKOS_TRY(cut_field(csv, next, &csv->field[row->n], &next, err));
  }
  row->field = csv->field;
  return OIKOS_OK;
}

oikos_status oikos_csv_next(oikos_csv *csv, oikos_csv_row *row, bool *end, oikos_error *err) {
  size_t length;
  int64_t lines;
  for (*end = false;;) {
    if (csv->from == csv->to && !csv->ended)
      OIKOS_TRY(fill(csv, err));
    *end = csv->from == csv->to;
    if (*end)
      return OIKOS_OK;
    OIKOS_TRY(find_row(csv, &length, &lines, err));
    const char *text = csv->buffer + csv->from;
    bool empty = length == 0 || (length == 1 && *text == '\r');
    if (!empty)
      OIKOS_TRY(cut_row(csv, length, row, err));
    csv->line += lines;
    csv->from += length + (csv->from + length < csv->to);
    if (!empty)
      return OIKOS_OK;
  }
}

/* The most frequent candidate of the first line, in which quoted text does not count. */
static oikos_status choose_separator(oikos_csv *csv, oikos_error *err) {
  static const char candidates[] = ",\t;";
  size_t count[3] = {0}, best = 0, length;
  int64_t lines;
  bool quoted = false;
  OIKOS_TRY(find_row(csv, &length, &lines, err));
  for (const char *c = csv->buffer + csv->from, *end = c + length; c < end; c++) {
    const char *which = *c ? strchr(candidates, *c) : NULL;
    quoted ^= *c == '"';
    if (which && !quoted)
      count[which - candidates]++;
  }
  for (size_t k = 1; k < 3; k++)
    best = count[k] > count[best] ? k : best;
  csv->separator = strndup(candidates + best, 1);
  return csv->separator ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "out of memory");
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

/* The header, or the names that stand for one. */
static oikos_status read_names(oikos_csv *csv, const oikos_csv_format *format, oikos_error *err) {
  oikos_csv_row row = {.n = format->n_names, .field = (char *const *)format->names};
  bool end = false;
  if (format->header)
    OIKOS_TRY(oikos_csv_next(csv, &row, &end, err));
  if (end)
    return fail_at(csv, 1, "expected a header with the names of the columns, found nothing", err);
  return row.n > 0 ? keep_names(csv, &row, err) : OIKOS_OK;
}

static oikos_status start(oikos_csv *csv, const oikos_csv_source *source,
                          const oikos_csv_format *format, oikos_error *err) {
  static const char mark[] = "\xEF\xBB\xBF";
  OIKOS_TRY(oikos_alloc(&csv->field, FIRST_FIELDS, sizeof *csv->field, "a row", err));
  csv->fields = FIRST_FIELDS;
  csv->path = strdup(source->name);
  csv->separator = format->separator ? strdup(format->separator) : NULL;
  csv->header = format->header;
  csv->plain = format->plain;
  csv->source = *source;
  if (!csv->path || (format->separator && !csv->separator))
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (!source->read) {
    OIKOS_TRY(oikos_stream_open(&csv->stream, csv->path, err));
    csv->source = (oikos_csv_source){csv->path, read_stream, csv->stream};
  }
  OIKOS_TRY(fill(csv, err));
  if (csv->to >= 3 && memcmp(csv->buffer, mark, 3) == 0)
    csv->from = 3;
  if (!format->separator)
    OIKOS_TRY(choose_separator(csv, err));
  csv->separator_length = strlen(csv->separator);
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

oikos_status oikos_csv_open(oikos_csv **out, const char *path, const char *separator, bool header,
                            oikos_error *err) {
  const oikos_csv_source file = {.name = path};
  const oikos_csv_format format = {.separator = separator, .header = header};
  return oikos_csv_open_source(out, &file, &format, err);
}

void oikos_csv_close(oikos_csv *csv) {
  if (!csv)
    return;
  for (int k = 0; k < csv->columns; k++)
    free(csv->name[k]);
  free(csv->name);
  free(csv->field);
  free(csv->buffer);
  free(csv->separator);
  free(csv->path);
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
  char name[SHOWN], shown[SHOWN];
  const char *text = row->field[column];
  size_t n = 0;
  if (column < csv->columns)
    snprintf(name, sizeof name, "%s", csv->name[column]);
  else
    snprintf(name, sizeof name, "%d", column + 1);
  for (; text[n] && n < sizeof shown - 1; n++) // what came in is not sent to a terminal as it is
    shown[n] = text[n] >= 0x20 && text[n] < 0x7F ? text[n] : '?';
  shown[n] = 0;
  return oikos_fail(err, OIKOS_ERROR, "%s:%lld: column %s: expected %s, found %s%s%s", csv->path,
                    (long long)row->line, name, expected, n ? "'" : "nothing", shown, n ? "'" : "");
}

oikos_status oikos_csv_check(const oikos_csv *csv, const oikos_csv_row *row, oikos_error *err) {
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
