/* SPDX-License-Identifier: MIT
 * Episodes of a table. A feature is the row's number, so that every drawn example tells where it
 * came from: groups, no row twice, no group in two parts, and scaling by the training groups alone.
 */
#include "check.h"

#include <stdbool.h>

#include "oikos/tasks.h"
#include "tasks/table_index.h"

typedef oikos_real real;

enum { GROUPS = 12, ROWS = 12 * 8 + 66, FEATURES = 3, TARGETS = 2 };

/* Group g has 8 + g rows. Features: the row's number, a constant, what is constant but in the last
 * row; targets: functions of the row. */
typedef struct world {
  int64_t first[GROUPS + 1];
  char text[GROUPS][8];
  const char *name[GROUPS];
  float features[ROWS * FEATURES], targets[ROWS * TARGETS];
  oikos_table_index index;
  oikos_data data;
} world;

typedef struct rig {
  oikos_config *config;
  oikos_source *source;
  oikos_episode episode;
} rig;

static world *make_world(void) {
  static const char *const feature_names[] = {"row", "constant", "late"};
  static const char *const target_names[] = {"up", "square"};
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  for (int g = 0; g < GROUPS; g++) {
    w->first[g + 1] = w->first[g] + 8 + g;
    snprintf(w->text[g], sizeof w->text[g], "g%d", g);
    w->name[g] = w->text[g];
  }
  assert_int_equal(w->first[GROUPS], ROWS);
  for (int r = 0; r < ROWS; r++) {
    w->features[r * FEATURES] = (float)r;
    w->features[r * FEATURES + 1] = 0.1f;
    w->features[r * FEATURES + 2] = r == ROWS - 1 ? 1 : 0;
    w->targets[r * TARGETS] = 3 * (float)r + 7;
    w->targets[r * TARGETS + 1] = (float)(r * r);
  }
  w->index = (oikos_table_index){.n_rows = ROWS,
                                 .n_features = FEATURES,
                                 .n_targets = TARGETS,
                                 .n_groups = GROUPS,
                                 .group_first = w->first,
                                 .group_name = w->name,
                                 .feature_name = feature_names,
                                 .target_name = target_names};
  w->data = (oikos_data){.table = &w->index, .features = w->features, .targets = w->targets};
  return w;
}

static oikos_status create(rig *g, const world *w, const char *task, oikos_error *err) {
  char text[512];
  snprintf(text, sizeof text, "task: {source: table, file: test.h5, split: fraction, %s}", task);
  *g = (rig){.config = malloc(sizeof *g->config)};
  assert_non_null(g->config);
  oikos_config_defaults(g->config);
  oikos_status status = oikos_config_parse(g->config, "test", text, strlen(text), err);
  return status == OIKOS_OK ? oikos_source_create(g->config, &w->data, &g->source, err) : status;
}

static void set_up(rig *g, const world *w, const char *task) {
  oikos_error err;
  CHECK_OK(create(g, w, task, &err));
  CHECK_OK(oikos_episode_create(g->source, &g->episode, &err));
}

static void tear_down(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
}

/* Mean and deviation of a column over the rows of the groups that are marked: brute force. */
static void scale_of(const world *w, const float *numbers, int columns, int column, unsigned groups,
                     double *mean, double *deviation) {
  double n = 0, sum = 0, squares = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int g = 0; g < GROUPS; g++)
      for (int64_t r = w->first[g]; groups >> g & 1 && r < w->first[g + 1]; r++) {
        double x = (double)numbers[r * columns + column];
        n += !pass;
        sum += pass ? 0 : x;
        squares += pass ? (x - sum / n) * (x - sum / n) : 0;
      }
  *mean = sum / n;
  *deviation = sqrt(squares / n);
}

/* The row that an example is, by its first feature. */
static int row_of(double x, double mean, double deviation) {
  double row = x * deviation + mean;
  assert_true(fabs(row - round(row)) < 1e-2);
  return (int)lround(row);
}

