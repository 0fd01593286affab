/* SPDX-License-Identifier: MIT
 * Episodes of images. Every drawn example is searched among all images in all four turns, made by a
 * naive rotation here; where it came from tells classes, labels, order and split. */
#include "check.h"

#include <unistd.h>

#include "base/random.h"
#include "oikos/tasks.h"
#include "tasks/image_index.h"

typedef oikos_real real;

enum {
  CLASSES = 12,
  SIDE = 4,
  CHANNELS = 2,
  IMAGE = SIDE * SIDE * CHANNELS,
  LEAST = 5,
  MOST_IMAGES = CLASSES * 8
};

/* Twelve classes of 5, 6 or 7 random images; the publisher's split gives 0 1 2 0 1 2 ... but class
 * 11 to training. */
typedef struct world {
  int64_t start[CLASSES + 1];
  const char *name[CLASSES];
  int32_t group[CLASSES];
  const char *group_name[1];
  uint8_t split[CLASSES], pixels[MOST_IMAGES * IMAGE];
  oikos_image_index index;
  oikos_data data;
} world;

typedef struct rig {
  oikos_config *config;
  oikos_source *source;
  oikos_episode episode;
} rig;

/* Where an example came from. */
typedef struct origin {
  int64_t image, class;
  int turn;
} origin;

static world *make_world(void) {
  static const char *const names[CLASSES] = {"a", "b", "c", "d", "e", "f",
                                             "g", "h", "i", "j", "k", "l m"};
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  for (int k = 0; k < CLASSES; k++) {
    w->name[k] = names[k];
    w->split[k] = (uint8_t)(k == 11 ? 0 : k % 3);
    w->start[k + 1] = w->start[k] + LEAST + k % 3;
  }
  for (size_t i = 0; i < sizeof w->pixels; i++)
    w->pixels[i] = (uint8_t)oikos_random_below(&r, 256);
  w->group_name[0] = "all";
  w->index = (oikos_image_index){.n_images = w->start[CLASSES],
                                 .n_classes = CLASSES,
                                 .n_groups = 1,
                                 .height = SIDE,
                                 .width = SIDE,
                                 .channels = CHANNELS,
                                 .class_start = w->start,
                                 .class_name = w->name,
                                 .class_group = w->group,
                                 .group_name = w->group_name,
                                 .split = w->split,
                                 .source = "test"};
  w->data = (oikos_data){.images = &w->index, .pixels = w->pixels};
  return w;
}

