/* SPDX-License-Identifier: MIT */
#include "import/ratings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/text.h"
#include "store/ratings_file.h"

enum { FIRST_RATINGS = 1 << 16, PROGRESS_EVERY = 1 << 16, SHOWN_BAD = 10 };

oikos_status oikos_rating_collection_create(oikos_rating_collection *r, const oikos_import_job *job,
                                            oikos_error *err) {
  *r = (oikos_rating_collection){.job = job};
  OIKOS_TRY(oikos_entities_create(&r->users, err));
  return oikos_entities_create(&r->items, err);
}

void oikos_rating_collection_destroy(oikos_rating_collection *r) {
  oikos_entities_destroy(r->users);
  oikos_entities_destroy(r->items);
  void *const arrays[] = {r->value,      r->time,       r->user,       r->item,
                          r->user_first, r->item_first, r->item_rating};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
    free(arrays[k]);
  for (int k = 0; k < r->n_splits; k++)
    free(r->split[k]);
  *r = (oikos_rating_collection){0};
}

/* Large blocks move by their page tables, so that growing does not copy them. */
static oikos_status grow(oikos_rating_collection *r, oikos_error *err) {
  size_t n = r->capacity ? 3 * (size_t)r->capacity / 2 : FIRST_RATINGS;
  float *value = realloc(r->value, n * sizeof *value);
  r->value = value ? value : r->value;
  int64_t *time = realloc(r->time, n * sizeof *time);
  r->time = time ? time : r->time;
  int32_t *user = realloc(r->user, n * sizeof *user);
  r->user = user ? user : r->user;
  int32_t *item = realloc(r->item, n * sizeof *item);
  r->item = item ? item : r->item;
  if (!value || !time || !user || !item)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %zu ratings", n);
  r->capacity = (int64_t)n;
  return OIKOS_OK;
}

oikos_status oikos_rating_collection_add(oikos_rating_collection *r, int32_t user, int32_t item,
                                         float value, int64_t time, oikos_error *err) {
  if (r->n == INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR, "more than %d ratings", INT32_MAX);
  if (r->n == r->capacity)
    OIKOS_TRY(grow(r, err));
  r->user[r->n] = user;
  r->item[r->n] = item;
  r->value[r->n] = value;
  r->time[r->n++] = time;
  return OIKOS_OK;
}

/* A bad row: an error, or left out, and named if it is among the first. */
static oikos_status leave_out(oikos_rating_collection *r, oikos_csv *csv, oikos_status status,
                              const oikos_error *why) {
  if (!r->job->options.skip_bad)
    return status;
  oikos_csv_reject(csv);
  r->skipped++;
  if (r->job->message && r->skipped <= SHOWN_BAD)
    r->job->message(r->job->user, why->message);
  return OIKOS_OK;
}

oikos_status oikos_rating_collection_rows(oikos_rating_collection *r, oikos_csv *csv,
                                          const char *name, oikos_row_taker *take, void *user,
                                          oikos_error *err) {
  char what[512];
  oikos_csv_row row;
  bool end = false;
  oikos_error local, *why = err ? err : &local;
  int64_t rows = 0;
  snprintf(what, sizeof what, "reading rows of %s", name);
  for (;; rows++) {
    OIKOS_TRY(oikos_csv_next(csv, &row, &end, why));
    if (end)
      break;
    oikos_status status = oikos_csv_check(csv, &row, why);
    r->row_is_good = false;
    if (status == OIKOS_OK)
      status = take(user, r, csv, &row, why);
    if (status != OIKOS_OK && r->row_is_good)
      return status;
    if (status != OIKOS_OK)
      OIKOS_TRY(leave_out(r, csv, status, why));
    if ((rows + 1) % PROGRESS_EVERY != 0)
      continue;
    OIKOS_TRY(oikos_pulse_check(r->job->pulse, why));
    if (r->job->progress)
      r->job->progress(r->job->user, what, rows, 0);
  }
  if (r->job->progress)
    r->job->progress(r->job->user, what, rows, rows);
  oikos_csv_hints(csv, r->job->message, r->job->user);
  return OIKOS_OK;
}

