/* SPDX-License-Identifier: MIT
 * A learner's own inner rate: its rule; and the meta-gradient with a factor r, against central
 * differences (in double) and against that without a factor at the rates r alpha. */
#include "check.h"

#include "base/random.h"
#include "learn/bold_driver.h"
#include "learn/inner_impl.h"

typedef oikos_real real;

enum { N = 9, STEPS = 3, MOST = 400, IN_DOUBLE = sizeof(real) == sizeof(double) };

static void test_rule(void **state) {
  (void)state;
  check_near(oikos_bold_driver(1, 4, 2, 1), 1.05, 0, 1e-15, 0, "fell");
  check_near(oikos_bold_driver(2, 4, 2, 3), 1, 0, 1e-15, 0, "rose");
  check_near(oikos_bold_driver(2, 4, 2, 2), 1, 0, 1e-15, 0, "stayed");
  check_near(oikos_bold_driver(3.9, 4, 2, 1), 4, 0, 1e-15, 0, "most");
  check_near(oikos_bold_driver(0.3, 4, 2, 3), 0.25, 0, 1e-15, 0, "least");
  check_near(oikos_bold_driver(2, 4, 2, NAN), 1, 0, 1e-15, 0, "not finite");
  check_near(oikos_bold_driver(2, 4, NAN, 2), 1, 0, 1e-15, 0, "not finite before");
  double factor = 1; // the quadratic a x^2 / 2 with rate 1: the loss falls while r a < 2
  for (int k = 0; k < 200; k++) {
    double left = 1 - factor * 1.5; // of x, after a step
    factor = oikos_bold_driver(factor, 100, 1, left * left);
    assert_true(factor * 1.5 <= 2 * 1.05 && factor * 1.5 > 0.9);
  }
}

/* A small network, its rule, and a point: start and rates. */
typedef struct rig {
  oikos_config config;
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_batch support, query;
  real x[2 * N], y[2 * N], rates[MOST], start[MOST], gradient[2 * MOST];
  size_t m, a;
} rig;

static rig *set_up(const char *inner) {
  rig *g = calloc(1, sizeof *g);
  oikos_error err;
  char text[256];
  snprintf(text, sizeof text,
           "model: {layers: [dense: 8, tanh, dense: 6, tanh, dense: 1]}\ninner: {steps: 3, %s}\n",
           inner);
  oikos_config_defaults(&g->config);
  CHECK_OK(oikos_config_parse(&g->config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(&g->config, (oikos_shape){1, 1, 1}, 1, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, &g->config, &g->inner, &err));
  CHECK_OK(oikos_path_create(g->inner, STEPS, N, &g->path, &err));
  g->m = oikos_network_parameters(g->net);
  g->a = oikos_inner_rates(g->inner);
  assert_true(g->m <= MOST && g->a <= MOST);
  oikos_random r = oikos_random_at(3, OIKOS_DRAW_CHECK, 0, 0);
  for (int i = 0; i < 2 * N; i++) {
    g->x[i] = (real)oikos_random_uniform(&r, -2, 2);
    g->y[i] = (real)sin(2 * (double)g->x[i]);
  }
  g->support = (oikos_batch){.n = N, .x = g->x, .y = g->y};
  g->query = (oikos_batch){.n = N, .x = g->x + N, .y = g->y + N};
  oikos_network_initialise(g->net, OIKOS_INIT_HE, 4, g->start);
  oikos_inner_first_rates(g->inner, g->rates);
  return g;
}

static void tear_down(rig *g) {
  oikos_path_destroy(g->path);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
  free(g);
}

static double query_loss(rig *g) {
  memcpy(oikos_path_start(g->path), g->start, g->m * sizeof(real));
  oikos_adapt(g->inner, g->path, g->rates, &g->support, STEPS);
  const real *theta = oikos_path_parameters(g->inner, g->path, STEPS);
  return oikos_network_loss(g->net, oikos_path_workspace(g->path), theta, &g->query).loss;
}

static void derive(rig *g) {
  query_loss(g);
  oikos_meta_gradient(g->inner, g->path, g->rates, &g->support, &g->query, STEPS, g->gradient);
}

static const char *const rules[] = {
    "rate: 0.05",
    "rate: 0.05, learned_rates: parameter",
    "rate: 0.05, learned_rates: step_layer, max_norm: 1.1",
    "rate: 0.05, scope: last",
    "rate: 0.05, micro_batches: 3",
    "rate: 0.05, learned_rates: parameter, order: first",
};
enum { RULES = sizeof rules / sizeof *rules };

/* Every number of the gradient, by itself. */
static void check_differences(rig *g, const char *rule) {
  const double h = 1e-6;
  for (size_t i = 0; i < g->m + g->a; i++) {
    real *at = i < g->m ? g->start + i : g->rates + (i - g->m), was = *at;
    *at = was + (real)h;
    double up = query_loss(g);
    *at = was - (real)h;
    double down = query_loss(g);
    *at = was;
    check_near((double)g->gradient[i], (up - down) / (2 * h), 1e-5, 1e-7, i, rule);
  }
}

static void test_differences(void **state) {
  (void)state;
  if (!IN_DOUBLE)
    skip();
  for (int k = 0; k < RULES - 1; k++) {
    rig *g = set_up(rules[k]);
    oikos_path_scale_rates(g->path, 1.7);
    derive(g);
    check_differences(g, rules[k]);
    tear_down(g);
  }
}

/* Factor r at the rates alpha is factor 1 at r alpha; for learned rates d / d alpha has r too. */
static void test_chain(void **state) {
  (void)state;
  const double r = 1.7, close = IN_DOUBLE ? 1e-11 : 1e-4;
  for (int k = 0; k < RULES; k++) {
    rig *g = set_up(rules[k]), *scaled = set_up(rules[k]);
    oikos_path_scale_rates(g->path, r);
    derive(g);
    scaled->inner->rate *= r;
    for (size_t i = 0; i < g->a; i++)
      scaled->rates[i] = (real)(r * (double)g->rates[i]);
    derive(scaled);
    check_vectors(g->m, g->gradient, scaled->gradient, close, rules[k]);
    for (size_t i = 0; i < g->a; i++)
      scaled->gradient[g->m + i] *= (real)r;
    check_vectors(g->a, g->gradient + g->m, scaled->gradient + g->m, close, rules[k]);
    tear_down(g);
    tear_down(scaled);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rule),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_chain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
