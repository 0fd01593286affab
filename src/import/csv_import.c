/* SPDX-License-Identifier: MIT
 * The importer of tables as text. The rows are held in the order they come, then written group by
 * group: a counting sort, which keeps the order within a group. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/columns.h"
#include "import/entry_name.h"
#include "import/import.h"
#include "import/name_map.h"
#include "import/shift.h"
#include "store/table_file.h"

enum { FIRST_ROWS = 4096, PROGRESS_EVERY = 1 << 16, SHOWN_BAD = 10, MAX_NAME = 1024 };

typedef struct csv_import {
  const oikos_import_job *job;
  oikos_csv *csv;
  oikos_table_columns columns;
  oikos_name_map *groups;
  int64_t rows, capacity, skipped;
  double *numbers; /* (capacity, features + targets) */
  int32_t *group;  /* (capacity) */
  int64_t *order;  /* (rows) the rows, group by group */
  double *shift;   /* (features + targets) what is subtracted before a column is stored */
  char **name;     /* (features + targets) its name, which says so */
} csv_import;

static size_t width(const csv_import *m) {
  return (size_t)(m->columns.n_features + m->columns.n_targets);
}

static oikos_status grow(csv_import *m, oikos_error *err) {
  if (m->rows < m->capacity)
    return OIKOS_OK;
  size_t rows = m->capacity ? 3 * (size_t)m->capacity / 2 : FIRST_ROWS;
  double *numbers = realloc(m->numbers, oikos_mul(oikos_mul(rows, width(m)), sizeof *numbers));
  m->numbers = numbers ? numbers : m->numbers;
  int32_t *group = realloc(m->group, oikos_mul(rows, sizeof *group));
  m->group = group ? group : m->group;
  if (!numbers || !group)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %zu rows of %zu numbers", rows,
                      width(m));
  m->capacity = (int64_t)rows;
  return OIKOS_OK;
}

/* Whether a text can be a name in the file. */
static bool is_name(const char *text) {
  return *text && strlen(text) <= MAX_NAME && oikos_text_is_clean(text);
}

/* Take a row over, if it is good. */
static oikos_status keep_row(csv_import *m, const oikos_csv_row *row, oikos_error *err) {
  OIKOS_TRY(oikos_csv_check(m->csv, row, err));
  if (!is_name(row->field[m->columns.group]))
    return oikos_csv_fail(m->csv, row, m->columns.group,
                          "the name of a group: UTF-8 (or what --encoding says) without control "
                          "characters, of at most 1024 bytes",
                          err);
  double *to = m->numbers + (size_t)m->rows * width(m);
  for (size_t k = 0; k < width(m); k++) {
    OIKOS_TRY(oikos_csv_number(m->csv, row, m->columns.column[k], &to[k], err));
    if (!isfinite((float)to[k]))
      return oikos_csv_fail(m->csv, row, m->columns.column[k], "a number within float32", err);
  }
  return OIKOS_OK;
}

/* A bad row: an error, or left out, and named if it is among the first. */
static oikos_status leave_out(csv_import *m, oikos_status status, const oikos_error *why) {
  if (!m->job->options.skip_bad)
    return status;
  oikos_csv_reject(m->csv);
  m->skipped++;
  if (m->job->message && m->skipped <= SHOWN_BAD)
    m->job->message(m->job->user, why->message);
  return OIKOS_OK;
}

