/* SPDX-License-Identifier: MIT
 * Learners that are bound to a mode of the functions: the mode stays and the function is new in
 * each step; some move at a step; unseen episodes are as they are without; what the configuration
 * refuses. Those bound to a group of a table: test_table.c. */
#include "check.h"

#include "oikos/tasks.h"

typedef oikos_real real;

enum { LEARNERS = 10, MODES = 3, AT = 7 };

static const char modes[] = "modes: [linear, sinusoid, quadratic], support: 6, query: 6";

/* A source and room for an episode. */
typedef struct rig {
  oikos_config *config;
  oikos_source *source;
  oikos_episode episode;
} rig;

static oikos_config *configure(const char *task, const char *more) {
  oikos_config *c = malloc(sizeof *c);
  oikos_error err;
  char text[1024];
  assert_non_null(c);
  snprintf(text, sizeof text,
           "task: {%s, %s}\nlearners: {count: %d}\nmodel: {layers: [dense: 1]}\n%s", modes, task,
           LEARNERS, more);
  oikos_config_defaults(c);
  CHECK_OK(oikos_config_parse(c, "test", text, strlen(text), &err));
  return c;
}

static void set_up(rig *g, const char *task) {
  oikos_error err;
  g->config = configure(task, "");
  CHECK_OK(oikos_config_check(g->config, &err));
  CHECK_OK(oikos_source_create(g->config, NULL, &g->source, &err));
  CHECK_OK(oikos_episode_create(g->source, &g->episode, &err));
}

static void tear_down(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
}

/* Whether the points lie on a line. */
static bool is_line(const oikos_episode *e) {
  double slope = ((double)e->y[1] - (double)e->y[0]) / ((double)e->x[1] - (double)e->x[0]);
  for (size_t i = 2; i < 12; i++)
    if (fabs((double)e->y[0] + slope * ((double)e->x[i] - (double)e->x[0]) - (double)e->y[i]) >
        0.01)
      return false;
  return true;
}

/* Every learner in 2 * AT steps; `movers` of them change at AT. */
static void check_modes(rig *g, int64_t movers) {
  real last[LEARNERS][2] = {{0}};
  for (int64_t step = 0; step < 2 * AT; step++)
    for (int64_t i = 0; i < LEARNERS; i++) {
      bool moved = step >= AT && i < movers;
      int64_t mode = (i + moved) % MODES;
      oikos_source_draw(g->source, OIKOS_TRAIN, step, i, &g->episode);
      assert_int_equal(g->episode.group, mode);
      assert_int_equal(oikos_source_group_of(g->source, step, i), mode);
      assert_int_equal(oikos_source_moved(g->source, step, i), moved);
      assert_int_equal(is_line(&g->episode), mode == 0);
      assert_true(g->episode.x[0] != last[i][0] && g->episode.y[0] != last[i][1]);
      last[i][0] = g->episode.x[0];
      last[i][1] = g->episode.y[0];
    }
}

static void test_stays(void **state) {
  (void)state;
  rig g;
  set_up(&g, "learners: groups");
  check_modes(&g, 0);
  tear_down(&g);
}

/* 0.25 of 10 learners, rounded, are 3. */
static void test_moves(void **state) {
  (void)state;
  rig g;
  set_up(&g, "learners: groups, move_at: 7, move_share: 0.25");
  check_modes(&g, 3);
  tear_down(&g);
  set_up(&g, "learners: groups, move_at: 7, move_share: 1");
  check_modes(&g, LEARNERS);
  tear_down(&g);
}

/* Unseen episodes come from any mode, as where learners are free, and nobody knows their group. */
static void test_unseen(void **state) {
  (void)state;
  rig bound, plain;
  int seen[MODES] = {0};
  set_up(&bound, "learners: groups, move_at: 1, move_share: 1");
  set_up(&plain, "learners: free");
  for (int64_t e = 0; e < 60; e++) {
    oikos_source_draw(bound.source, OIKOS_TEST, 0, e, &bound.episode);
    oikos_source_draw(plain.source, OIKOS_TEST, 0, e, &plain.episode);
    assert_int_equal(bound.episode.group, plain.episode.group);
    assert_memory_equal(bound.episode.y, plain.episode.y, 12 * sizeof(real));
    seen[bound.episode.group] += e % MODES == 0;
  }
  for (int m = 0; m < MODES; m++)
    assert_true(seen[m] > 0);
  assert_int_equal(oikos_source_group_of(plain.source, 5, 1), -1);
  assert_false(oikos_source_moved(plain.source, 5, 0));
  tear_down(&bound);
  tear_down(&plain);
}

static void refuses(const char *task, const char *more, const char *words) {
  oikos_config *c = configure(task, more);
  oikos_error err;
  assert_int_equal(oikos_config_check(c, &err), OIKOS_USAGE);
  if (!strstr(err.message, words))
    fail_msg("expected \"%s\" in: %s", words, err.message);
  free(c);
}

static void test_refuses(void **state) {
  (void)state;
  refuses("move_at: 5", "", "task.move_at is 5, but with task.learners free");
  refuses("learners: groups, source: images, file: x.h5", "",
          "only functions or table or ratings know groups");
  refuses("noise: 0", "home: {count: 3, owns: all, rule: weighted, revive: 9}",
          "home.revive is 9, but with home.rule weighted");
  refuses("noise: 0",
          "home: {count: 3, owns: all, revive: 9}\nprivacy: {noise: 1}\naggregation: {rule: clip}",
          "with privacy.noise set it to 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stays),
      cmocka_unit_test(test_moves),
      cmocka_unit_test(test_unseen),
      cmocka_unit_test(test_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
