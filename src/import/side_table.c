/* SPDX-License-Identifier: MIT */
#include "import/side_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/number.h"
#include "import/text.h"

typedef enum side_column_use { UNUSED, ID, TITLE, NUMBER, CATEGORY } side_column_use;

/* The first text that is no number, and how many fields are one. */
typedef struct odd {
  int64_t line, numbers;
  char text[40];
} odd;

typedef struct side_table {
  oikos_rating_collection *ratings;
  oikos_entities *to;
  const char *path;
  uint8_t *use; /* (columns) */
  odd *first;   /* (columns) what made a category of a column that has numbers too */
  int *column;  /* (columns) its number among the numbers or fields */
  int columns;
  int id;
} side_table;

/* Whether a name is in a list with commas between; NULL is an empty list. */
static bool is_listed(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
    if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ','))
      return true;
  return false;
}

static oikos_status choose(side_table *t, const oikos_csv *csv, const char *id, const char *title,
                           oikos_error *err) {
  const oikos_import_options *o = &t->ratings->job->options;
  t->id = oikos_csv_find(csv, id) < 0 ? 0 : oikos_csv_find(csv, id);
  for (int k = 0; k < oikos_csv_columns(csv); k++) {
    const char *name = oikos_csv_name(csv, k);
    char clean[OIKOS_TEXT_BYTES];
    if (!oikos_text_to_utf8(name, clean) || strcmp(name, clean) != 0)
      return oikos_fail(err, OIKOS_ERROR,
                        "%s: the name of column %d is not UTF-8, or has control characters or more "
                        "than 519 bytes",
                        t->path, k + 1);
    t->use[k] = is_listed(o->exclude, name)      ? UNUSED
                : is_listed(o->categories, name) ? CATEGORY
                                                 : NUMBER;
  }
  t->use[t->id] = ID;
  int column = title ? oikos_csv_find(csv, title) : -1;
  if (title && (column < 0 || column == t->id)) {
    oikos_csv_missing(csv, "title", title, err);
    return oikos_fail_prefix(err, "%s, beside the ids: ", t->path);
  }
  if (title)
    t->use[column] = TITLE;
  return OIKOS_OK;
}

/* Whether a field says that its value is not known. Some are a value of their own in a category. */
static bool is_unknown(const char *text, side_column_use what) {
  static const char *const always[] = {"", "\\N", "NULL", "null", "NaN", "nan", "<NA>"};
  static const char *const for_number[] = {"NA", "N/A", "n/a", "#N/A", "None", "-", "?"};
  for (size_t k = 0; k < sizeof always / sizeof *always; k++)
    if (strcmp(text, always[k]) == 0)
      return true;
  for (size_t k = 0; what == NUMBER && k < sizeof for_number / sizeof *for_number; k++)
    if (strcmp(text, for_number[k]) == 0)
      return true;
  return false;
}

/* A column with a text that is no number is a category. */
static void look_at_row(side_table *t, const oikos_csv_row *row) {
  double value;
  for (int k = 0; k < row->n; k++) {
    const char *text = row->field[k];
    if (t->use[k] == UNUSED || t->use[k] == ID || t->use[k] == TITLE || is_unknown(text, NUMBER))
      continue;
    if (oikos_parse_number(text, &value) && isfinite((float)value)) {
      t->first[k].numbers++;
    } else if (t->use[k] == NUMBER) {
      t->use[k] = CATEGORY;
      t->first[k].line = row->line;
      snprintf(t->first[k].text, sizeof t->first[k].text, "%s", text);
    }
  }
}

/* Say which columns are categories though they have numbers. */
static void tell_mixed(const side_table *t, const oikos_csv *csv) {
  const oikos_import_job *job = t->ratings->job;
  char text[512];
  for (int k = 0; k < t->columns && job->message; k++) {
    if (t->first[k].line == 0 || t->first[k].numbers == 0)
      continue;
    snprintf(text, sizeof text,
             "%.200s:%lld: column %.60s is a category, not a number, because of '%s'; %lld of its "
             "fields are numbers",
             t->path, (long long)t->first[k].line, oikos_csv_name(csv, k), t->first[k].text,
             (long long)t->first[k].numbers);
    job->message(job->user, text);
  }
}

static oikos_status declare(side_table *t, const oikos_csv *csv, oikos_error *err) {
  for (int k = 0; k < oikos_csv_columns(csv); k++) {
    if (t->use[k] == NUMBER)
      OIKOS_TRY(oikos_entities_add_number(t->to, oikos_csv_name(csv, k), &t->column[k], err));
    if (t->use[k] == CATEGORY)
      OIKOS_TRY(oikos_entities_add_field(t->to, oikos_csv_name(csv, k), &t->column[k], err));
  }
  return OIKOS_OK;
}

