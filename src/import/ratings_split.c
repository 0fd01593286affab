/* SPDX-License-Identifier: MIT
 * A publisher's splits: tables that repeat some of the ratings. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/ratings.h"

/* What marks the ratings of a table. */
typedef struct marking {
  const oikos_rating_columns *columns;
  uint8_t *split, part;
} marking;

/* The rating that a user gave an item; -1 for none. Looks through the shorter of both lists. */
static int64_t find(const oikos_rating_collection *r, int32_t user, int32_t item) {
  int64_t from = r->user_first[user], end = r->user_first[user + 1];
  int64_t other = r->item_first[item], other_end = r->item_first[item + 1];
  if (end - from <= other_end - other) {
    while (from < end && r->item[from] != item)
      from++;
    return from < end ? from : -1;
  }
  while (other < other_end && r->user[r->item_rating[other]] != user)
    other++;
  return other < other_end ? r->item_rating[other] : -1;
}

static oikos_status take(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                         const oikos_csv_row *row, oikos_error *err) {
  const marking *m = user;
  int32_t who = oikos_entities_find(r->users, row->field[m->columns->user]);
  int32_t what = oikos_entities_find(r->items, row->field[m->columns->item]);
  int64_t k = who < 0 || what < 0 ? -1 : find(r, r->user_place[who], r->item_place[what]);
  if (k < 0)
    return oikos_csv_fail(csv, row, m->columns->user,
                          "a user and an item that are among the ratings", err);
  if (m->split[k])
    return oikos_csv_fail(csv, row, m->columns->user,
                          "each rating once in a split, not in both of its parts or twice", err);
  m->split[k] = m->part;
  return OIKOS_OK;
}

/* The split of a name, a new one if it is new. */
static oikos_status find_split(oikos_rating_collection *r, const char *name, int *number,
                               oikos_error *err) {
  for (*number = 0; *number < r->n_splits; ++*number)
    if (strcmp(r->split_name[*number], name) == 0)
      return OIKOS_OK;
  if (r->n_splits == OIKOS_MAX_SPLITS)
    return oikos_fail(err, OIKOS_ERROR, "more than %d splits", OIKOS_MAX_SPLITS);
  OIKOS_TRY(oikos_alloc(&r->split[*number], (size_t)r->n, 1, "a split", err));
  r->split_name[r->n_splits++] = name;
  return OIKOS_OK;
}

oikos_status oikos_rating_collection_split(oikos_rating_collection *r, oikos_csv *csv,
                                           const char *table, const oikos_rating_columns *columns,
                                           const char *name, uint8_t part, oikos_error *err) {
  int number;
  OIKOS_TRY(find_split(r, name, &number, err));
  marking m = {columns, r->split[number], part};
  return oikos_rating_collection_rows(r, csv, table, take, &m, err);
}
