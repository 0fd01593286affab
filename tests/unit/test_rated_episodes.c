/* SPDX-License-Identifier: MIT
 * Episodes of ratings: whose they are, that no judged rating is ever learned from, and what an
 * example holds. */
#include "check.h"

#include <stdbool.h>

#include "tasks/ratings.h"

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

static int64_t when(int u, int i) {
  return (u * 37 + i * 53) % 101;
}

static bool rated(int u, int i) {
  return (u + 2 * i) % 3 != 0;
}

static void rate_user(world *w, int u) {
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

static void list_item(world *w, int i) {
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

static void describe(world *w) {
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

static world *make_world(void) {
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

static const char base[] = "task: {source: ratings, file: world, split: fraction, own_row: false, "
                           "test_fraction: 0.25, support: 5, query: 4}\n"
                           "model: {layers: [embedding: 3, dense: 1]}\n";

static void set(oikos_config *c, const char *assignment) {
  oikos_error err;
  CHECK_OK(oikos_config_set(c, assignment, &err));
}

/* A source with these settings over the base ones, separated by semicolons. */
static rig make_rig(const char *settings) {
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

static void release(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
  free(g->w);
}

/* The user and the item of example k. */
static void pair_of(const oikos_episode *e, size_t k, int *user, int *item) {
  int64_t other = e->rows.other[k];
  bool is_user = e->unit < USERS;
  *user = (int)(is_user ? e->unit : other);
  *item = (int)((is_user ? other : e->unit) - USERS);
  assert_true(*user >= 0 && *user < USERS && *item >= 0 && *item < ITEMS);
  assert_true(rated(*user, *item));
}

/* No example twice, targets that are the ratings, and the right side. Returns the set of examples
 * (user * ITEMS + item) as marks: 1 support, 2 query. */
static void check_episode(const rig *g, uint8_t *mark) {
  const oikos_episode *e = &g->episode;
  memset(mark, 0, MOST);
  assert_true(e->query.n > 0);
  for (size_t k = 0; k < e->support.n + e->query.n; k++) {
    int u, i;
    pair_of(e, k, &u, &i);
    assert_int_equal(mark[u * ITEMS + i], 0);
    mark[u * ITEMS + i] = k < e->support.n ? 1 : 2;
    double value = oikos_ratings_value(oikos_source_ratings_of(g->source), e->y[k]);
    check_near(value, 1 + (u * 7 + i * 3) % 5, 1e-6, 0, k, "rating");
  }
  assert_ptr_equal(e->query.y, e->y + e->support.n);
}

static void find_trained(const rig *g, bool *users, bool *items) {
  const oikos_ratings *r = oikos_source_ratings_of(g->source);
  for (int u = 0; u < USERS; u++)
    users[u] = oikos_ratings_knows(r, OIKOS_SIDE_USER, u);
  for (int i = 0; i < ITEMS; i++)
    items[i] = oikos_ratings_knows(r, OIKOS_SIDE_ITEM, i);
}

/* With unseen users and items: training never sees one, and a test never judges what was seen. */
static void test_no_leak_of_the_unseen(void **state) {
  rig g = make_rig("");
  uint8_t mark[MOST];
  bool users[USERS], items[ITEMS], learned[MOST] = {0};
  int seen[2] = {0}, known = 0;
  (void)state;
  find_trained(&g, users, items);
  for (int u = 0; u < USERS; u++)
    known += users[u];
  assert_int_equal(known, 15);
  for (int64_t learner = 0; learner < 2000; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 7, learner, &g.episode);
    check_episode(&g, mark);
    seen[g.episode.group]++;
    for (int k = 0; k < MOST; k++) {
      assert_true(!mark[k] || (users[k / ITEMS] && items[k % ITEMS]));
      learned[k] |= mark[k] > 0;
    }
  }
  assert_true(seen[0] > 850 && seen[1] > 850);
  int64_t n = oikos_source_episodes(g.source, OIKOS_TEST);
  assert_int_equal(n, 5 + 6);
  for (int64_t e = 0; e < n; e++) {
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    check_episode(&g, mark);
    bool is_user = g.episode.unit < USERS;
    assert_int_equal(is_user, e < 5);
    assert_false(is_user ? users[g.episode.unit] : items[g.episode.unit - USERS]);
    for (int k = 0; k < MOST; k++)
      assert_true(!mark[k] || (!learned[k] && (is_user ? items[k % ITEMS] : users[k / ITEMS])));
  }
  release(&g);
}

/* With a publisher's split training and support are of its base part, and the test part is judged,
 * all of it, once for a user and once for an item. */
static void test_no_leak_of_a_fold(void **state) {
  rig g = make_rig("task.split=file;task.fold=f1;task.own_row=true;eval.support=100");
  uint8_t mark[MOST], part[MOST] = {0};
  int judged[MOST] = {0};
  (void)state;
  for (int64_t k = 0; k < g.w->index.n; k++)
    part[g.w->user[k] * ITEMS + g.w->item[k]] = g.w->fold[k];
  for (int64_t learner = 0; learner < 2000; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 3, learner, &g.episode);
    check_episode(&g, mark);
    for (int k = 0; k < MOST; k++)
      assert_true(!mark[k] || part[k] == 1);
  }
  for (int64_t e = 0; e < oikos_source_episodes(g.source, OIKOS_TEST); e++) {
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    check_episode(&g, mark);
    for (int k = 0; k < MOST; k++) {
      assert_true(!mark[k] || part[k] == mark[k]);
      judged[k] += mark[k] == 2;
    }
  }
  for (int k = 0; k < MOST; k++)
    assert_int_equal(judged[k], part[k] == 2 ? 2 : 0);
  release(&g);
}

/* Fewer support ratings are the first of more, and the same ones are judged. */
static void test_smaller_support_is_nested(void **state) {
  rig more = make_rig("eval.support=6;eval.query=3"),
      fewer = make_rig("eval.support=2;eval.query=3");
  uint8_t of_more[MOST], of_fewer[MOST];
  (void)state;
  for (int64_t e = 0; e < oikos_source_episodes(more.source, OIKOS_TEST); e++) {
    oikos_source_draw(more.source, OIKOS_TEST, 0, e, &more.episode);
    oikos_source_draw(fewer.source, OIKOS_TEST, 0, e, &fewer.episode);
    check_episode(&more, of_more);
    check_episode(&fewer, of_fewer);
    assert_int_equal(more.episode.support.n, 6);
    assert_int_equal(fewer.episode.support.n, 2);
    assert_int_equal(more.episode.query.n, 3);
    for (int k = 0; k < MOST; k++)
      assert_true(of_fewer[k] == 1 ? of_more[k] == 1 : (of_fewer[k] == 2) == (of_more[k] == 2));
  }
  release(&more);
  release(&fewer);
}

/* In the order of time every support rating is older than every query, in training and test. */
static void test_time_order(void **state) {
  rig g = make_rig("task.order=time;task.support_least=1");
  bool sizes[6] = {0};
  (void)state;
  for (int64_t learner = 0; learner < 400; learner++)
    for (int split = OIKOS_TRAIN; split <= OIKOS_TEST; split += OIKOS_TEST) {
      oikos_episode *e = &g.episode;
      oikos_source_draw(g.source, (oikos_split)split, split == OIKOS_TRAIN ? 5 : 0, learner, e);
      int64_t latest = -1;
      for (size_t k = 0; k < e->support.n + e->query.n; k++) {
        int u, i;
        pair_of(e, k, &u, &i);
        assert_true(k < e->support.n || when(u, i) >= latest);
        latest = k < e->support.n && when(u, i) > latest ? when(u, i) : latest;
      }
      if (split == OIKOS_TRAIN)
        sizes[e->support.n] = true;
    }
  for (int n = 1; n <= 5; n++)
    assert_true(sizes[n]); // each size was drawn
  assert_false(sizes[0]);
  release(&g);
}

/* The content of an example, and the rows once they are placed. */
static void test_example(void **state) {
  rig g = make_rig("task.split=file;task.fold=f1;task.own_row=true");
  oikos_episode *e = &g.episode;
  enum { INPUTS = 2 * WIDTH + 1 + 3 + 4 + 1 };
  real row[(USERS + ITEMS) * WIDTH];
  int32_t place[MOST];
  (void)state;
  assert_int_equal(oikos_source_shape(g.source).input.channels, INPUTS);
  assert_int_equal(oikos_source_shape(g.source).rows, USERS + ITEMS);
  for (int k = 0; k < (USERS + ITEMS) * WIDTH; k++)
    row[k] = (real)(100 + k);
  for (int64_t learner = 0; learner < 50; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 2, learner, e);
    size_t n = e->support.n + e->query.n;
    for (size_t k = 0; k < n; k++)
      place[k] = (int32_t)e->rows.other[k];
    for (size_t k = 0; k < n * INPUTS; k++)
      assert_true(k % INPUTS >= 2 * WIDTH || e->x[k] == 0);
    assert_int_equal(e->rows.own, e->unit);
    oikos_episode_place(g.source, e, row, (int32_t)e->rows.own, place);
    for (size_t k = 0; k < n; k++) {
      const real *x = e->x + k * INPUTS;
      int u, i;
      pair_of(e, k, &u, &i);
      for (int j = 0; j < WIDTH; j++) {
        assert_true(x[j] == row[u * WIDTH + j]);
        assert_true(x[WIDTH + j] == row[(USERS + i) * WIDTH + j]);
      }
      check_near((double)x[2 * WIDTH], (u - 9.5) / sqrt(33.25), 1e-6, 1e-7, k, "number");
      for (int c = 0; c < 3; c++)
        assert_true(x[2 * WIDTH + 1 + c] == (c == u % 3));
      for (int c = 0; c < 4; c++)
        assert_true(x[2 * WIDTH + 4 + c] == (c == i % 4 || (i % 2 && c == (i + 1) % 4)));
      assert_true(x[INPUTS - 1] == (e->unit < USERS ? 1 : -1));
    }
  }
  release(&g);
}

/* The derivative of the own row is the sum over the examples. */
static void test_own_gradient(void **state) {
  rig g = make_rig("task.split=file;task.fold=f1;task.own_row=true;task.content=false");
  real dx[2 * WIDTH * MOST], own[WIDTH];
  (void)state;
  for (int64_t learner = 0; learner < 20; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 2, learner, &g.episode);
    size_t n = g.episode.support.n + g.episode.query.n, at = g.episode.unit < USERS ? 0 : WIDTH;
    double sum[WIDTH] = {0};
    for (size_t k = 0; k < n * 2 * WIDTH; k++)
      dx[k] = (real)sin((double)k);
    for (size_t k = 0; k < n; k++)
      for (int j = 0; j < WIDTH; j++)
        sum[j] += (double)dx[k * 2 * WIDTH + at + (size_t)j];
    oikos_episode_own_gradient(g.source, &g.episode, dx, own);
    check_truth(WIDTH, own, sum, 1e-5, "own row");
  }
  release(&g);
}

/* What outputs mean as ratings. */
static void test_expected(void **state) {
  rig g = make_rig("model.loss=cross_entropy;model.layers=[{embedding: 3},{dense: 5}]");
  const oikos_ratings *r = oikos_source_ratings_of(g.source);
  const real outputs[5] = {0, (real)log(2), 0, (real)log(3), (real)log(3)};
  real y;
  (void)state;
  assert_int_equal(oikos_source_shape(g.source).outputs, 5);
  check_near(oikos_ratings_expected(r, outputs), (1 + 2 * 2 + 3 + 3 * 4 + 3 * 5) / 10.0, 1e-6, 0, 0,
             "expected");
  check_near(oikos_ratings_likeliest(r, outputs), 4, 0, 0, 0, "likeliest: the first of equals");
  assert_true(oikos_ratings_target(r, 3, &y) && y == 2);
  assert_false(oikos_ratings_target(r, 3.5, &y));
  release(&g);
  g = make_rig("");
  r = oikos_source_ratings_of(g.source);
  assert_true(oikos_ratings_target(r, 3.5, &y));
  check_near(oikos_ratings_expected(r, &y), 3.5, 1e-6, 0, 0, "expected");
  check_near(oikos_ratings_likeliest(r, &(real){100}), 5, 0, 0, 0, "nearest level");
  check_near(oikos_ratings_within(r, 7), 5, 0, 0, 0, "within");
  release(&g);
}

/* Somebody new: its ratings are support, its content is the mean. */
static void test_new_learner(void **state) {
  rig g = make_rig("");
  const int64_t other[] = {3, 8, 1};
  const float value[] = {5, 1, 3};
  (void)state;
  oikos_ratings_episode(g.source, OIKOS_SIDE_USER, -1, 3, other, value, &g.episode);
  assert_int_equal(g.episode.support.n, 3);
  assert_int_equal(g.episode.query.n, 0);
  for (size_t k = 0; k < 3; k++) {
    assert_int_equal(g.episode.rows.other[k], USERS + other[k]);
    for (size_t j = 0; j < 2 * WIDTH + 4; j++)
      assert_true(g.episode.x[k * (2 * WIDTH + 9) + j] == 0);
  }
  assert_int_equal(g.episode.rows.own, -1);
  release(&g);
}

static void refuse(const char *settings, const char *message) {
  rig g = {.w = make_world(), .config = array(1, sizeof *g.config)};
  oikos_error err;
  char text[512];
  oikos_config_defaults(g.config);
  CHECK_OK(oikos_config_parse(g.config, "base", base, sizeof base - 1, &err));
  snprintf(text, sizeof text, "%s", settings);
  for (char *s = strtok(text, ";"); s; s = strtok(NULL, ";"))
    set(g.config, s);
  oikos_status status = oikos_config_check(g.config, &err);
  if (status == OIKOS_OK)
    status = oikos_source_create(g.config, &g.w->data, &g.source, &err);
  assert_int_equal(status, OIKOS_USAGE);
  if (!strstr(err.message, message))
    fail_msg("\"%s\" lacks \"%s\"", err.message, message);
  free(g.config);
  free(g.w);
}

static void test_refusals(void **state) {
  (void)state;
  refuse("task.split=list", "task.split is list");
  refuse("task.split=file", "task.fold");
  refuse("task.fold=f1", "belong together");
  refuse("task.source=table;model.layers=[{dense: 1}];task.split=last", "task.split is last");
  refuse("task.split=file;task.fold=f9", "no split is called f9");
  refuse("task.split=file;task.fold=f9", "the file has: f1");
  refuse("task.own_row=true", "task.own_row");
  refuse("task.support_least=9", "task.support_least");
  refuse("model.loss=prototypes;inner.steps=0", "model.loss");
  refuse("task.content=false;model.layers=[{dense: 1}]", "no input");
  refuse("run.reduce=fast", "run.reduce");
  refuse("aggregation.rule=median", "aggregation.rule");
  refuse("home.count=2;home.owns=last;home.rule=weighted;home.score=encoder;home.encoder=[{dense: "
         "3}]",
         "home.score encoder");
  refuse("task.source=functions", "embedding");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_leak_of_the_unseen),
      cmocka_unit_test(test_no_leak_of_a_fold),
      cmocka_unit_test(test_smaller_support_is_nested),
      cmocka_unit_test(test_time_order),
      cmocka_unit_test(test_example),
      cmocka_unit_test(test_own_gradient),
      cmocka_unit_test(test_expected),
      cmocka_unit_test(test_new_learner),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