/* One value, or several with bars between. */
static oikos_status add_values(side_table *t, int32_t entity, int column, char *text,
                               oikos_error *err) {
  char *rest;
  if (is_unknown(text, CATEGORY))
    return OIKOS_OK;
  for (char *one = strtok_r(text, "|", &rest); one; one = strtok_r(NULL, "|", &rest))
    OIKOS_TRY(oikos_entities_add_value(t->to, entity, t->column[column], one, err));
  return OIKOS_OK;
}

static oikos_status set_field(side_table *t, int32_t entity, const oikos_csv_row *row, int column,
                              oikos_error *err) {
  char text[OIKOS_TEXT_BYTES];
  double value;
  if (t->use[column] == NUMBER && oikos_parse_number(row->field[column], &value))
    oikos_entities_set_number(t->to, entity, t->column[column], value);
  if (t->use[column] != TITLE && t->use[column] != CATEGORY)
    return OIKOS_OK;
  oikos_text_to_utf8(row->field[column], text); // checked before
  return t->use[column] == TITLE ? oikos_entities_set_title(t->to, entity, text, err)
                                 : add_values(t, entity, column, text, err);
}

static oikos_status take_row(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                             const oikos_csv_row *row, oikos_error *err) {
  side_table *t = user;
  char text[OIKOS_TEXT_BYTES];
  int32_t entity;
  OIKOS_TRY(oikos_csv_id(csv, row, t->id, err));
  for (int k = 0; k < row->n; k++)
    if ((t->use[k] == TITLE || t->use[k] == CATEGORY) && !oikos_text_to_utf8(row->field[k], text))
      return oikos_csv_fail(csv, row, k, "a text without control characters, below 520 bytes", err);
  if (oikos_entities_is_described(t->to, row->field[t->id]))
    return oikos_csv_fail(csv, row, t->id, "each id in one row of the table", err);
  r->row_is_good = true;
  OIKOS_TRY(oikos_entities_describe(t->to, row->field[t->id], &entity, err));
  for (int k = 0; k < row->n; k++)
    OIKOS_TRY(set_field(t, entity, row, k, err));
  return OIKOS_OK;
}

/* First: look which columns are numbers. Bad rows are told of in the second pass only. */
static oikos_status look(side_table *t, const char *id, const char *title, oikos_error *err) {
  oikos_csv *csv;
  oikos_csv_row row;
  bool end = false;
  const oikos_csv_format format = oikos_import_format(&t->ratings->job->options, true);
  OIKOS_TRY(oikos_csv_open(&csv, t->path, &format, err));
  size_t n = (size_t)oikos_csv_columns(csv);
  t->columns = (int)n;
  oikos_status status = oikos_alloc(&t->use, n, sizeof *t->use, "the columns", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&t->column, n, sizeof *t->column, "the columns", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&t->first, n, sizeof *t->first, "the columns", err);
  if (status == OIKOS_OK)
    status = choose(t, csv, id, title, err);
  while (status == OIKOS_OK && !end) {
    status = oikos_csv_next(csv, &row, &end, err);
    if (status != OIKOS_OK || end)
      break;
    if (row.fault || (size_t)row.n != n || !oikos_text_is_id(row.field[t->id]))
      oikos_csv_reject(csv); // as it will be in the second pass
    else
      look_at_row(t, &row);
  }
  if (status == OIKOS_OK)
    tell_mixed(t, csv);
  if (status == OIKOS_OK)
    status = declare(t, csv, err);
  oikos_csv_close(csv);
  return status;
}

static void tell_skipped(const side_table *t, int64_t before) {
  const oikos_import_job *job = t->ratings->job;
  char text[320];
  snprintf(text, sizeof text, "%.200s: %lld bad rows left out", t->path,
           (long long)(t->ratings->skipped - before));
  if (job->message && t->ratings->skipped > before)
    job->message(job->user, text);
}

/* Second: take the rows over. */
static oikos_status take(side_table *t, oikos_error *err) {
  oikos_csv *csv;
  int64_t skipped = t->ratings->skipped;
  const oikos_csv_format format = oikos_import_format(&t->ratings->job->options, true);
  OIKOS_TRY(oikos_csv_open(&csv, t->path, &format, err));
  oikos_status status =
      oikos_csv_columns(csv) == t->columns
          ? oikos_rating_collection_rows(t->ratings, csv, t->path, take_row, t, err)
          : oikos_fail(err, OIKOS_ERROR, "%s changed while it was read; import again", t->path);
  oikos_csv_close(csv);
  if (status == OIKOS_OK)
    tell_skipped(t, skipped);
  return status;
}

oikos_status oikos_side_table_read(oikos_rating_collection *r, oikos_entities *to, const char *path,
                                   const char *id, const char *title, oikos_error *err) {
  side_table t = {.ratings = r, .to = to, .path = path};
  oikos_status status = look(&t, id, title, err);
  if (status == OIKOS_OK)
    status = take(&t, err);
  free(t.use);
  free(t.column);
  free(t.first);
  return status;
}