static oikos_status read_rows(csv_import *m, oikos_error *err) {
  char what[512];
  oikos_csv_row row;
  bool end = false;
  oikos_error local, *why = err ? err : &local;
  snprintf(what, sizeof what, "reading rows of %s", m->job->sources[0]);
  while (!end) {
    OIKOS_TRY(oikos_csv_next(m->csv, &row, &end, why));
    if (end)
      break;
    OIKOS_TRY(grow(m, why));
    oikos_status status = keep_row(m, &row, why);
    if (status != OIKOS_OK) {
      OIKOS_TRY(leave_out(m, status, why));
      continue;
    }
    OIKOS_TRY(oikos_name_map_add(m->groups, row.field[m->columns.group], &m->group[m->rows], why));
    m->rows++;
    if (m->rows % PROGRESS_EVERY != 0)
      continue;
    OIKOS_TRY(oikos_pulse_check(m->job->pulse, why));
    if (m->job->progress)
      m->job->progress(m->job->user, what, m->rows, 0);
  }
  if (m->job->progress)
    m->job->progress(m->job->user, what, m->rows, m->rows);
  return OIKOS_OK;
}

/* Order the rows by group; first (groups + 1) tells where each begins. */
static oikos_status sort_rows(csv_import *m, int64_t *first, oikos_error *err) {
  int64_t groups = oikos_name_map_count(m->groups);
  OIKOS_TRY(oikos_alloc(&m->order, (size_t)m->rows, sizeof *m->order, "the order of rows", err));
  for (int64_t r = 0; r < m->rows; r++)
    first[m->group[r] + 1]++;
  for (int64_t g = 0; g < groups; g++)
    first[g + 1] += first[g];
  for (int64_t r = 0; r < m->rows; r++)
    m->order[first[m->group[r]]++] = r;
  for (int64_t g = groups; g > 0; g--) // each start has moved to its group's end
    first[g] = first[g - 1];
  first[0] = 0;
  return OIKOS_OK;
}

static oikos_status give(void *user, int64_t first, int64_t count, float *features, float *targets,
                         oikos_error *err) {
  const csv_import *m = user;
  size_t n_features = (size_t)m->columns.n_features, n_targets = (size_t)m->columns.n_targets;
  (void)err;
  for (int64_t i = 0; i < count; i++) {
    const double *from = m->numbers + (size_t)m->order[first + i] * width(m);
    for (size_t k = 0; k < n_features; k++)
      features[(size_t)i * n_features + k] = (float)(from[k] - m->shift[k]);
    for (size_t k = 0; k < n_targets; k++)
      targets[(size_t)i * n_targets + k] = (float)(from[n_features + k] - m->shift[n_features + k]);
  }
  return OIKOS_OK;
}

static oikos_status write_table(csv_import *m, int64_t *first, const char **names,
                                oikos_error *err) {
  int64_t groups = oikos_name_map_count(m->groups);
  const char *base = strrchr(m->job->sources[0], '/');
  char source[512];
  snprintf(source, sizeof source, "csv from %s", base ? base + 1 : m->job->sources[0]);
  OIKOS_TRY(sort_rows(m, first, err));
  for (int64_t g = 0; g < groups; g++)
    names[g] = oikos_name_map_name(m->groups, g);
  for (size_t k = 0; k < width(m); k++)
    names[groups + (int64_t)k] = m->name[k];
  oikos_table_index index = {
      .n_rows = m->rows,
      .n_features = m->columns.n_features,
      .n_targets = m->columns.n_targets,
      .n_groups = groups,
      .group_first = first,
      .group_name = names,
      .feature_name = names + groups,
      .target_name = names + groups + m->columns.n_features,
      .group_column = oikos_csv_name(m->csv, m->columns.group),
      .source = source,
      .skipped = m->skipped,
  };
  return oikos_table_file_write(m->job->output, &index, give, m, err);
}

