/* SPDX-License-Identifier: MIT */
#include "cli/requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "base/try.h"
#include "import/csv.h"

enum { USER, ITEM };

static const char *const word[] = {"user", "item"};

static const oikos_rating_side *side_of(const oikos_ratings_index *x, int side) {
  return side == USER ? &x->users : &x->items;
}

static oikos_status allocate(oikos_requests *r, int64_t n, int64_t ratings, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&r->list, (size_t)n, sizeof *r->list, "the requests", err));
  OIKOS_TRY(oikos_alloc(&r->other, (size_t)ratings, sizeof *r->other, "the requests", err));
  return oikos_alloc(&r->value, (size_t)ratings, sizeof *r->value, "the requests", err);
}

/* Learners first .. first + n - 1 with all the ratings they have in the file. */
static oikos_status from_file(const oikos_ratings_index *x, int side, int64_t first, int64_t n,
                              oikos_requests *r, oikos_error *err) {
  const int64_t *held = side == USER ? x->user_first : x->item_first;
  OIKOS_TRY(allocate(r, n, held[first + n] - held[first], err));
  for (int64_t k = held[first], at = 0; k < held[first + n]; k++, at++) {
    int64_t rating = side == USER ? k : x->item_rating[k];
    r->other[at] = side == USER ? x->item[rating] : x->user[rating];
    r->value[at] = x->value[rating];
  }
  for (int64_t i = 0; i < n; i++)
    r->list[i] = (oikos_request){.side = side,
                                 .learner = first + i,
                                 .n = held[first + i + 1] - held[first + i],
                                 .other = r->other + (held[first + i] - held[first]),
                                 .value = r->value + (held[first + i] - held[first])};
  r->n = n;
  return OIKOS_OK;
}

/* The first of this name at or behind a place; -1 for none. */
static int64_t find(int64_t n, const char *const *names, const char *name, int64_t from) {
  for (int64_t k = from; names && k < n; k++)
    if (strcmp(names[k], name) == 0)
      return k;
  return -1;
}

/* "no user 9999 in FILE; near: 999, 99", or of a title. */
static oikos_status unknown(const oikos_ratings_index *x, int side, const char *place,
                            const char *name, oikos_error *err) {
  const oikos_rating_side *s = side_of(x, side);
  char near[512];
  int found = s->title ? oikos_nearest_text(name, s->n, s->title, sizeof near, near) : 0;
  if (found == 0)
    found = oikos_nearest_text(name, s->n, s->id, sizeof near, near);
  return oikos_fail(err, OIKOS_USAGE, "%sno %s is called %.100s in the ratings file%s%s", place,
                    word[side], name, found ? "; near: " : "", near);
}

/* A title that several have. */
static oikos_status ambiguous(const oikos_ratings_index *x, int side, const char *place,
                              const char *name, oikos_error *err) {
  const oikos_rating_side *s = side_of(x, side);
  char list[400] = "";
  int shown = 0;
  for (int64_t k = find(s->n, s->title, name, 0); k >= 0; k = find(s->n, s->title, name, k + 1)) {
    size_t used = strlen(list);
    if (shown < 8 && used + strlen(s->id[k]) + 3 < sizeof list)
      snprintf(list + used, sizeof list - used, "%s%s", shown ? ", " : "", s->id[k]);
    shown++;
  }
  return oikos_fail(err, OIKOS_USAGE,
                    "%s%d %ss are called %.100s in the ratings file; give the id of one: %s%s",
                    place, shown, word[side], name, list, shown > 8 ? " .." : "");
}

/* The one that an id, or else a title, names. */
static oikos_status find_named(const oikos_ratings_index *x, int side, const char *place,
                               const char *name, int64_t *k, oikos_error *err) {
  const oikos_rating_side *s = side_of(x, side);
  *k = find(s->n, s->id, name, 0);
  if (*k >= 0)
    return OIKOS_OK;
  *k = *name ? find(s->n, s->title, name, 0) : -1;
  if (*k < 0)
    return unknown(x, side, place, name, err);
  return find(s->n, s->title, name, *k + 1) < 0 ? OIKOS_OK : ambiguous(x, side, place, name, err);
}

static oikos_status from_id(const oikos_ratings_index *x, const oikos_wanted *w, oikos_requests *r,
                            oikos_error *err) {
  int64_t k;
  OIKOS_TRY(find_named(x, w->side, "", w->id, &k, err));
  return from_file(x, w->side, k, 1, r, err);
}