/* Draw an episode and check it; returns its group. */
static int check_episode(const world *w, rig *g, oikos_split split, int64_t step, int64_t learner,
                         unsigned train) {
  bool seen[ROWS] = {false};
  double mean[1 + TARGETS], deviation[1 + TARGETS];
  scale_of(w, w->features, FEATURES, 0, train, &mean[0], &deviation[0]);
  for (int j = 0; j < TARGETS; j++)
    scale_of(w, w->targets, TARGETS, j, train, &mean[1 + j], &deviation[1 + j]);
  oikos_source_draw(g->source, split, step, learner, &g->episode);
  const oikos_episode *e = &g->episode;
  int64_t unit = e->unit;
  assert_true(unit >= 0 && unit < GROUPS);
  for (size_t k = 0; k < e->support.n + e->query.n; k++) {
    int row = row_of((double)e->x[k * FEATURES], mean[0], deviation[0]);
    assert_true(row >= w->first[unit] && row < w->first[unit + 1]); // all of one group
    assert_false(seen[row]); // never in support and query, never twice
    seen[row] = true;
    assert_true(e->x[k * FEATURES + 1] == 0); // constant
    for (int j = 0; j < TARGETS; j++)
      check_near((double)e->y[k * TARGETS + (size_t)j],
                 ((double)w->targets[row * TARGETS + j] - mean[1 + j]) / deviation[1 + j], 1e-5,
                 1e-5, k, "target");
  }
  return (int)unit;
}

/* The groups of a split: the unseen ones come in turn. `train` is not known yet, so by unit alone.
 */
static unsigned groups_of(rig *g, oikos_split split) {
  unsigned groups = 0;
  for (int64_t learner = 0; learner < 400; learner++) {
    oikos_source_draw(g->source, split, 0, learner, &g->episode);
    groups |= 1u << g->episode.unit;
  }
  return groups;
}

static const char plain[] = "support: 3, query: 5, validation_fraction: 0.25, test_fraction: 0.25";

static void test_episodes(void **state) {
  (void)state;
  world *w = make_world();
  rig g;
  set_up(&g, w, plain);
  oikos_task_shape s = oikos_source_shape(g.source);
  assert_true(s.support == 3 && s.query == 5 && s.outputs == TARGETS && s.n_groups == 0);
  assert_true(s.input.height == 1 && s.input.width == 1 && s.input.channels == FEATURES);
  unsigned part[3];
  for (int k = 0; k < 3; k++)
    part[k] = groups_of(&g, (oikos_split)k);
  assert_int_equal(__builtin_popcount(part[OIKOS_TRAIN]), 6);
  assert_int_equal(__builtin_popcount(part[OIKOS_VALIDATION]), 3);
  assert_int_equal(__builtin_popcount(part[OIKOS_TEST]), 3);
  assert_int_equal(part[0] | part[1] | part[2], (1 << GROUPS) - 1); // so no group is in two parts
  int count[GROUPS] = {0};
  for (int64_t e = 0; e < 300; e++) {
    assert_true(part[0] >> check_episode(w, &g, OIKOS_TRAIN, e, e % 7, part[0]) & 1);
    count[check_episode(w, &g, OIKOS_TEST, 0, e, part[0])]++;
  }
  for (int k = 0; k < GROUPS; k++)
    assert_int_equal(count[k], part[OIKOS_TEST] >> k & 1 ? 100 : 0);
  double mean, deviation;
  for (int j = 0; j < TARGETS; j++) {
    scale_of(w, w->targets, TARGETS, j, part[0], &mean, &deviation);
    check_near(oikos_source_target(g.source, j).unit, deviation, 1e-12, 0, (size_t)j, "unit");
    assert_string_equal(oikos_source_target(g.source, j).name, w->index.target_name[j]);
  }
  assert_null(oikos_source_target(g.source, TARGETS).name);
  tear_down(&g);
  free(w);
}

/* What is not of the training groups does not enter: other numbers there leave the episodes as they
 * were. A feature that is constant in training is 0 elsewhere too. */
static void test_scale_is_of_training(void **state) {
  (void)state;
  world *w = make_world();
  rig g, h;
  set_up(&g, w, plain);
  unsigned train = groups_of(&g, OIKOS_TRAIN);
  world *other = make_world();
  for (int k = 0; k < GROUPS; k++)
    for (int64_t r = w->first[k]; !(train >> k & 1) && r < w->first[k + 1]; r++)
      for (int c = 0; c < FEATURES; c++)
        other->features[r * FEATURES + c] = (float)(1000 * r + c);
  set_up(&h, other, plain);
  size_t n = (g.episode.support.n + g.episode.query.n) * FEATURES;
  for (int64_t learner = 0; learner < 50; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 0, learner, &g.episode);
    oikos_source_draw(h.source, OIKOS_TRAIN, 0, learner, &h.episode);
    assert_memory_equal(g.episode.x, h.episode.x, n * sizeof(real));
    oikos_source_draw(h.source, OIKOS_TEST, 0, learner, &h.episode);
    for (size_t k = 1; k < n; k += FEATURES)
      assert_true(h.episode.x[k] == 0);
  }
  tear_down(&g);
  tear_down(&h);
  free(w);
  free(other);
}

