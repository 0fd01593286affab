/* SPDX-License-Identifier: MIT
 * Ratings of items by users, with what is known of both. Strings and arrays belong to the caller.
 */
#ifndef OIKOS_TASKS_RATINGS_INDEX_H
#define OIKOS_TASKS_RATINGS_INDEX_H

#include <stdint.h>

/** All users or all items. A category is a number that stands for one value of one field: field f
 * has the numbers field_first[f] .. field_first[f + 1] - 1. */
typedef struct oikos_rating_side {
  int64_t n;
  const char *const *id;    /* (n) */
  const char *const *title; /* (n), "" where there is none; NULL if nobody has one */
  int64_t n_numbers;
  const char *const *number_name; /* (n_numbers) */
  const float *number;            /* (n, n_numbers) */
  int64_t n_fields;
  const char *const *field_name; /* (n_fields) */
  const int64_t *field_first;    /* (n_fields + 1) */
  const char *const *value_name; /* (field_first[n_fields]) */
  const int64_t *category_first; /* (n + 1) k has category[category_first[k] ..] */
  const int32_t *category;       /* ascending for each */
} oikos_rating_side;

typedef struct oikos_ratings_index {
  oikos_rating_side users, items;
  int64_t n;
  const float *value;         /* (n) user by user, ordered by time within one */
  const int64_t *time;        /* (n) seconds; 0 where the source has no times */
  const int32_t *user, *item; /* (n) */
  const int64_t *user_first;  /* (users + 1) user u gave ratings user_first[u] .. [u + 1] - 1 */
  const int64_t *item_first;  /* (items + 1) item i got the ratings */
  const int32_t *item_rating; /* (n) item_rating[item_first[i] ..], ordered by time, then number */
  int64_t n_splits;
  const char *const *split_name;
  const uint8_t *const *split; /* (n_splits) of (n): 0 in neither part, 1 base, 2 test */
  const char *source;
  int64_t skipped;    /* bad rows that the import left out */
  int64_t duplicates; /* earlier ratings of an item that its user rated again, left out */
} oikos_ratings_index;

#endif
