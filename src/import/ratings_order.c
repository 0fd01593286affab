/* SPDX-License-Identifier: MIT
 * Counting sorts by user and by item, which keep the order the ratings came in, then each one's few
 * by time where they are not in order already. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/ratings.h"

enum { SHOWN_DUPLICATES = 10 };

/* Give each of n keys its run of places: first (groups + 1), order (n). */
static void group(int64_t n, const int32_t *key, int64_t groups, int64_t *first, int32_t *order) {
  memset(first, 0, (size_t)(groups + 1) * sizeof *first);
  for (int64_t k = 0; k < n; k++)
    first[key[k] + 1]++;
  for (int64_t g = 0; g < groups; g++)
    first[g + 1] += first[g];
  for (int64_t k = 0; k < n; k++)
    order[first[key[k]]++] = (int32_t)k;
  for (int64_t g = groups; g > 0; g--) // each start has moved to its group's end
    first[g] = first[g - 1];
  first[0] = 0;
}

/* By time, then by number. */
static int by_time(const void *a, const void *b, void *times) {
  const int64_t *time = times;
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  if (time[x] != time[y])
    return time[x] < time[y] ? -1 : 1;
  return (x > y) - (x < y);
}

static void sort_runs(int64_t groups, const int64_t *first, int64_t *time, int32_t *order) {
  for (int64_t g = 0; g < groups; g++) {
    int64_t k = first[g] + 1;
    while (k < first[g + 1] && time[order[k - 1]] <= time[order[k]])
      k++;
    if (k < first[g + 1])
      qsort_r(order + first[g], (size_t)(first[g + 1] - first[g]), sizeof *order, by_time, time);
  }
}

/* Two ratings of one item by one user: name the first few. */
static void tell_duplicate(const oikos_rating_collection *r, int64_t user, int32_t item) {
  char text[512];
  if (!r->job->message || r->duplicates > SHOWN_DUPLICATES)
    return;
  snprintf(text, sizeof text, "user %s rated item %s again: the last by time is kept",
           r->user_side.id[user], r->item_side.id[item]);
  r->job->message(r->job->user, text);
}

/* Leave out of `order` all but each user's last rating of an item. mark (items): user + 1 of whom
 * it was seen last. The kept ones of a user move to the end of the run, then all close up. */
static int64_t drop_duplicates(oikos_rating_collection *r, int32_t *order, int32_t *mark) {
  int64_t kept = 0, end = 0;
  for (int64_t u = 0; u < r->user_side.n; u++) {
    int64_t from = end, to = r->user_first[u + 1];
    end = to;
    for (int64_t k = end - 1; k >= from; k--) {
      int32_t item = r->item[order[k]];
      if (mark[item] != u + 1)
        order[--to] = order[k];
      else if (++r->duplicates)
        tell_duplicate(r, u, item);
      mark[item] = (int32_t)(u + 1);
    }
    memmove(order + kept, order + to, (size_t)(end - to) * sizeof *order);
    r->user_first[u] = kept;
    kept += end - to;
  }
  r->user_first[r->user_side.n] = kept;
  return kept;
}

/* Bring an array of elements of 4 or 8 bytes into the order; the old one is released. */
static oikos_status permute(void *array, size_t size, int64_t n, const int32_t *order,
                            oikos_error *err) {
  char *old, *new;
  memcpy(&old, array, sizeof old);
  OIKOS_TRY(oikos_alloc(&new, (size_t)n, size, "ratings", err));
  if (size == sizeof(int64_t))
    for (int64_t k = 0; k < n; k++)
      ((int64_t *)(void *)new)[k] = ((int64_t *)(void *)old)[order[k]];
  else
    for (int64_t k = 0; k < n; k++)
      memcpy(new + (size_t)k * 4, old + (size_t)order[k] * 4, 4);
  free(old);
  memcpy(array, &new, sizeof new);
  return OIKOS_OK;
}

static oikos_status order_by_user(oikos_rating_collection *r, int32_t *order, int32_t *mark,
                                  oikos_error *err) {
  group(r->n, r->user, r->user_side.n, r->user_first, order);
  sort_runs(r->user_side.n, r->user_first, r->time, order);
  int64_t n = drop_duplicates(r, order, mark);
  OIKOS_TRY(permute(&r->user, sizeof *r->user, n, order, err));
  OIKOS_TRY(permute(&r->item, sizeof *r->item, n, order, err));
  OIKOS_TRY(permute(&r->value, sizeof *r->value, n, order, err));
  OIKOS_TRY(permute(&r->time, sizeof *r->time, n, order, err));
  r->n = r->capacity = n;
  return OIKOS_OK;
}

static oikos_status order_ratings(oikos_rating_collection *r, oikos_error *err) {
  int32_t *order = NULL, *mark = NULL;
  oikos_status status = oikos_alloc(&order, (size_t)r->n, sizeof *order, "the order", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&mark, (size_t)r->item_side.n, sizeof *mark, "the items", err);
  if (status == OIKOS_OK)
    status = order_by_user(r, order, mark, err);
  free(order);
  free(mark);
  return status;
}

oikos_status oikos_rating_collection_order(oikos_rating_collection *r, oikos_error *err) {
  if (r->n == 0)
    return oikos_fail(err, OIKOS_ERROR, "%s: no good rating: %lld rows were left out",
                      r->job->n_sources ? r->job->sources[0] : "no source", (long long)r->skipped);
  OIKOS_TRY(oikos_entities_finish(r->users, &r->user_side, &r->user_place, err));
  OIKOS_TRY(oikos_entities_finish(r->items, &r->item_side, &r->item_place, err));
  for (int64_t k = 0; k < r->n; k++) {
    r->user[k] = r->user_place[r->user[k]];
    r->item[k] = r->item_place[r->item[k]];
  }
  OIKOS_TRY(oikos_alloc(&r->user_first, (size_t)r->user_side.n + 1, sizeof *r->user_first,
                        "the users", err));
  OIKOS_TRY(oikos_alloc(&r->item_first, (size_t)r->item_side.n + 1, sizeof *r->item_first,
                        "the items", err));
  OIKOS_TRY(order_ratings(r, err));
  OIKOS_TRY(oikos_alloc(&r->item_rating, (size_t)r->n, sizeof *r->item_rating, "the items", err));
  group(r->n, r->item, r->item_side.n, r->item_first, r->item_rating);
  sort_runs(r->item_side.n, r->item_first, r->time, r->item_rating);
  return OIKOS_OK;
}