static oikos_config *configure(const char *task) {
  oikos_config *config = malloc(sizeof *config);
  oikos_error err;
  char text[1024];
  assert_non_null(config);
  snprintf(text, sizeof text,
           "task: {source: images, file: test.h5, %s}\nmodel: {loss: cross_entropy}\n", task);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

static void set_up(rig *g, const world *w, const char *task, int64_t seed) {
  oikos_error err;
  g->config = configure(task);
  g->config->seed = seed;
  CHECK_OK(oikos_source_create(g->config, &w->data, &g->source, &err));
  CHECK_OK(oikos_episode_create(g->source, &g->episode, &err));
}

static void tear_down(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
}

/* A quarter turn counterclockwise: the top right corner comes to the top left, the right column
 * becomes the top row. */
static void turn_once(uint8_t *image) {
  uint8_t old[SIDE][SIDE][CHANNELS];
  memcpy(old, image, sizeof old);
  for (int row = 0; row < SIDE; row++)
    for (int column = 0; column < SIDE; column++)
      memcpy(image + ((SIDE - 1 - column) * SIDE + row) * CHANNELS, old[row][column], CHANNELS);
}

/* The one image and turn that an example is, pixel by pixel. */
static origin find(const world *w, const real *x) {
  origin found = {-1, -1, 0};
  int matches = 0;
  for (int64_t image = 0; image < w->index.n_images; image++) {
    uint8_t turned[IMAGE];
    memcpy(turned, w->pixels + image * IMAGE, IMAGE);
    for (int turn = 0; turn < 4; turn++, turn_once(turned)) {
      int at = 0;
      while (at < IMAGE && x[at] == (real)turned[at] / 255)
        at++;
      if (at < IMAGE)
        continue;
      found = (origin){.image = image, .turn = turn};
      matches++;
    }
  }
  assert_int_equal(matches, 1);
  while (found.class < CLASSES && w->start[found.class + 1] <= found.image)
    found.class ++;
  return found;
}

/* Draw and check one episode; origins (ways) of its first shot go to shot. */
static void check_episode(const world *w, rig *g, oikos_split split, int64_t step, int64_t learner,
                          origin *shot) {
  int64_t ways = g->config->task.ways, shots = g->config->task.support + g->config->task.query;
  origin all[CLASSES * 4 * LEAST];
  oikos_source_draw(g->source, split, step, learner, &g->episode);
  for (int64_t i = 0; i < ways * shots; i++) {
    all[i] = find(w, g->episode.x + i * IMAGE);
    assert_true(g->episode.y[i] ==
                (real)(i % ways)); // shot by shot: labels 0 .. ways-1, again and again
    if (i < ways)
      shot[i] = all[i];
    assert_true(all[i].class == shot[i % ways].class && all[i].turn == shot[i % ways].turn);
    for (int64_t j = 0; j < i; j++) {
      assert_true(all[i].image != all[j].image || all[i].turn != all[j].turn); // no example twice
      if (i < ways)
        assert_true(shot[i].class != shot[j].class ||
                    shot[i].turn != shot[j].turn); // ways distinct classes
    }
  }
}

static void test_episodes(void **state) {
  (void)state;
  world *w = make_world();
  rig g;
  origin shot[CLASSES];
  set_up(&g, w, "ways: 4, support: 2, query: 3", 1);
  oikos_task_shape s = oikos_source_shape(g.source);
  assert_true(s.support == 8 && s.query == 12 && s.outputs == 4 && s.n_groups == 0);
  assert_true(s.input.height == SIDE && s.input.width == SIDE && s.input.channels == CHANNELS);
  assert_true(g.episode.support.n == 8 && g.episode.query.n == 12);
  assert_true(g.episode.query.x == g.episode.support.x + 8 * IMAGE &&
              g.episode.query.y == g.episode.support.y + 8);
  for (int64_t learner = 0; learner < 100; learner++) {
    check_episode(w, &g, OIKOS_TRAIN, learner / 10, learner % 10, shot);
    for (int k = 0; k < 4; k++)
      assert_int_equal(shot[k].turn, 0);
  }
  tear_down(&g);
  free(w);
}

/* Turned classes are classes: one class can be in an episode under several labels, and all turns
 * occur, equally often. */
static void test_rotations(void **state) {
  (void)state;
  enum { EPISODES = 400 };
  world *w = make_world();
  rig g;
  origin shot[CLASSES];
  double count[4] = {0}, chi = 0;
  int together = 0;
  set_up(&g, w, "ways: 5, support: 1, query: 1, rotations: true", 1);
  for (int64_t learner = 0; learner < EPISODES; learner++) {
    check_episode(w, &g, OIKOS_TRAIN, 0, learner, shot);
    for (int k = 0; k < 5; k++) {
      count[shot[k].turn]++;
      for (int j = 0; j < k; j++)
        together += shot[k].class == shot[j].class;
    }
  }
  for (int k = 0; k < 4; k++)
    chi += pow(count[k] - 5 * EPISODES / 4.0, 2) / (5 * EPISODES / 4.0);
  assert_true(together > 0 && chi < 3 + 4 * sqrt(6));
  tear_down(&g);
  free(w);
}

/* The classes that episodes of a split hold, as a set of bits. */
static unsigned classes_drawn(const world *w, rig *g, oikos_split split) {
  unsigned seen = 0;
  origin shot[CLASSES];
  for (int64_t learner = 0; learner < 60; learner++) {
    check_episode(w, g, split, 0, learner, shot);
    for (int64_t k = 0; k < g->config->task.ways; k++)
      seen |= 1u << shot[k].class;
  }
  return seen;
}

static void check_split(const world *w, const char *task, int64_t seed, unsigned *seen) {
  rig g;
  char text[512];
  snprintf(text, sizeof text, "ways: 2, support: 1, query: 1, %s", task);
  set_up(&g, w, text, seed);
  for (int s = 0; s < 3; s++)
    seen[s] = classes_drawn(w, &g, (oikos_split)s);
  assert_int_equal(seen[0] & seen[1], 0);
  assert_int_equal(seen[0] & seen[2], 0);
  assert_int_equal(seen[1] & seen[2], 0);
  tear_down(&g);
}

static void test_split(void **state) {
  (void)state;
  world *w = make_world();
  unsigned seen[3], again[3], other[3];
  check_split(w, "split: file", 1, seen);
  assert_int_equal(seen[OIKOS_TRAIN], 0xa49);
  assert_int_equal(seen[OIKOS_VALIDATION], 0x492);
  assert_int_equal(seen[OIKOS_TEST], 0x124);
  check_split(w, "split: fraction, validation_fraction: 0.25, test_fraction: 0.5", 1, seen);
  assert_int_equal(__builtin_popcount(seen[OIKOS_VALIDATION]), 3);
  assert_int_equal(__builtin_popcount(seen[OIKOS_TEST]), 6);
  assert_int_equal(seen[0] | seen[1] | seen[2], 0xfff);
  check_split(w, "split: fraction, validation_fraction: 0.25, test_fraction: 0.5", 1, again);
  check_split(w, "split: fraction, validation_fraction: 0.25, test_fraction: 0.5", 2, other);
  assert_memory_equal(seen, again, sizeof seen);
  assert_memory_not_equal(seen, other, sizeof seen);
  free(w);
}

static void write_list(char *path, const char *text) {
  strcpy(path, "/tmp/oikos-test-XXXXXX");
  int file = mkstemp(path);
  assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
}

/* Creating a source must fail, with all of the words in its message. */
static void check_refused(const oikos_data *data, const char *task, const char *const *words) {
  oikos_config *config = configure(task);
  oikos_source *source;
  oikos_error err = {0};
  if (oikos_source_create(config, data, &source, &err) != OIKOS_USAGE)
    fail_msg("accepted: %s", task);
  assert_null(source);
  for (; *words; words++)
    if (!strstr(err.message, *words))
      fail_msg("%s: expected \"%s\" in: %s", task, *words, err.message);
  free(config);
}

static void test_lists(void **state) {
  (void)state;
  world *w = make_world();
  char train[64], test[64], wrong[64], twice[64], task[512];
  unsigned seen[3] = {0};
  rig g;
  write_list(train, "l m\r\na\n\nb\n");
  write_list(test, "d\ne");
  write_list(wrong, "d\nzebra\n");
  write_list(twice, "d\na\n");
  snprintf(task, sizeof task,
           "ways: 2, support: 1, query: 1, split: list, train_list: %s, test_list: %s", train,
           test);
  set_up(&g, w, task, 1);
  seen[0] = classes_drawn(w, &g, OIKOS_TRAIN);
  seen[2] = classes_drawn(w, &g, OIKOS_TEST);
  assert_true(seen[0] == 0x803 && seen[2] == 0x18);
  oikos_error err = {0};
  assert_int_equal(oikos_source_has(g.source, OIKOS_VALIDATION, &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "validation"));
  tear_down(&g);
  snprintf(task, sizeof task, "support: 1, query: 1, split: list, train_list: %s, test_list: %s",
           train, wrong);
  check_refused(&w->data, task, (const char *const[]){wrong, ":2:", "zebra", NULL});
  snprintf(task, sizeof task, "support: 1, query: 1, split: list, train_list: %s, test_list: %s",
           train, twice);
  check_refused(&w->data, task, (const char *const[]){twice, ":2:", "class a", "twice", NULL});
  check_refused(&w->data, "support: 1, query: 1, split: list",
                (const char *const[]){"task.train_list", NULL});
  check_refused(&w->data, "support: 1, query: 1, split: list, train_list: /no/such.txt",
                (const char *const[]){"/no/such.txt", "cannot be opened", NULL});
  unlink(train);
  unlink(test);
  unlink(wrong);
  unlink(twice);
  free(w);
}

/* Lists as people have them: a byte order mark, turns of a class as Omniglot's splits name them,
 * small classes in no list. What is no list is refused, and nothing of it is taken. */
static void test_odd_lists(void **state) {
  (void)state;
  static const struct {
    const char *text, *more, *wrong; /* in the list; of the task; NULL if it is good */
    size_t size;
    unsigned classes;
  } lists[] = {
      {"\xEF\xBB\xBF"
       "a\nb",
       "", NULL, 0, 0x3},
      {"b\nc\nf\n", ", ways: 3, support: 3, query: 3", NULL, 0, 0x26},
      {"b\na\n", ", ways: 2, support: 3, query: 3", "class a has 5 images", 0, 0},
      {"a/rot000\na/rot090\nb/rot270\na/rot180\na/rot270\nb/rot090\nb/rot180\nb/rot000\n",
       ", rotations: true", NULL, 0, 0x3},
      {"a/rot000\nc/rot000\n", "", NULL, 0, 0x5},
      {"a/rot000\na/rot090\na/rot270\n", ", rotations: true", "all four belong to one split", 0, 0},
      {"a/rot000\na/rot090\n", "", "set task.rotations to true", 0, 0},
      {"a/rot000\na/rot000\n", "", ":2: class a is listed twice", 0, 0},
      {"a\na/rot000\n", "", ":2: class a is listed twice", 0, 0},
      {"a/rot045\n", "", ":1: no class of that name in the image file: a/rot045", 0, 0},
      {"zebra/rot090\n", "", "no class of that name in the image file: zebra", 0, 0},
      {"b\na\0junk\n", "", ":2: a byte of 0", 9, 0},
  };
  world *w = make_world();
  char path[64], task[512];
  for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
    strcpy(path, "/tmp/oikos-test-XXXXXX");
    int file = mkstemp(path);
    size_t size = lists[k].size ? lists[k].size : strlen(lists[k].text);
    assert_true(file >= 0 && write(file, lists[k].text, size) == (ssize_t)size);
    close(file);
    snprintf(task, sizeof task, "%ssplit: list, train_list: %s%s",
             *lists[k].more == ',' && strstr(lists[k].more, "ways")
                 ? ""
                 : "ways: 2, support: 1, query: 1, ",
             path, lists[k].more);
    if (lists[k].wrong) {
      check_refused(&w->data, task, (const char *const[]){lists[k].wrong, NULL});
    } else {
      rig g;
      set_up(&g, w, task, 1);
      assert_int_equal(classes_drawn(w, &g, OIKOS_TRAIN), lists[k].classes);
      tear_down(&g);
    }
    unlink(path);
  }
  oikos_config *config = configure("support: 1, query: 1, split: list, train_list: /tmp");
  oikos_source *source;
  oikos_error err = {0};
  assert_int_equal(oikos_source_create(config, &w->data, &source, &err), OIKOS_ERROR);
  assert_non_null(strstr(err.message, "/tmp: it is a folder"));
  free(config);
  free(w);
}

