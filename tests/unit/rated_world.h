/* SPDX-License-Identifier: MIT
 * A small world of users and items who rate each other, and a ratings source of it. */
#ifndef OIKOS_TESTS_RATED_WORLD_H
#define OIKOS_TESTS_RATED_WORLD_H

#include "check.h"

#include <stdbool.h>

#include "tasks/ratings.h"
#include "tasks/source.h"

typedef oikos_real real;

enum { USERS = 20, ITEMS = 24, MOST = USERS * ITEMS, WIDTH = 3 };

/* User u rated item i unless (u + 2 i) is a multiple of 3, at a time that is neither its order nor
 * the items'. Users have one number (their own) and one of 3 categories, items up to two of 4. */
typedef struct world {
  char text[USERS + ITEMS][8];
  const char *id[USERS + ITEMS];
  float value[MOST], number[USERS];
  int64_t time[MOST], user_first[USERS + 1], item_first[ITEMS + 1];
  int32_t user[MOST], item[MOST], item_rating[MOST];
  int64_t user_field[2], item_field[2], user_at[USERS + 1], item_at[ITEMS + 1];
  int32_t user_category[USERS], item_category[2 * ITEMS];
  uint8_t fold[MOST];
  const uint8_t *folds[1];
  oikos_ratings_index index;
  oikos_data data;
} world;

typedef struct rig {
  world *w;
  oikos_config *config;
  oikos_source *source;
  oikos_episode episode;
} rig;

static inline int64_t when(int u, int i) {
  return (u * 37 + i * 53) % 101;
}

static inline bool rated(int u, int i) {
  return (u + 2 * i) % 3 != 0;
}

static inline void rate_user(world *w, int u) {
  int64_t first = w->index.n;
  for (int i = 0; i < ITEMS; i++) {
    if (!rated(u, i))
      continue;
    int64_t at = w->index.n++; // insertion by time
    for (; at > first && when(u, w->item[at - 1]) > when(u, i); at--)
      w->item[at] = w->item[at - 1];
    w->item[at] = i;
  }
  for (int64_t k = first; k < w->index.n; k++) {
    w->user[k] = u;
    w->time[k] = when(u, w->item[k]);
    w->value[k] = (float)(1 + (u * 7 + w->item[k] * 3) % 5);
    w->fold[k] = (uint8_t)((u + w->item[k]) % 4 == 0 ? 2 : (u + w->item[k]) % 4 == 1 ? 0 : 1);
  }
  w->user_first[u + 1] = w->index.n;
}

static inline void list_item(world *w, int i) {
  int64_t n = w->item_first[i];
  for (int64_t k = 0; k < w->index.n; k++) {
    if (w->item[k] != i)
      continue;
    int64_t at = n++;
    for (; at > w->item_first[i] && w->time[w->item_rating[at - 1]] > w->time[k]; at--)
      w->item_rating[at] = w->item_rating[at - 1];
    w->item_rating[at] = (int32_t)k;
  }
  w->item_first[i + 1] = n;
}

static inline void describe(world *w) {
  static const char *const names[] = {"age", "job", "genre"};
  static const char *const values[] = {"a", "b", "c", "d"};
  static const char *const folds[] = {"f1"};
  for (int k = 0; k < USERS + ITEMS; k++) {
    snprintf(w->text[k], sizeof w->text[k], "%c%d", k < USERS ? 'u' : 'i', k);
    w->id[k] = w->text[k];
  }
  for (int u = 0; u < USERS; u++) {
    w->number[u] = (float)u;
    w->user_category[u] = u % 3;
    w->user_at[u + 1] = u + 1;
  }
  for (int i = 0; i < ITEMS; i++) {
    w->item_at[i + 1] = w->item_at[i];
    for (int c = 0; c < 4; c++)
      if (c == i % 4 || (i % 2 && c == (i + 1) % 4))
        w->item_category[w->item_at[i + 1]++] = c;
  }
  w->user_field[1] = 3;
  w->item_field[1] = 4;
  w->folds[0] = w->fold;
  w->index.users =
      (oikos_rating_side){USERS, w->id,     NULL,          1,      names,      w->number,
                          1,     names + 1, w->user_field, values, w->user_at, w->user_category};
  w->index.items = (oikos_rating_side){ITEMS,         w->id + USERS, NULL,       0,
                                       NULL,          NULL,          1,          names + 2,
                                       w->item_field, values,        w->item_at, w->item_category};
  w->index.n_splits = 1;
  w->index.split_name = folds;
  w->index.split = w->folds;
}

static inline world *make_world(void) {
  world *w = array(1, sizeof *w);
  for (int u = 0; u < USERS; u++)
    rate_user(w, u);
  w->index.value = w->value;
  w->index.time = w->time;
  w->index.user = w->user;
  w->index.item = w->item;
  w->index.user_first = w->user_first;
  w->index.item_first = w->item_first;
  for (int i = 0; i < ITEMS; i++)
    list_item(w, i);
  w->index.item_rating = w->item_rating;
  describe(w);
  w->data = (oikos_data){.ratings = &w->index};
  return w;
}

static const char base[] = "task: {source: ratings, file: world, split: fraction, self_row: false, "
                           "test_fraction: 0.25, support: 5, query: 4}\n"
                           "model: {layers: [embedding: 3, dense: 1]}\n";

static inline void set(oikos_config *c, const char *assignment) {
  oikos_error err;
  CHECK_OK(oikos_config_set(c, assignment, &err));
}

/* A source with these settings over the base ones, separated by semicolons. */
static inline rig make_rig(const char *settings) {
  rig g = {.w = make_world(), .config = array(1, sizeof *g.config)};
  oikos_error err;
  char text[512];
  oikos_config_defaults(g.config);
  CHECK_OK(oikos_config_parse(g.config, "base", base, sizeof base - 1, &err));
  snprintf(text, sizeof text, "%s", settings);
  for (char *s = strtok(text, ";"); s; s = strtok(NULL, ";"))
    set(g.config, s);
  CHECK_OK(oikos_config_check(g.config, &err));
  CHECK_OK(oikos_source_create(g.config, &g.w->data, &g.source, &err));
  CHECK_OK(oikos_episode_create(g.source, &g.episode, &err));
  return g;
}

static inline void release(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
  free(g->w);
}

/* The user and the item of example k. */
static inline void pair_of(const oikos_episode *e, size_t k, int *user, int *item) {
  int64_t other = e->embedding_rows.other[k];
  bool is_user = e->unit < USERS;
  *user = (int)(is_user ? e->unit : other);
  *item = (int)((is_user ? other : e->unit) - USERS);
  assert_true(*user >= 0 && *user < USERS && *item >= 0 && *item < ITEMS);
  assert_true(rated(*user, *item));
}

#endif