static oikos_status take_rating(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                                const oikos_csv_row *row, oikos_error *err) {
  const oikos_rating_columns *c = user;
  int32_t who, what;
  int64_t time = 0;
  double value;
  const int ids[] = {c->user, c->item};
  for (int k = 0; k < 2; k++)
    OIKOS_TRY(oikos_csv_id(csv, row, ids[k], err));
  OIKOS_TRY(oikos_csv_number(csv, row, c->rating, &value, err));
  if (!isfinite((float)value))
    return oikos_csv_fail(csv, row, c->rating, "a number within float32", err);
  if (c->time >= 0 && !oikos_parse_whole(row->field[c->time], &time))
    return oikos_csv_fail(csv, row, c->time, "a time: a whole number of seconds", err);
  r->row_is_good = true;
  OIKOS_TRY(oikos_entities_id(r->users, row->field[c->user], &who, err));
  OIKOS_TRY(oikos_entities_id(r->items, row->field[c->item], &what, err));
  return oikos_rating_collection_add(r, who, what, (float)value, time, err);
}

oikos_status oikos_rating_collection_read(oikos_rating_collection *r, oikos_csv *csv,
                                          const char *name, const oikos_rating_columns *columns,
                                          oikos_error *err) {
  oikos_rating_columns c = *columns;
  return oikos_rating_collection_rows(r, csv, name, take_rating, &c, err);
}

/* Ids that only a table has, or only the ratings: written in another way in one of them, maybe. */
static void tell_apart(const oikos_rating_collection *r, const char *word, const oikos_entities *e,
                       const oikos_rating_side *side, const int64_t *first) {
  int64_t unrated = 0, untold = 0, described = 0;
  const char *of_table = "", *of_ratings = "";
  char text[640];
  for (int64_t k = 0; k < side->n; k++) {
    bool told = oikos_entities_is_described(e, side->id[k]), rated = first[k + 1] > first[k];
    described += told;
    if (told && !rated && unrated++ == 0)
      of_table = side->id[k];
    if (rated && !told && untold++ == 0)
      of_ratings = side->id[k];
  }
  if (!described || !r->job->message)
    return;
  snprintf(text, sizeof text, "%lld of the %lld %ss that a table tells of have no rating%s%s",
           (long long)unrated, (long long)described, word, unrated ? ", the first: " : "",
           of_table);
  if (unrated)
    r->job->message(r->job->user, text);
  snprintf(text, sizeof text, "%lld %ss with ratings are in no table, the first: %s%s",
           (long long)untold, word, of_ratings,
           unrated ? "; are ids written alike, zeros and all?" : "");
  if (untold)
    r->job->message(r->job->user, text);
}

static void tell(const oikos_rating_collection *r) {
  char text[256];
  if (!r->job->message)
    return;
  snprintf(text, sizeof text,
           "%lld ratings of %lld items by %lld users; %lld bad rows %s; %lld ratings of the same "
           "item by the same user%s",
           (long long)r->n, (long long)r->item_side.n, (long long)r->user_side.n,
           (long long)r->skipped, r->skipped ? "left out" : "met", (long long)r->duplicates,
           r->duplicates ? " left out: the last by time is kept" : "");
  r->job->message(r->job->user, text);
}

oikos_status oikos_rating_collection_write(oikos_rating_collection *r, const char *kind,
                                           oikos_error *err) {
  char source[512];
  const char *path = r->job->n_sources ? r->job->sources[0] : "", *base = strrchr(path, '/');
  base = base && base[1] ? base + 1 : path;
  snprintf(source, sizeof source, *base ? "%s from %s" : "%s", kind, base);
  const oikos_ratings_index index = {.users = r->user_side,
                                     .items = r->item_side,
                                     .n = r->n,
                                     .value = r->value,
                                     .time = r->time,
                                     .user = r->user,
                                     .item = r->item,
                                     .user_first = r->user_first,
                                     .item_first = r->item_first,
                                     .item_rating = r->item_rating,
                                     .n_splits = r->n_splits,
                                     .split_name = r->split_name,
                                     .split = (const uint8_t *const *)r->split,
                                     .source = source,
                                     .skipped = r->skipped,
                                     .duplicates = r->duplicates};
  OIKOS_TRY(oikos_ratings_file_write(r->job->output, &index, err));
  tell_apart(r, "user", r->users, &r->user_side, r->user_first);
  tell_apart(r, "item", r->items, &r->item_side, r->item_first);
  tell(r);
  return OIKOS_OK;
}