/* More than there is: classes in an episode, images of a class; and rotations of what is not
 * square. */
static void test_too_many(void **state) {
  (void)state;
  world *w = make_world();
  oikos_error err = {0};
  rig g;
  set_up(&g, w, "ways: 4, support: 2, query: 3", 1);
  CHECK_OK(oikos_source_has(g.source, OIKOS_TRAIN, &err));
  CHECK_OK(oikos_source_has(g.source, OIKOS_VALIDATION, &err));
  assert_int_equal(oikos_source_has(g.source, OIKOS_TEST, &err), OIKOS_USAGE);
  if (!strstr(err.message, "task.ways is 4") || !strstr(err.message, "test") ||
      !strstr(err.message, "3 classes"))
    fail_msg("not clear: %s", err.message);
  tear_down(&g);
  set_up(&g, w, "ways: 12, support: 2, query: 3, rotations: true",
         1); // three classes turned four ways are twelve
  CHECK_OK(oikos_source_has(g.source, OIKOS_TEST, &err));
  origin shot[CLASSES];
  check_episode(w, &g, OIKOS_TEST, 0, 0, shot);
  tear_down(&g);
  check_refused(&w->data, "support: 3, query: 3",
                (const char *const[]){"test.h5", "class a", "5", "task.support 3", NULL});
  w->index.height = SIDE / 2;
  check_refused(&w->data, "support: 1, query: 1, rotations: true",
                (const char *const[]){"square", "2 x 4", NULL});
  free(w);
}

