/* SPDX-License-Identifier: MIT
 * task.residual against plain arithmetic: the biases, what they leave of every rating, what an
 * example holds of them, and that adding them again gives the rating. */
#include "rated_world.h"

enum { DAMPING = 5, SWEEPS = 20 };

/* The damped biases of the ratings that train, in dense tables. */
typedef struct truth {
  bool train[USERS][ITEMS];
  double n, mean, deviation, user[USERS], item[ITEMS];
} truth;

static double rating(int u, int i) {
  return 1 + (u * 7 + i * 3) % 5;
}

/* One sweep over a side, with loops over all pairs. */
static void sweep(truth *t, bool items) {
  for (int a = 0; a < (items ? ITEMS : USERS); a++) {
    double sum = 0, n = 0;
    for (int b = 0; b < (items ? USERS : ITEMS); b++) {
      int u = items ? b : a, i = items ? a : b;
      if (!t->train[u][i])
        continue;
      sum += rating(u, i) - t->mean - (items ? t->user[u] : t->item[i]);
      n++;
    }
    *(items ? &t->item[a] : &t->user[a]) = sum / (n + DAMPING);
  }
}

static truth make_truth(const rig *g, bool fold) {
  const oikos_ratings *r = oikos_source_ratings_of(g->source);
  truth t = {0};
  double squares = 0;
  for (int64_t k = 0; k < g->w->index.n; k++) {
    int u = g->w->user[k], i = g->w->item[k];
    t.train[u][i] = fold ? g->w->fold[k] == 1
                         : oikos_ratings_knows(r, OIKOS_SIDE_USER, u) &&
                               oikos_ratings_knows(r, OIKOS_SIDE_ITEM, i);
    t.n += t.train[u][i];
    t.mean += t.train[u][i] ? rating(u, i) : 0;
    squares += t.train[u][i] ? rating(u, i) * rating(u, i) : 0;
  }
  t.mean /= t.n;
  t.deviation = sqrt(squares / t.n - t.mean * t.mean);
  for (int k = 0; k < SWEEPS; k++) {
    sweep(&t, true);
    sweep(&t, false);
  }
  return t;
}

/* Every number of an episode that biases have a part in. */
static void check_residuals(const rig *g, const truth *t, bool is_user) {
  const oikos_ratings *r = oikos_source_ratings_of(g->source);
  const oikos_episode *e = &g->episode;
  size_t in = (size_t)oikos_source_shape(g->source).input.channels;
  double sum = 0;
  int u, i;
  for (size_t k = 0; k < e->support.n; k++) {
    pair_of(e, k, &u, &i);
    sum += rating(u, i) - t->mean - (is_user ? t->item[i] : t->user[u]);
  }
  double own = sum / ((double)e->support.n + DAMPING);
  check_near(e->self_bias, own, 1e-9, 1e-9, 0, "own bias");
  for (size_t k = 0; k < e->support.n + e->query.n; k++) {
    pair_of(e, k, &u, &i);
    const real *x = e->x + k * in;
    real again[64] = {0};
    double other = is_user ? t->item[i] : t->user[u], left = rating(u, i) - t->mean - own - other;
    check_near(e->baseline[k], own + other, 1e-9, 1e-9, k, "baseline");
    check_near((double)e->y[k], left / t->deviation, 1e-5, 1e-6, k, "target");
    check_near((double)x[in - 2], 2 * own / t->deviation, 1e-5, 1e-6, k, "own bias");
    check_near((double)x[in - 1], 2 * other / t->deviation, 1e-5, 1e-6, k, "other's bias");
    assert_true(oikos_ratings_truth(r, e, k) == rating(u, i)); // the very rating, not nearly
    check_near(oikos_ratings_expected(r, e->y + k) + e->baseline[k], rating(u, i), 1e-6, 0, k,
               "added again");
    assert_true(oikos_ratings_baseline(r, is_user ? OIKOS_SIDE_USER : OIKOS_SIDE_ITEM,
                                       is_user ? i : u, e->self_bias, again) == e->baseline[k]);
    assert_true(again[in - 2] == x[in - 2] && again[in - 1] == x[in - 1]);
  }
}

static void check_source(const char *settings, bool fold) {
  rig g = make_rig(settings);
  truth t = make_truth(&g, fold);
  int seen[2] = {0};
  for (int64_t learner = 0; learner < 300; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 4, learner, &g.episode);
    check_residuals(&g, &t, g.episode.unit < USERS);
    seen[g.episode.unit < USERS]++;
  }
  assert_true(seen[0] > 100 && seen[1] > 100);
  for (int64_t e = 0; e < oikos_source_episodes(g.source, OIKOS_TEST); e++) {
    oikos_source_draw(g.source, OIKOS_TEST, 0, e, &g.episode);
    check_residuals(&g, &t, g.episode.unit < USERS);
  }
  release(&g);
}

static void test_residuals(void **state) {
  (void)state;
  check_source("task.residual=true", false);
  check_source("task.residual=true;task.support_least=1;task.order=time;eval.support=3", false);
  check_source("task.residual=true;task.split=file;task.fold=f1;task.self_row=true", true);
  check_source("task.residual=true;task.content=false;model.layers=[{dense: 1}]", false);
}

/* Somebody new: the own bias is of the last ratings, those that are support. */
static void test_somebody_new(void **state) {
  rig g = make_rig("task.residual=true;eval.support=2");
  truth t = make_truth(&g, false);
  const int64_t other[] = {3, 8, 1};
  const float value[] = {5, 1, 3};
  (void)state;
  oikos_ratings_episode(g.source, OIKOS_SIDE_USER, -1, 3, other, value, &g.episode);
  double own = (1 + 3 - 2 * t.mean - t.item[8] - t.item[1]) / (2 + DAMPING);
  assert_int_equal(g.episode.support.n, 2);
  check_near(g.episode.self_bias, own, 1e-9, 1e-9, 0, "own bias");
  check_near(g.episode.baseline[0], own + t.item[8], 1e-9, 1e-9, 0, "baseline");
  check_near((double)g.episode.y[1], (3 - t.mean - own - t.item[1]) / t.deviation, 1e-5, 1e-6, 1,
             "target");
  oikos_ratings_episode(g.source, OIKOS_SIDE_USER, -1, 0, other, value, &g.episode);
  assert_true(g.episode.self_bias == 0);
  release(&g);
}

/* Without the key an example has no place for biases, and an episode no baseline. */
static void test_off(void **state) {
  rig off = make_rig(""), on = make_rig("task.residual=true");
  (void)state;
  assert_int_equal(oikos_source_shape(on.source).input.channels,
                   oikos_source_shape(off.source).input.channels + 2);
  assert_false(oikos_source_shape(off.source).residual);
  oikos_source_draw(off.source, OIKOS_TRAIN, 0, 0, &off.episode);
  assert_null(off.episode.baseline);
  assert_true(off.episode.self_bias == 0);
  assert_true(oikos_ratings_baseline(oikos_source_ratings_of(off.source), 0, 0, 1, NULL) == 0);
  release(&off);
  release(&on);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_residuals),
      cmocka_unit_test(test_somebody_new),
      cmocka_unit_test(test_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