/* How a column is stored, and its name. */
static oikos_status choose_shift(csv_import *m, size_t k, oikos_error *err) {
  const char *name = oikos_csv_name(m->csv, m->columns.column[k]);
  const oikos_shift_column column = {.name = name,
                                     .first = m->numbers + k,
                                     .n = m->rows,
                                     .stride = (int64_t)width(m),
                                     .group = m->group,
                                     .n_groups = oikos_name_map_count(m->groups)};
  char text[OIKOS_SHIFT_TEXT] = "", told[MAX_NAME];
  if (oikos_shift_choose(&column, &m->shift[k], err) != OIKOS_OK)
    return oikos_fail_prefix(err, "%s: ", m->job->sources[0]);
  if (m->shift[k] != 0)
    oikos_shift_text(m->shift[k], text);
  if (asprintf(&m->name[k], "%s%s", name, text) < 0) {
    m->name[k] = NULL;
    return oikos_fail(err, OIKOS_ERROR, "out of memory for the names");
  }
  snprintf(told, sizeof told,
           "column %.200s is stored as '%.300s': float32 does not tell its numbers "
           "apart where they stand",
           name, m->name[k]);
  if (m->shift[k] != 0 && m->job->message)
    m->job->message(m->job->user, told);
  return OIKOS_OK;
}

static oikos_status write_rows(csv_import *m, oikos_error *err) {
  size_t groups = (size_t)oikos_name_map_count(m->groups);
  int64_t *first = NULL;
  const char **names = NULL;
  if (m->rows == 0)
    return oikos_fail(err, OIKOS_ERROR, "%s: no good row: %lld were left out", m->job->sources[0],
                      (long long)m->skipped);
  oikos_status status = oikos_alloc(&first, groups + 1, sizeof *first, "the groups", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&names, groups + width(m), sizeof *names, "the names", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&m->shift, width(m), sizeof *m->shift, "the columns", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&m->name, width(m), sizeof *m->name, "the columns", err);
  for (size_t k = 0; status == OIKOS_OK && k < width(m); k++)
    status = choose_shift(m, k, err);
  if (status == OIKOS_OK)
    status = write_table(m, first, names, err);
  free(first);
  free(names);
  return status;
}

static oikos_status check_names(const csv_import *m, oikos_error *err) {
  for (int k = 0; k < oikos_csv_columns(m->csv); k++)
    if (!is_name(oikos_csv_name(m->csv, k)))
      return oikos_fail(
          err, OIKOS_ERROR,
          "%s: the name of column %d is not UTF-8, or has control characters or more than %d "
          "bytes",
          m->job->sources[0], k + 1, MAX_NAME);
  return OIKOS_OK;
}

static oikos_status run(csv_import *m, oikos_error *err) {
  const oikos_csv_format format = oikos_import_format(&m->job->options, false);
  OIKOS_TRY(oikos_csv_open(&m->csv, m->job->sources[0], &format, err));
  OIKOS_TRY(check_names(m, err));
  if (oikos_table_columns_choose(m->csv, &m->job->options, &m->columns, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "%s: ", m->job->sources[0]);
  OIKOS_TRY(oikos_name_map_create(&m->groups, err));
  OIKOS_TRY(read_rows(m, err));
  OIKOS_TRY(write_rows(m, err));
  char text[160];
  snprintf(text, sizeof text, "%lld rows in %lld groups, %d features, %d targets; %lld bad rows %s",
           (long long)m->rows, (long long)oikos_name_map_count(m->groups), m->columns.n_features,
           m->columns.n_targets, (long long)m->skipped, m->skipped ? "left out" : "met");
  if (m->job->message)
    m->job->message(m->job->user, text);
  oikos_csv_hints(m->csv, m->job->message, m->job->user);
  return OIKOS_OK;
}

oikos_status oikos_import_csv(const oikos_import_job *job, oikos_error *err) {
  if (job->options.user || job->options.item || job->options.rating)
    return oikos_import_csv_ratings(job, err);
  csv_import m = {.job = job};
  if (job->n_sources != 1)
    return oikos_fail(err, OIKOS_USAGE, "csv wants one table, found %d", job->n_sources);
  oikos_status status = run(&m, err);
  for (size_t k = 0; m.name && k < width(&m); k++)
    free(m.name[k]);
  free(m.name);
  free(m.shift);
  oikos_csv_close(m.csv);
  oikos_table_columns_free(&m.columns);
  oikos_name_map_destroy(m.groups);
  free(m.numbers);
  free(m.group);
  free(m.order);
  return status;
}
