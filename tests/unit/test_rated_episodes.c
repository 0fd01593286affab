/* SPDX-License-Identifier: MIT
 * Episodes of ratings: whose they are, that no judged rating is ever learned from, and what an
 * example holds. */
#include "rated_world.h"

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
    double value = oikos_ratings_truth(oikos_source_ratings_of(g->source), e, k);
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
  rig g = make_rig("task.split=file;task.fold=f1;task.self_row=true;eval.support=100");
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

/* The parts of an unseen episode have its support each, and its queries one after the other. */
static void check_parts(const char *settings, size_t judged) {
  rig g = make_rig(settings), parts = make_rig(settings);
  g.source->shape.query_part = MOST; // make_rig's episode has room for all that anybody has here
  oikos_episode_destroy(&g.episode);
  oikos_error err;
  CHECK_OK(oikos_episode_create(g.source, &g.episode, &err));
  parts.source->shape.query_part = judged;
  size_t inputs = (size_t)oikos_source_shape(g.source).input.channels;
  for (int64_t e = 0; e < oikos_source_episodes(g.source, OIKOS_TEST); e++) {
    const oikos_episode *a = &g.episode, *b = &parts.episode;
    size_t at = 0;
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    assert_int_equal(oikos_source_queries(g.source, OIKOS_TEST, e), a->query.n);
    for (int64_t part = 0; part == 0 || b->query.n == judged; part++, at += b->query.n) {
      oikos_source_draw_part(parts.source, OIKOS_TEST, e, part, &parts.episode);
      assert_true(b->unit == a->unit && b->support.n == a->support.n);
      assert_memory_equal(b->x, a->x, a->support.n * inputs * sizeof(real));
      assert_memory_equal(b->y, a->y, a->support.n * sizeof(real));
      assert_true(b->query.n <= judged && at + b->query.n <= a->query.n);
      assert_memory_equal(b->query.x, a->query.x + at * inputs, b->query.n * inputs * sizeof(real));
      assert_memory_equal(b->query.y, a->query.y + at, b->query.n * sizeof(real));
      assert_memory_equal(b->embedding_rows.other + b->support.n,
                          a->embedding_rows.other + a->support.n + at,
                          b->query.n * sizeof *a->embedding_rows.other);
    }
    assert_int_equal(at, a->query.n);
  }
  release(&g);
  release(&parts);
}

static void test_parts(void **state) {
  static const char *const settings[] = {"", "task.split=file;task.fold=f1", "task.split=last",
                                         "task.residual=true;task.order=time", "eval.query=3"};
  (void)state;
  for (size_t s = 0; s < sizeof settings / sizeof *settings; s++)
    for (size_t judged = 1; judged <= 4; judged++) // task.query is 4, and so is the room
      check_parts(settings[s], judged);
}

/* Training has sets of its own size, whoever is popular in the test. */
static void test_room(void **state) {
  rig g = make_rig("task.query=2;task.support=3;eval.support=3");
  oikos_task_shape shape = oikos_source_shape(g.source);
  (void)state;
  assert_int_equal(shape.support, 3);
  assert_int_equal(shape.query, 2);
  assert_true(shape.query_part > 4);
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
  rig g = make_rig("task.split=file;task.fold=f1;task.self_row=true");
  oikos_episode *e = &g.episode;
  enum { INPUTS = 2 * WIDTH + 1 + 3 + 4 + 1 };
  real row[(USERS + ITEMS) * WIDTH];
  int32_t place[MOST];
  (void)state;
  assert_int_equal(oikos_source_shape(g.source).input.channels, INPUTS);
  assert_int_equal(oikos_source_shape(g.source).embedding_rows, USERS + ITEMS);
  for (int k = 0; k < (USERS + ITEMS) * WIDTH; k++)
    row[k] = (real)(100 + k);
  for (int64_t learner = 0; learner < 50; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 2, learner, e);
    size_t n = e->support.n + e->query.n;
    for (size_t k = 0; k < n; k++)
      place[k] = (int32_t)e->embedding_rows.other[k];
    for (size_t k = 0; k < n * INPUTS; k++)
      assert_true(k % INPUTS >= 2 * WIDTH || e->x[k] == 0);
    assert_int_equal(e->embedding_rows.self, e->unit);
    oikos_episode_place(g.source, e, row, (int32_t)e->embedding_rows.self, place);
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
static void test_self_gradient(void **state) {
  rig g = make_rig("task.split=file;task.fold=f1;task.self_row=true;task.content=false");
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
    oikos_episode_self_gradient(g.source, &g.episode, dx, own);
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

/* Every rating that the test judges is another one: what each is judged against changes, and
 * nothing that it is expected by. */
static void check_baselines(const char *settings) {
  rig g = make_rig(settings), other = make_rig(settings);
  oikos_error err;
  uint8_t mark[MOST], judged[MOST] = {0};
  size_t in = (size_t)oikos_source_shape(g.source).input.channels;
  int64_t n = oikos_source_episodes(g.source, OIKOS_TEST);
  for (int64_t e = 0; e < n; e++) {
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    check_episode(&g, mark);
    for (int k = 0; k < MOST; k++)
      judged[k] |= mark[k] == 2;
  }
  for (int64_t k = 0; k < other.w->index.n; k++)
    if (judged[other.w->user[k] * ITEMS + other.w->item[k]])
      other.w->value[k] = (float)(1 + (int)other.w->value[k] % 5);
  oikos_source_destroy(other.source);
  CHECK_OK(oikos_source_create(other.config, &other.w->data, &other.source, &err));
  for (int64_t e = 0; e < n; e++) {
    const oikos_episode *a = &g.episode, *b = &other.episode;
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    oikos_source_draw(other.source, OIKOS_TEST, 0, e, &other.episode);
    size_t all = a->support.n + a->query.n;
    assert_true(a->self_bias == b->self_bias);
    assert_memory_equal(a->baseline, b->baseline, all * sizeof *a->baseline);
    assert_memory_equal(a->x, b->x, all * in * sizeof *a->x);
    for (size_t k = 0; k < all; k++)
      assert_true((a->y[k] == b->y[k]) == (k < a->support.n));
  }
  release(&g);
  release(&other);
}

static void test_no_leak_into_the_baseline(void **state) {
  (void)state;
  check_baselines("task.residual=true");
  check_baselines("task.residual=true;task.split=file;task.fold=f1;task.self_row=true");
  check_baselines("task.residual=true;task.split=last;task.self_row=true;task.content=false");
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
    assert_int_equal(g.episode.embedding_rows.other[k], USERS + other[k]);
    for (size_t j = 0; j < 2 * WIDTH + 4; j++)
      assert_true(g.episode.x[k * (2 * WIDTH + 9) + j] == 0);
  }
  assert_int_equal(g.episode.embedding_rows.self, -1);
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
  refuse("task.self_row=true", "task.self_row");
  refuse("task.residual=true;model.loss=cross_entropy;model.layers=[{embedding: 3},{dense: 5}]",
         "task.residual is true");
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
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_room),
      cmocka_unit_test(test_smaller_support_is_nested),
      cmocka_unit_test(test_time_order),
      cmocka_unit_test(test_example),
      cmocka_unit_test(test_self_gradient),
      cmocka_unit_test(test_expected),
      cmocka_unit_test(test_no_leak_into_the_baseline),
      cmocka_unit_test(test_new_learner),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