/* An episode is a function of (seed, split, step, learner): drawn again it is the same, and each of
 * them matters. */
static void test_streams(void **state) {
  (void)state;
  static const int64_t place[][4] = {{1, 0, 0, 0}, {1, 0, 0, 1}, {1, 0, 1, 0}, {1, 1, 0, 0},
                                     {1, 2, 0, 0}, {2, 0, 0, 0}, {1, 0, 0, 0}};
  enum { PLACES = sizeof place / sizeof *place, NUMBERS = 2 * 5 * IMAGE };
  world *w = make_world();
  real *x = calloc(PLACES * NUMBERS, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < PLACES; i++) {
    rig g;
    set_up(&g, w, "ways: 2, support: 2, query: 3", place[i][0]);
    oikos_source_draw(g.source, (oikos_split)place[i][1], place[i][2], place[i][3], &g.episode);
    memcpy(x + i * NUMBERS, g.episode.x, NUMBERS * sizeof *x);
    tear_down(&g);
    for (size_t j = 0; j < i && i + 1 < PLACES; j++)
      assert_memory_not_equal(x + i * NUMBERS, x + j * NUMBERS, NUMBERS * sizeof *x);
  }
  assert_memory_equal(x, x + (PLACES - 1) * NUMBERS,
                      NUMBERS * sizeof *x); // the last is the first again
  free(x);
  free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_episodes),  cmocka_unit_test(test_rotations),
      cmocka_unit_test(test_split),     cmocka_unit_test(test_lists),
      cmocka_unit_test(test_odd_lists), cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