static void test_bound_learners(void **state) {
  (void)state;
  world *w = make_world();
  rig g;
  char text[256];
  snprintf(text, sizeof text, "%s, learners: groups", plain);
  set_up(&g, w, text);
  unsigned train = groups_of(&g, OIKOS_TRAIN), seen = 0;
  for (int64_t learner = 0; learner < 20; learner++) {
    int group = check_episode(w, &g, OIKOS_TRAIN, 0, learner, train);
    for (int64_t step = 1; step < 5; step++)
      assert_int_equal(check_episode(w, &g, OIKOS_TRAIN, step, learner, train), group);
    assert_int_equal(check_episode(w, &g, OIKOS_TRAIN, 9, learner + 6, train), group);
    seen |= learner < 6 ? 1u << group : 0;
  }
  assert_int_equal(seen, train);
  tear_down(&g);
  free(w);
}

static int unit_of(rig *g, int64_t step, int64_t learner) {
  oikos_source_draw(g->source, OIKOS_TRAIN, step, learner, &g->episode);
  return (int)g->episode.unit;
}

/* From step 3 on, 4 of the 25 learners draw from the group of the next one. */
static void test_moving_learners(void **state) {
  (void)state;
  world *w = make_world();
  rig g;
  char text[256];
  snprintf(text, sizeof text, "%s, learners: groups, move_at: 3, move_share: 0.16", plain);
  set_up(&g, w, text);
  unsigned train = 0;
  for (int64_t learner = 4; learner < 10; learner++)
    train |= 1u << unit_of(&g, 0, learner);
  for (int64_t learner = 0; learner < 8; learner++) {
    int own = unit_of(&g, 2, learner), next = unit_of(&g, 2, learner + 1);
    assert_int_not_equal(own, next);
    assert_int_equal(check_episode(w, &g, OIKOS_TRAIN, 3, learner, train),
                     learner < 4 ? next : own);
  }
  tear_down(&g);
  free(w);
}

/* Groups have 8 to 19 rows: with 10 to learn on, the first three are left out, and those of less
 * than 15 are judged on what they have. */
static void test_small_groups(void **state) {
  (void)state;
  world *w = make_world();
  rig g;
  set_up(&g, w, "support: 10, query: 5, test_fraction: 0.5");
  assert_string_equal(oikos_source_note(g.source),
                      "3 of 12 groups are left out: they have no more than task.support 10 rows; 4 "
                      "groups are judged on fewer than task.query 5 rows, as they have no more");
  unsigned train = groups_of(&g, OIKOS_TRAIN), test = groups_of(&g, OIKOS_TEST);
  assert_int_equal(train | test, (1 << GROUPS) - 8);
  assert_int_equal(train & test, 0);
  for (int64_t learner = 0; learner < 200; learner++) {
    oikos_split split = learner % 2 ? OIKOS_TRAIN : OIKOS_TEST;
    int group = check_episode(w, &g, split, 0, learner, train);
    assert_int_equal(g.episode.support.n, 10);
    assert_int_equal(g.episode.query.n, group < 7 ? group - 2 : 5);
  }
  tear_down(&g);
  set_up(&g, w, plain);
  assert_string_equal(oikos_source_note(g.source), "");
  tear_down(&g);
  free(w);
}

static void test_refuses(void **state) {
  (void)state;
  world *w = make_world();
  oikos_error err;
  rig g;
  assert_int_equal(create(&g, w, "support: 19, query: 4", &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "no training group has more than task.support 19 rows"));
  oikos_source_destroy(g.source);
  free(g.config);
  set_up(&g, w, "support: 3, query: 5, test_fraction: 0");
  assert_int_equal(oikos_source_has(g.source, OIKOS_TEST, &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "the test split has no group"));
  CHECK_OK(oikos_source_has(g.source, OIKOS_TRAIN, &err));
  tear_down(&g);
  free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_episodes),       cmocka_unit_test(test_scale_is_of_training),
      cmocka_unit_test(test_bound_learners), cmocka_unit_test(test_moving_learners),
      cmocka_unit_test(test_small_groups),   cmocka_unit_test(test_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
