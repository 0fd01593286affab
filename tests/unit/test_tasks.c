/* SPDX-License-Identifier: MIT
 * Episodes of functions (those of images: test_images.c). The family's formula is fitted to the
 * drawn points; without noise it must fit to rounding, with parameters in the published ranges. */
#include "check.h"

#include "oikos/tasks.h"

typedef oikos_real real;

enum { POINTS = 200 };

static oikos_config *configure(const char *text) {
  oikos_config *config = malloc(sizeof *config);
  oikos_error err;
  assert_non_null(config);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

/* A source and room for an episode. */
typedef struct rig {
  oikos_config *config;
  oikos_source *source;
  oikos_episode episode;
} rig;

static void set_up(rig *g, const char *text) {
  oikos_error err;
  g->config = configure(text);
  CHECK_OK(oikos_source_create(g->config, NULL, &g->source, &err));
  CHECK_OK(oikos_episode_create(g->source, &g->episode, &err));
}

static void tear_down(rig *g) {
  oikos_episode_destroy(&g->episode);
  oikos_source_destroy(g->source);
  free(g->config);
}

static void functions(rig *g, const char *modes, double noise) {
  char text[256];
  snprintf(text, sizeof text, "task: {support: 80, query: 120, modes: [%s], noise: %g}", modes,
           noise);
  set_up(g, text);
}

/* Least squares of y on u and v: y = p u + q v. Returns the root mean square of what is left. */
static double fit(const oikos_episode *e, double (*u)(double x, double c),
                  double (*v)(double x, double c), double c, double *p, double *q) {
  double uu = 0, uv = 0, vv = 0, uy = 0, vy = 0, left = 0;
  for (size_t i = 0; i < POINTS; i++) {
    double x = (double)e->x[i], y = (double)e->y[i];
    uu += u(x, c) * u(x, c);
    uv += u(x, c) * v(x, c);
    vv += v(x, c) * v(x, c);
    uy += u(x, c) * y;
    vy += v(x, c) * y;
  }
  *p = (uy * vv - vy * uv) / (uu * vv - uv * uv);
  *q = (vy * uu - uy * uv) / (uu * vv - uv * uv);
  for (size_t i = 0; i < POINTS; i++)
    left += pow((double)e->y[i] - *p * u((double)e->x[i], c) - *q * v((double)e->x[i], c), 2);
  return sqrt(left / POINTS);
}

static double one(double x, double c) {
  (void)x;
  (void)c;
  return 1;
}

static double line(double x, double c) {
  return x - c;
}

static double square(double x, double c) {
  return (x - c) * (x - c);
}

static double bend(double x, double c) {
  return tanh(x - c);
}

static double corner(double x, double c) {
  return fabs(x - c);
}

static double sine(double x, double c) {
  return sin(x - c);
}

static double cosine(double x, double c) {
  return cos(x - c);
}

/* The c in -3..3 that fits best: a grid, then ever finer around the best. */
static double find_c(const oikos_episode *e, double (*u)(double x, double c)) {
  double best = 0, p, q;
  for (double step = 0.1, from = -3, to = 3; step > 1e-11;
       step /= 5, from = best - 6 * step, to = best + 6 * step)
    for (double c = from; c <= to; c += step)
      best = fit(e, u, one, c, &p, &q) < fit(e, u, one, best, &p, &q) ? c : best;
  return best;
}

static void within(double value, double low, double high, const char *what) {
  if (!(value >= low - 1e-3 && value <= high + 1e-3))
    fail_msg("%s: %.6g is not in %g..%g", what, value, low, high);
}

/* Fit a drawn function of the family; a, b, c in the ranges of the papers. */
static void check_function(const oikos_episode *e, const char *family) {
  double a, b, c = 0, left;
  if (strcmp(family, "sinusoid") == 0) { // a sin(x - b) = a cos b sin x - a sin b cos x
    double s, k;
    left = fit(e, sine, cosine, 0, &s, &k);
    within(hypot(s, k), 0.1, 5, "amplitude");
    within(atan2(-k, s), 0, 3.14159265, "phase");
  } else if (strcmp(family, "linear") == 0) {
    left = fit(e, line, one, 0, &a, &b);
    within(a, -3, 3, "slope");
    within(b, -3, 3, "offset");
  } else {
    double (*u)(double x, double c0) = family[0] == 'q' ? square : family[0] == 't' ? bend : corner;
    c = find_c(e, u);
    left = fit(e, u, one, c, &a, &b);
    within(fabs(a), u == square ? 0.02 : 0, u == square ? 0.15 : 3, family);
    within(b, -3, 3, family);
    within(c, -3, 3, family);
  }
  if (!(left < tolerance(1e-5, 1e-9)))
    fail_msg("%s does not fit: %.3g is left", family, left);
}

static void test_families(void **state) {
  (void)state;
  static const char *const families[] = {"sinusoid", "linear", "quadratic", "tanh", "absolute"};
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    rig g;
    functions(&g, families[f], 0);
    oikos_task_shape shape = oikos_source_shape(g.source);
    assert_true(shape.support == 80 && shape.query == 120 && shape.outputs == 1 &&
                shape.n_groups == 1);
    assert_true(shape.input.height == 1 && shape.input.width == 1 && shape.input.channels == 1);
    assert_string_equal(oikos_source_group(g.source, 0), families[f]);
    assert_null(oikos_source_group(g.source, 1));
    for (int learner = 0; learner < 20; learner++) {
      oikos_source_draw(g.source, OIKOS_TRAIN, 0, learner, &g.episode);
      check_function(&g.episode, families[f]);
    }
    assert_true(g.episode.query.x == g.episode.x + 80 && g.episode.query.y == g.episode.y + 80);
    assert_true(g.episode.support.n == 80 && g.episode.query.n == 120);
    tear_down(&g);
  }
}

