/* SPDX-License-Identifier: MIT */
#include "import/ratings_demo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "import/ratings.h"

enum { RANK = OIKOS_DEMO_RANK, DEFAULT_USERS = 500, DEFAULT_ITEMS = 300, LEAST = 10, TRIES = 16 };

/* What is drawn for a user or an item; the vector first, its bias last. */
enum { USER_VECTOR, ITEM_VECTOR, USER_FEATURES, ITEM_FEATURES, USER_CHOICES, ITEM_WEIGHT };

typedef struct demo {
  oikos_rating_collection ratings;
  uint64_t seed;
  int64_t users, items;
  double *weight;  /* (items) of items 0 .. i together */
  uint8_t *taken;  /* (items) by the user at hand */
  int64_t *chosen; /* (items) the same as a list */
} demo;

static void draw_vector(uint64_t seed, int what, int64_t k, double vector[RANK + 1]) {
  oikos_random r = oikos_random_at(seed, OIKOS_DRAW_RATINGS, (uint64_t)what, (uint64_t)k);
  for (int i = 0; i <= RANK; i++)
    vector[i] = oikos_random_normal(&r);
}

void oikos_ratings_demo_user(uint64_t seed, int64_t user, double p[RANK + 1]) {
  draw_vector(seed, USER_VECTOR, user, p);
}

void oikos_ratings_demo_item(uint64_t seed, int64_t item, double q[RANK + 1]) {
  draw_vector(seed, ITEM_VECTOR, item, q);
}

double oikos_ratings_demo_score(const double p[RANK + 1], const double q[RANK + 1]) {
  double score = 3.5 + 0.4 * (p[RANK] + q[RANK]);
  for (int i = 0; i < RANK; i++)
    score += 0.5 * p[i] * q[i];
  return score;
}

static oikos_status describe_user(demo *d, int64_t u, oikos_error *err) {
  double p[RANK + 1];
  int32_t user;
  int largest = 0;
  char id[32], group[24];
  oikos_random r = oikos_random_at(d->seed, OIKOS_DRAW_RATINGS, USER_FEATURES, (uint64_t)u);
  oikos_ratings_demo_user(d->seed, u, p);
  for (int i = 1; i < RANK; i++)
    largest = p[i] > p[largest] ? i : largest;
  snprintf(id, sizeof id, "%lld", (long long)u + 1);
  snprintf(group, sizeof group, "group %d", largest);
  OIKOS_TRY(oikos_entities_describe(d->ratings.users, id, &user, err));
  oikos_entities_set_number(d->ratings.users, user, 0,
                            40 + 12 * p[0] + 3 * oikos_random_normal(&r));
  return oikos_entities_add_value(d->ratings.users, user, 0, group, err);
}

static oikos_status describe_item(demo *d, int64_t i, oikos_error *err) {
  double q[RANK + 1];
  int32_t item;
  char id[32], title[64], genre[16];
  oikos_random r = oikos_random_at(d->seed, OIKOS_DRAW_RATINGS, ITEM_FEATURES, (uint64_t)i);
  oikos_ratings_demo_item(d->seed, i, q);
  double year = nearbyint(1990 + 10 * q[0] + 3 * oikos_random_normal(&r));
  snprintf(id, sizeof id, "%lld", (long long)i + 1);
  snprintf(title, sizeof title, "Item %lld (%d)", (long long)i + 1, (int)year);
  OIKOS_TRY(oikos_entities_describe(d->ratings.items, id, &item, err));
  OIKOS_TRY(oikos_entities_set_title(d->ratings.items, item, title, err));
  oikos_entities_set_number(d->ratings.items, item, 0, year);
  for (int k = 0; k < RANK; k++) {
    snprintf(genre, sizeof genre, "genre %d", k);
    if (q[k] > 0.5)
      OIKOS_TRY(oikos_entities_add_value(d->ratings.items, item, 0, genre, err));
  }
  return OIKOS_OK;
}

static oikos_status describe_all(demo *d, oikos_error *err) {
  int first;
  double sum = 0;
  OIKOS_TRY(oikos_entities_add_number(d->ratings.users, "age", &first, err));
  OIKOS_TRY(oikos_entities_add_field(d->ratings.users, "group", &first, err));
  OIKOS_TRY(oikos_entities_add_number(d->ratings.items, "year", &first, err));
  OIKOS_TRY(oikos_entities_add_field(d->ratings.items, "genre", &first, err));
  for (int64_t u = 0; u < d->users; u++)
    OIKOS_TRY(describe_user(d, u, err));
  for (int64_t i = 0; i < d->items; i++) {
    oikos_random r = oikos_random_at(d->seed, OIKOS_DRAW_RATINGS, ITEM_WEIGHT, (uint64_t)i);
    sum += pow(1 - oikos_random_uniform(&r, 0, 1), -0.6);
    d->weight[i] = sum;
    OIKOS_TRY(describe_item(d, i, err));
  }
  return OIKOS_OK;
}

