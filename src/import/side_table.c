/* SPDX-License-Identifier: MIT */
#include "import/side_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/number.h"
#include "import/text.h"

typedef enum use { UNUSED, ID, TITLE, NUMBER, CATEGORY } use;

typedef struct side_table {
  oikos_ratings *ratings;
  oikos_entities *to;
  const char *path;
  uint8_t *use; /* (columns) */
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

/* A column with a text that is no number is a category. */
static void look_at_row(side_table *t, const oikos_csv_row *row) {
  double value;
  for (int k = 0; k < row->n; k++)
    if (t->use[k] == NUMBER && *row->field[k] &&
        (!oikos_parse_number(row->field[k], &value) || !isfinite((float)value)))
      t->use[k] = CATEGORY;
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

static oikos_status take_row(void *user, oikos_ratings *r, const oikos_csv *csv,
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
    status = choose(t, csv, id, title, err);
  while (status == OIKOS_OK && !end) {
    status = oikos_csv_next(csv, &row, &end, err);
    if (status == OIKOS_OK && !end && (size_t)row.n == n)
      look_at_row(t, &row);
  }
  if (status == OIKOS_OK)
    status = declare(t, csv, err);
  oikos_csv_close(csv);
  return status;
}

/* Second: take the rows over. */
static oikos_status take(side_table *t, oikos_error *err) {
  oikos_csv *csv;
  const oikos_csv_format format = oikos_import_format(&t->ratings->job->options, true);
  OIKOS_TRY(oikos_csv_open(&csv, t->path, &format, err));
  oikos_status status =
      oikos_csv_columns(csv) == t->columns
          ? oikos_ratings_rows(t->ratings, csv, t->path, take_row, t, err)
          : oikos_fail(err, OIKOS_ERROR, "%s changed while it was read; import again", t->path);
  oikos_csv_close(csv);
  return status;
}

oikos_status oikos_side_table_read(oikos_ratings *r, oikos_entities *to, const char *path,
                                   const char *id, const char *title, oikos_error *err) {
  side_table t = {.ratings = r, .to = to, .path = path};
  oikos_status status = look(&t, id, title, err);
  if (status == OIKOS_OK)
    status = take(&t, err);
  free(t.use);
  free(t.column);
  return status;
}
