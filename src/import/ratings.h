/* SPDX-License-Identifier: MIT
 *
 * What an importer of ratings gathers before it writes: 20 bytes a rating, as they come.
 *
 *   oikos_rating_collection_create(), then in any order
 *   oikos_rating_collection_rows()    for each table, with a function that takes a row over
 *   oikos_rating_collection_add()     for each rating
 *   oikos_rating_collection_order()   when all ratings are in; then
 *   oikos_rating_collection_split()   for each part of a split
 *   oikos_rating_collection_write(), oikos_rating_collection_destroy()
 */
#ifndef OIKOS_IMPORT_RATINGS_H
#define OIKOS_IMPORT_RATINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "import/csv.h"
#include "import/entities.h"
#include "import/import.h"
#include "tasks/ratings_index.h"

enum { OIKOS_MAX_SPLITS = 16 };

/** Read what you need; leave changes to the functions below. */
typedef struct oikos_rating_collection {
  const oikos_import_job *job;
  oikos_entities *users, *items;
  int64_t n, capacity;
  float *value;         /* (capacity) */
  int64_t *time;        /* (capacity) */
  int32_t *user, *item; /* (capacity) */
  int64_t skipped, duplicates;
  bool row_is_good; /* set by an oikos_row_taker: what fails from now on is not the row's fault */
  /* from oikos_rating_collection_order() on */
  oikos_rating_side user_side, item_side;
  const int32_t *user_place, *item_place;
  int64_t *user_first, *item_first; /* (users + 1), (items + 1) */
  int32_t *item_rating;             /* (n) */
  int n_splits;
  const char *split_name[OIKOS_MAX_SPLITS];
  uint8_t *split[OIKOS_MAX_SPLITS]; /* of (n) */
} oikos_rating_collection;

/** Which columns of a table hold a rating; -1 for no times. */
typedef struct oikos_rating_columns {
  int user, item, rating, time;
} oikos_rating_columns;

oikos_status oikos_rating_collection_create(oikos_rating_collection *r, const oikos_import_job *job,
                                            oikos_error *err);
void oikos_rating_collection_destroy(oikos_rating_collection *r);

/** Check a row, set r->row_is_good, take it over. An error before that is what is bad in the row.
 */
typedef oikos_status oikos_row_taker(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                                     const oikos_csv_row *row, oikos_error *err);

/** Read a table to its end. Bad rows stop it or, with skip_bad, are counted, the first ten named.
 */
oikos_status oikos_rating_collection_rows(oikos_rating_collection *r, oikos_csv *csv,
                                          const char *name, oikos_row_taker *take, void *user,
                                          oikos_error *err);

/** Read a table of ratings to its end. */
oikos_status oikos_rating_collection_read(oikos_rating_collection *r, oikos_csv *csv,
                                          const char *name, const oikos_rating_columns *columns,
                                          oikos_error *err);

/** A rating of an item by a user, given by their numbers in r->users and r->items. */
oikos_status oikos_rating_collection_add(oikos_rating_collection *r, int32_t user, int32_t item,
                                         float value, int64_t time, oikos_error *err);

/**
 * Order users and items by id, ratings by user, time and then as they came; leave out all but the
 * last of ratings of the same item by the same user; index them by item.
 */
oikos_status oikos_rating_collection_order(oikos_rating_collection *r, oikos_error *err);

/**
 * Mark the ratings that a table lists.
 * @param name  of the split: lives as long as r
 * @param part  1 base, 2 test
 */
oikos_status oikos_rating_collection_split(oikos_rating_collection *r, oikos_csv *csv,
                                           const char *table, const oikos_rating_columns *columns,
                                           const char *name, uint8_t part, oikos_error *err);

/** Write job->output and tell what was written; the source attribute names @p kind. */
oikos_status oikos_rating_collection_write(oikos_rating_collection *r, const char *kind,
                                           oikos_error *err);

#endif