/* The ranges are filled: over many sinusoids both ends are come near to, and the points fill -5..5.
 */
static void test_ranges(void **state) {
  (void)state;
  rig g;
  double least[3] = {9, 9, 9}, most[3] = {-9, -9, -9};
  functions(&g, "sinusoid", 0);
  for (int64_t step = 0; step < 400; step++) {
    double s, k;
    oikos_source_draw(g.source, OIKOS_TRAIN, step, 0, &g.episode);
    fit(&g.episode, sine, cosine, 0, &s, &k);
    const double found[] = {hypot(s, k), atan2(-k, s), (double)g.episode.x[step % POINTS]};
    for (int i = 0; i < 3; i++) {
      least[i] = fmin(least[i], found[i]);
      most[i] = fmax(most[i], found[i]);
    }
    for (size_t i = 0; i < POINTS; i++)
      assert_true(fabs((double)g.episode.x[i]) <= 5);
  }
  assert_true(least[0] < 0.2 && most[0] > 4.9 && least[1] < 0.05 && most[1] > 3.09 &&
              least[2] < -4.8 && most[2] > 4.8);
  tear_down(&g);
}

/* Both signs of a quadratic occur. */
static void test_signs(void **state) {
  (void)state;
  rig g;
  int up = 0;
  functions(&g, "quadratic", 0);
  for (int learner = 0; learner < 100; learner++) {
    double a, b;
    oikos_source_draw(g.source, OIKOS_TRAIN, 0, learner, &g.episode);
    fit(&g.episode, square, one, find_c(&g.episode, square), &a, &b);
    up += a > 0;
  }
  assert_true(up > 30 && up < 70);
  tear_down(&g);
}

/* What a line leaves of 200 points with noise, over 20 episodes: its variance within 4 deviations.
 */
static void test_noise(void **state) {
  (void)state;
  enum { EPISODES = 20 };
  rig g;
  double variance = 0, a, b;
  functions(&g, "linear", 0.5);
  for (int learner = 0; learner < EPISODES; learner++) {
    oikos_source_draw(g.source, OIKOS_TEST, 0, learner, &g.episode);
    double left = fit(&g.episode, line, one, 0, &a, &b);
    variance += left * left * POINTS / (POINTS - 2) / EPISODES;
  }
  check_near(variance, 0.25, 4 * sqrt(2.0 / (EPISODES * POINTS)), 0, 0, "variance of the noise");
  tear_down(&g);
}

static void test_modes(void **state) {
  (void)state;
  enum { EPISODES = 5000, MODES = 5 };
  static const char *const names[] = {"absolute", "linear", "sinusoid", "tanh", "quadratic"};
  rig g;
  double count[MODES] = {0}, chi = 0;
  functions(&g, "absolute, linear, sinusoid, tanh, quadratic", 0);
  for (int64_t learner = 0; learner < EPISODES; learner++) {
    oikos_source_draw(g.source, OIKOS_TRAIN, 1, learner, &g.episode);
    assert_true(g.episode.group >= 0 && g.episode.group < MODES);
    count[g.episode.group]++;
    if (learner < 25)
      check_function(&g.episode, names[g.episode.group]);
  }
  for (int i = 0; i < MODES; i++) {
    assert_string_equal(oikos_source_group(g.source, i), names[i]);
    chi += pow(count[i] - EPISODES / MODES, 2) / (EPISODES / MODES);
  }
  assert_true(chi < MODES - 1 + 4 * sqrt(2.0 * (MODES - 1)));
  tear_down(&g);
}

/* An episode is a function of (seed, split, step, learner): drawn again it is the same, and each of
 * them matters. */
static void check_streams(const char *text) {
  rig g, other;
  char seeded[512];
  set_up(&g, text);
  snprintf(seeded, sizeof seeded, "seed: 2\n%s", text);
  set_up(&other, seeded);
  oikos_task_shape s = oikos_source_shape(g.source);
  size_t n = (s.support + s.query) * (size_t)(s.input.height * s.input.width * s.input.channels);
  static const int64_t place[][3] = {{OIKOS_TRAIN, 0, 0},      {OIKOS_TRAIN, 0, 1},
                                     {OIKOS_TRAIN, 1, 0},      {OIKOS_TEST, 0, 0},
                                     {OIKOS_VALIDATION, 0, 0}, {OIKOS_TRAIN, (int64_t)1 << 33, 0}};
  enum { PLACES = sizeof place / sizeof *place };
  real *x[PLACES + 1];
  for (size_t i = 0; i <= PLACES; i++) {
    rig *from = i < PLACES ? &g : &other;
    const int64_t *p = place[i % PLACES];
    oikos_source_draw(from->source, (oikos_split)p[0], p[1], p[2], &from->episode);
    x[i] = malloc(n * sizeof **x);
    assert_non_null(x[i]);
    memcpy(x[i], from->episode.x, n * sizeof **x);
    for (size_t j = 0; j < i; j++)
      assert_memory_not_equal(x[i], x[j], n * sizeof **x);
  }
  oikos_source_draw(g.source, OIKOS_TRAIN, 0, 0, &g.episode);
  assert_memory_equal(g.episode.x, x[0], n * sizeof **x);
  for (size_t i = 0; i <= PLACES; i++)
    free(x[i]);
  tear_down(&g);
  tear_down(&other);
}

static void test_function_streams(void **state) {
  (void)state;
  check_streams("task: {modes: [sinusoid, linear]}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families), cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_signs),    cmocka_unit_test(test_noise),
      cmocka_unit_test(test_modes),    cmocka_unit_test(test_function_streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