/* An item by its weight. */
static int64_t draw_item(const demo *d, oikos_random *r) {
  double at = oikos_random_uniform(r, 0, d->weight[d->items - 1]);
  int64_t low = 0, high = d->items - 1;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (d->weight[middle] <= at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* An item by its weight that is not taken; after many tries, the next free one. */
static int64_t choose_item(demo *d, oikos_random *r) {
  int64_t item = draw_item(d, r);
  for (int k = 0; k < TRIES && d->taken[item]; k++)
    item = draw_item(d, r);
  while (d->taken[item])
    item = (item + 1) % d->items;
  d->taken[item] = 1;
  return item;
}

static int64_t draw_count(const demo *d, oikos_random *r) {
  int64_t least = d->items < LEAST ? d->items : LEAST;
  int64_t most = d->items / 4 > least ? d->items / 4 : least;
  double n = (double)least * pow(1 - oikos_random_uniform(r, 0, 1), -1 / 1.5);
  return n < (double)most ? (int64_t)n : most;
}

static oikos_status rate(demo *d, int64_t u, oikos_error *err) {
  oikos_random r = oikos_random_at(d->seed, OIKOS_DRAW_RATINGS, USER_CHOICES, (uint64_t)u);
  double p[RANK + 1], q[RANK + 1];
  int64_t n = draw_count(d, &r), time = 1000000000 + (int64_t)oikos_random_below(&r, 100000000);
  oikos_ratings_demo_user(d->seed, u, p);
  for (int64_t k = 0; k < n; k++) {
    d->chosen[k] = choose_item(d, &r);
    oikos_ratings_demo_item(d->seed, d->chosen[k], q);
    double value = nearbyint(oikos_ratings_demo_score(p, q) + 0.3 * oikos_random_normal(&r));
    value = value < 1 ? 1 : value > 5 ? 5 : value;
    time += 1 + (int64_t)oikos_random_below(&r, 1000);
    OIKOS_TRY(oikos_rating_collection_add(&d->ratings, (int32_t)u, (int32_t)d->chosen[k],
                                          (float)value, time, err));
  }
  for (int64_t k = 0; k < n; k++)
    d->taken[d->chosen[k]] = 0;
  return OIKOS_OK;
}

static oikos_status run(demo *d, const oikos_import_job *job, oikos_error *err) {
  OIKOS_TRY(oikos_rating_collection_create(&d->ratings, job, err));
  OIKOS_TRY(oikos_alloc(&d->weight, (size_t)d->items, sizeof *d->weight, "the items", err));
  OIKOS_TRY(oikos_alloc(&d->taken, (size_t)d->items, sizeof *d->taken, "the items", err));
  OIKOS_TRY(oikos_alloc(&d->chosen, (size_t)d->items, sizeof *d->chosen, "the items", err));
  OIKOS_TRY(describe_all(d, err));
  for (int64_t u = 0; u < d->users; u++)
    OIKOS_TRY(rate(d, u, err));
  OIKOS_TRY(oikos_rating_collection_order(&d->ratings, err));
  return oikos_rating_collection_write(&d->ratings, "ratings-demo", err);
}

oikos_status oikos_import_ratings_demo(const oikos_import_job *job, oikos_error *err) {
  const oikos_import_options *o = &job->options;
  demo d = {.seed = (uint64_t)o->seed,
            .users = o->users ? o->users : DEFAULT_USERS,
            .items = o->items ? o->items : DEFAULT_ITEMS};
  if (d.users > INT32_MAX / LEAST / 4 || d.items > INT32_MAX / LEAST / 4)
    return oikos_fail(err, OIKOS_USAGE,
                      "ratings-demo makes at most %d users and items, not %lld "
                      "and %lld",
                      INT32_MAX / LEAST / 4, (long long)d.users, (long long)d.items);
  oikos_status status = run(&d, job, err);
  oikos_rating_collection_destroy(&d.ratings);
  free(d.weight);
  free(d.taken);
  free(d.chosen);
  return status;
}