/* A table of ratings that is being read. */
typedef struct ratings_reading {
  const oikos_csv *csv;
  const oikos_ratings *ratings;
  const char *path;
  int column, rating, other; /* whom and how; of which side these are */
} ratings_reading;

/* One row of somebody's ratings. */
static oikos_status read_rating(const ratings_reading *t, const oikos_csv_row *row,
                                oikos_request *q, oikos_requests *r, oikos_error *err) {
  char place[256];
  double value;
  int64_t k;
  OIKOS_TRY(oikos_csv_check(t->csv, row, err));
  snprintf(place, sizeof place, "%.200s:%lld: ", t->path, (long long)row->line);
  OIKOS_TRY(find_named(oikos_ratings_index_of(t->ratings), t->other, place, row->field[t->column],
                       &k, err));
  OIKOS_TRY(oikos_csv_number(t->csv, row, t->rating, &value, err));
  if (oikos_ratings_check(t->ratings, value, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "%scolumn rating: ", place);
  for (int64_t i = 0; i < q->n; i++)
    if (r->other[i] == k)
      return oikos_fail(err, OIKOS_USAGE, "%s%s %.100s has been rated before in this file", place,
                        word[t->other], row->field[t->column]);
  r->other[q->n] = k;
  r->value[q->n++] = (float)value;
  return OIKOS_OK;
}

static oikos_status read_ratings(oikos_csv *csv, const oikos_ratings *ratings, const char *path,
                                 oikos_requests *r, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(ratings);
  oikos_csv_row row;
  bool end;
  int item = oikos_csv_find(csv, word[ITEM]), user = oikos_csv_find(csv, word[USER]);
  if ((item < 0) == (user < 0) || oikos_csv_find(csv, "rating") < 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: expected a header with the columns item and rating, of a new user, or "
                      "user and rating, of a new item",
                      path);
  int side = item >= 0 ? USER : ITEM;
  const ratings_reading t = {
      csv, ratings, path, item >= 0 ? item : user, oikos_csv_find(csv, "rating"), !side};
  OIKOS_TRY(allocate(r, 1, side_of(x, !side)->n, err));
  r->list[0] = (oikos_request){.side = side, .learner = -1, .other = r->other, .value = r->value};
  r->n = 1;
  while (true) {
    OIKOS_TRY(oikos_csv_next(csv, &row, &end, err));
    if (end)
      return OIKOS_OK;
    OIKOS_TRY(read_rating(&t, &row, &r->list[0], r, err));
  }
}

static oikos_status from_table(const oikos_ratings *ratings, const char *path, oikos_requests *r,
                               oikos_error *err) {
  oikos_csv *csv;
  const oikos_csv_format format = {.header = true};
  OIKOS_TRY(oikos_csv_open(&csv, path, &format, err));
  oikos_status status = read_ratings(csv, ratings, path, r, err);
  oikos_csv_close(csv);
  if (status == OIKOS_OK && r->list[0].n == 0)
    status = oikos_fail(err, OIKOS_USAGE, "%s: no rating in it", path);
  return status;
}

static oikos_status create(const oikos_team *team, const oikos_wanted *w,
                           const oikos_ratings *ratings, oikos_requests *r, oikos_error *err) {
  const oikos_ratings_index *x = oikos_ratings_index_of(ratings);
  if (w->all) {
    int64_t first, n;
    oikos_share(side_of(x, w->side)->n, team->rank, team->size, &first, &n);
    return from_file(x, w->side, first, n, r, err);
  }
  if (team->rank != 0)
    return OIKOS_OK;
  return w->id ? from_id(x, w, r, err) : from_table(ratings, w->ratings, r, err);
}

oikos_status oikos_requests_create(const oikos_team *team, const oikos_wanted *w,
                                   const oikos_ratings *ratings, oikos_requests *r,
                                   oikos_error *err) {
  *r = (oikos_requests){0};
  oikos_status status = create(team, w, ratings, r, err);
  if (status != OIKOS_OK)
    oikos_requests_destroy(r);
  return status;
}

void oikos_requests_destroy(oikos_requests *r) {
  free(r->list);
  free(r->other);
  free(r->value);
  *r = (oikos_requests){0};
}
