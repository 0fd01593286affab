/* SPDX-License-Identifier: MIT
 * Homes: the choice against softmax and Hedge in closed form; margins and ties; where a learner
 * starts; the first homes. */
#include "check.h"

#include "base/random.h"
#include "learn/homes.h"

typedef oikos_real real;

enum { T = 3 };

static oikos_config *configure(const char *home) {
  oikos_config *config = array(1, sizeof *config);
  oikos_error err;
  char text[512];
  snprintf(text, sizeof text,
           "model: {layers: [dense: 64, tanh, batch_norm, dense: 32]}\nhome: {%s}\n", home);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

static oikos_network *network_of(const oikos_config *config) {
  oikos_network *net;
  oikos_error err;
  CHECK_OK(oikos_network_create(config, (oikos_shape){1, 1, 50}, 32, &net, &err));
  return net;
}

/* memory 0: p = softmax(-eta score), whatever was before. */
static void test_softmax(void **state) {
  (void)state;
  oikos_config *c = configure("count: 3, owns: all, memory: 0, eta: 2.5");
  const real score[T] = {(real)0.5, (real)0.25, (real)0.75};
  double log_p[T] = {-1, -7, -0.1}, sum = 0;
  real p[T];
  assert_int_equal(oikos_home_choose(c, score, log_p, p, 2), 1);
  for (int t = 0; t < T; t++)
    sum += exp(-2.5 * (double)score[t]);
  for (size_t t = 0; t < T; t++) {
    check_near((double)p[t], exp(-2.5 * (double)score[t]) / sum, tolerance(1e-6, 1e-14), 0, t, "p");
    check_near(exp(log_p[t]), exp(-2.5 * (double)score[t]) / sum, 1e-14, 0, t, "exp log p");
  }
  free(c);
}

/* Many steps: log p_t is -eta sum_k memory^(n-k) score_k(t), normalised once at the end; memory 1
 * is Hedge. */
static void check_memory(const char *home, double memory, double eta) {
  enum { STEPS = 200 };
  oikos_config *c = configure(home);
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  double log_p[T], total[T] = {0}, sum = 0;
  real p[T];
  int32_t at = 0;
  for (int t = 0; t < T; t++)
    log_p[t] = -log(T);
  for (int k = 0; k < STEPS; k++) {
    real score[T];
    int best = 0;
    for (int t = 0; t < T; t++) {
      score[t] = (real)oikos_random_uniform(&r, 0, 1);
      total[t] = memory * total[t] + (double)score[t];
      best = total[t] < total[best] ? t : best;
    }
    at = oikos_home_choose(c, score, log_p, p, at);
    assert_int_equal(at, best);
  }
  for (int t = 0; t < T; t++)
    sum += exp(-eta * total[t]);
  for (size_t t = 0; t < T; t++) {
    check_near((double)p[t], exp(-eta * total[t]) / sum, tolerance(1e-5, 1e-10), 0, t,
               "p after many steps");
    check_near(log_p[t], -eta * total[t] - log(sum), 1e-10, 0, t, "log p after many steps");
  }
  free(c);
}

static void test_hedge(void **state) {
  (void)state;
  check_memory("count: 3, owns: all, memory: 1, eta: 0.2", 1, 0.2);
  check_memory("count: 3, owns: all, memory: 0.75, eta: 0.5", 0.75, 0.5);
}

/* Scores so far apart that p underflows leave log p finite, so that a home can come back. */
static void test_extreme_scores(void **state) {
  (void)state;
  oikos_config *c = configure("count: 3, owns: all, memory: 1, eta: 1");
  const real bad[T] = {0, 100000, 0}, good[T] = {200000, 0, 200000};
  double log_p[T] = {0};
  real p[T];
  assert_int_equal(oikos_home_choose(c, bad, log_p, p, 0), 0);
  assert_true(p[1] == 0 && isfinite(log_p[1]));
  assert_int_equal(oikos_home_choose(c, good, log_p, p, 0), 1);
  assert_true(p[1] == 1 && p[0] == 0 && p[2] == 0);
  free(c);
}

/* With eta 1 and memory 0, differences of log p are those of the scores. */
static void test_margin(void **state) {
  (void)state;
  oikos_config *c = configure("count: 3, owns: all, margin: 0.5");
  const real near[T] = {1, (real)0.75, 1}, far[T] = {1, (real)0.25, 1}, tie[T] = {1, 1, 1},
             shared[T] = {1, (real)0.5, (real)0.5};
  double log_p[T] = {0};
  real p[T];
  assert_int_equal(oikos_home_choose(c, near, log_p, p, 0), 0); // better by 0.25: not enough
  assert_int_equal(oikos_home_choose(c, far, log_p, p, 0), 1);  // better by 0.75
  assert_int_equal(oikos_home_choose(c, far, log_p, p, 1), 1);
  c->home.margin = 0;
  assert_int_equal(oikos_home_choose(c, near, log_p, p, 0), 1);
  for (int32_t home = 0; home < T; home++)
    assert_int_equal(oikos_home_choose(c, tie, log_p, p, home), home); // ties stay
  assert_int_equal(oikos_home_choose(c, shared, log_p, p, 2), 2);
  assert_int_equal(oikos_home_choose(c, shared, log_p, p, 0), 1);
  free(c);
}

/* One home: the only choice, with p exactly 1. */
static void test_single(void **state) {
  (void)state;
  oikos_config *c = configure("count: 1");
  const real score[1] = {7};
  double log_p[1] = {0};
  real p[1];
  assert_int_equal(oikos_home_choose(c, score, log_p, p, 0), 0);
  assert_true(p[0] == 1 && log_p[0] == 0);
  free(c);
}

static void test_start(void **state) {
  (void)state;
  const real w[5] = {1, 2, 3, 4, 5}, homes[2 * 2] = {10, 20, 30, 50},
             p[2] = {(real)0.25, (real)0.75};
  real theta[5], mean[2];
  oikos_home_layout none = {.m = 5}, last = {.k = 2, .m = 5}, all = {.k = 5, .m = 5};
  oikos_home_start(&last, w, homes + 2, theta);
  const real second[5] = {1, 2, 3, 30, 50}, weighted[5] = {1, 2, 3, 25, (real)42.5};
  assert_memory_equal(theta, second, sizeof theta);
  oikos_home_mean(&last, 2, homes, p, mean);
  oikos_home_start(&last, w, mean, theta);
  assert_memory_equal(theta, weighted, sizeof theta);
  oikos_home_start(&none, w, homes, theta);
  assert_memory_equal(theta, w, sizeof theta);
  oikos_home_start(&all, w, second, theta);
  assert_memory_equal(theta, second, sizeof theta);
}

static oikos_home_layout layout_of(const oikos_config *config, const oikos_network *net) {
  oikos_home_layout layout;
  oikos_error err;
  CHECK_OK(oikos_home_layout_create(config, net, &layout, &err));
  return layout;
}

static size_t size_of_home(const oikos_config *config, const oikos_network *net) {
  oikos_home_layout layout = layout_of(config, net);
  size_t k = layout.k;
  oikos_home_layout_destroy(&layout);
  return k;
}

/* K of the network dense 50x64, batch_norm 64, dense 64x32. */
static void test_size(void **state) {
  (void)state;
  static const struct {
    const char *home;
    size_t k;
  } cases[] = {{"count: 2, owns: nothing", 0},
               {"count: 2, owns: last", 64 * 32 + 32},
               {"count: 2, owns: all", 3264 + 128 + 2080},
               {"count: 2, owns: modulation", 4 * 64}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    oikos_config *c = configure(cases[i].home);
    oikos_network *net = network_of(c);
    assert_int_equal(size_of_home(c, net), cases[i].k);
    oikos_network_destroy(net);
    free(c);
  }
}

static double spread(size_t n, const real *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  return sqrt(sum / (double)n);
}

/* difference (T, K) between the first homes and the owned part of w; w is returned too (M). */
static real *differences(const oikos_config *c, const oikos_network *net, real **w) {
  size_t m = oikos_network_parameters(net), k = size_of_home(c, net), n = (size_t)c->home.count;
  real *homes = array(n * k, sizeof *homes);
  *w = array(m, sizeof **w);
  oikos_network_initialise(net, OIKOS_INIT_HE, 3, *w);
  oikos_home_layout layout = layout_of(c, net);
  oikos_homes_initialise(c, &layout, *w, homes);
  oikos_home_layout_destroy(&layout);
  for (size_t i = 0; i < n * k; i++)
    homes[i] -= (*w)[m - k + i % k];
  return homes;
}

/* Each tensor's perturbation has the given share of that tensor's own RMS; zero tensors (biases)
 * stay zero. */
static void check_perturbation(const char *home, double share) {
  oikos_config *c = configure(home);
  oikos_network *net = network_of(c);
  real *w, *d = differences(c, net, &w);
  size_t m = oikos_network_parameters(net), k = size_of_home(c, net);
  for (size_t t = 0; t < (size_t)c->home.count; t++)
    for (int i = 0; i < oikos_network_tensor_count(net); i++) {
      const oikos_tensor *tensor = &oikos_network_tensors(net)[i];
      if (tensor->offset < m - k)
        continue;
      double size = spread(tensor->size, w + tensor->offset),
             found = spread(tensor->size, d + t * k + tensor->offset - (m - k));
      check_near(found, share * size, 4 / sqrt(2 * (double)tensor->size), 1e-6 * size, (size_t)i,
                 "perturbation");
    }
  for (size_t t = 0; share > 0 && t + 1 < (size_t)c->home.count; t++)
    for (size_t i = 0; i < 32; i++) // no two homes get the same
      assert_true(d[t * k + i + k - 64 * 32 - 32] != d[(t + 1) * k + i + k - 64 * 32 - 32]);
  free(w);
  free(d);
  oikos_network_destroy(net);
  free(c);
}

static void test_initialise(void **state) {
  (void)state;
  check_perturbation("count: 4, owns: all", 0.01); // the default
  check_perturbation("count: 3, owns: last, perturbation: 0.5", 0.5);
  check_perturbation("count: 3, owns: all, perturbation: 0", 0);
  check_perturbation("count: 1, owns: all, perturbation: 0.5",
                     0); // a single home has no tie to break
}

/* The draw depends on the seed and on nothing else; a home's draw does not depend on how many there
 * are. */
static void test_seed(void **state) {
  (void)state;
  oikos_config *two = configure("count: 2, owns: all"), *four = configure("count: 4, owns: all");
  oikos_network *net = network_of(two);
  real *w[3], *d[3];
  size_t k = size_of_home(two, net);
  d[0] = differences(two, net, &w[0]);
  d[1] = differences(four, net, &w[1]);
  two->seed = 2;
  d[2] = differences(two, net, &w[2]);
  assert_memory_equal(d[0], d[1], 2 * k * sizeof **d);
  assert_memory_not_equal(d[0], d[2], 2 * k * sizeof **d);
  for (int i = 0; i < 3; i++) {
    free(w[i]);
    free(d[i]);
  }
  oikos_network_destroy(net);
  free(two);
  free(four);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_softmax),        cmocka_unit_test(test_hedge),
      cmocka_unit_test(test_extreme_scores), cmocka_unit_test(test_margin),
      cmocka_unit_test(test_single),         cmocka_unit_test(test_start),
      cmocka_unit_test(test_size),           cmocka_unit_test(test_initialise),
      cmocka_unit_test(test_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
