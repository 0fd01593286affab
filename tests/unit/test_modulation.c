/* SPDX-License-Identifier: MIT
 * Homes that modulate, and the encoder that weighs them: the start against FiLM written out on the
 * units' outputs; the gradient of the query loss with respect to the shared weights, the rates, the
 * encoder and every home, through the start and the inner steps, against central differences of the
 * whole. */
#include "check.h"

#include "base/random.h"
#include "learn/homes.h"
#include "learn/learner.h"

typedef oikos_real real;

/* Everything that a learner needs. */
typedef struct rig {
  oikos_config config;
  oikos_source *source;
  oikos_network *net;
  oikos_inner *inner;
  oikos_encoder *encoder;
  oikos_weights weights;
  oikos_context context;
  oikos_worker worker;
} rig;

static rig *set_up(const char *home) {
  rig *g = calloc(1, sizeof *g);
  oikos_error err;
  char text[1024];
  assert_non_null(g);
  snprintf(text, sizeof text,
           "task: {modes: [sinusoid, linear], support: 4, query: 6}\n"
           "model: {init: glorot, layers: [dense: 6, tanh, dense: 5, tanh, dense: 1]}\n"
           "inner: {steps: 2, rate: 0.01, learned_rates: step_layer}\n"
           "home: {count: 3, rule: weighted, perturbation: 0.3, %s}\n",
           home);
  oikos_config_defaults(&g->config);
  CHECK_OK(oikos_config_parse(&g->config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_config_check(&g->config, &err));
  CHECK_OK(oikos_source_create(&g->config, &(oikos_data){0}, &g->source, &err));
  oikos_task_shape shape = oikos_source_shape(g->source);
  CHECK_OK(oikos_network_create(&g->config, shape.input, shape.outputs, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, &g->config, &g->inner, &err));
  CHECK_OK(oikos_encoder_create(&g->config, shape, &g->encoder, &err));
  CHECK_OK(oikos_weights_create(&g->config, g->net, g->inner, g->encoder, &g->weights, &err));
  g->context = (oikos_context){.config = &g->config,
                               .net = g->net,
                               .inner = g->inner,
                               .source = g->source,
                               .encoder = g->encoder,
                               .weights = &g->weights};
  CHECK_OK(oikos_worker_create(&g->context, g->config.inner.steps, &g->worker, &err));
  return g;
}

static void tear_down(rig *g) {
  oikos_worker_destroy(&g->worker);
  oikos_weights_destroy(&g->weights);
  oikos_encoder_destroy(g->encoder);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
  oikos_source_destroy(g->source);
  free(g);
}

/* The whole of a learner's step, as a function of all weights; its gradient stays in the worker. */
static double query_loss(rig *g) {
  double log_p[3] = {-1.1, -1.1, -1.1};
  oikos_learners_begin(&g->context, &g->worker, 0, 0, 1, &(int64_t){0}, (oikos_row_view){0});
  oikos_contribution c = oikos_learner_train(&g->context, &g->worker, 0, log_p, 0, NULL);
  return (double)c.loss[OIKOS_LOSS_AFTER];
}

static void check_slope(rig *g, real *x, double gradient, size_t index, const char *what) {
  const double h = tolerance(1e-2, 1e-5);
  real keep = *x;
  *x = (real)((double)keep + h);
  double up = query_loss(g);
  *x = (real)((double)keep - h);
  double down = query_loss(g);
  *x = keep;
  check_near(gradient, (up - down) / (2 * h), tolerance(0.1, 1e-6), tolerance(2e-2, 1e-7), index,
             what);
}

/* Every shared number and every home's. */
static void check_gradient(const char *home) {
  rig *g = set_up(home);
  size_t n = g->weights.n, k = g->weights.k;
  real *gradient = calloc(n + k, sizeof *gradient), p[3];
  assert_non_null(gradient);
  query_loss(g);
  memcpy(gradient, g->worker.gradient, n * sizeof *gradient);
  memcpy(gradient + n, g->worker.home_gradient, k * sizeof *gradient);
  memcpy(p, g->worker.p, sizeof p);
  for (size_t i = 0; i < n; i++)
    check_slope(g, &g->weights.shared[i], (double)gradient[i], i, "shared");
  for (size_t t = 0; t < 3; t++)
    for (size_t i = 0; i < k; i++)
      check_slope(g, &g->weights.homes[t * k + i], (double)p[t] * (double)gradient[n + i],
                  t * k + i, "home");
  free(gradient);
  tear_down(g);
}

static void test_gradient(void **state) {
  (void)state;
  check_gradient("owns: modulation, score: encoder, eta: 0.7, "
                 "encoder: [dense: 5, tanh, set_mean: 1, dense: 4, tanh]");
  check_gradient("owns: modulation, score: encoder, memory: 0.5, encoder: [dense: 4, tanh]");
}

/* Without an encoder p is what the scores make it, taken as a constant: differences of the homes
 * alone, with eta 0, so that no score matters. */
static void test_uniform(void **state) {
  (void)state;
  check_gradient("owns: modulation, eta: 0");
}

/* A modulated unit's output is (1 + s)(W x + b) + t. */
static void test_film(void **state) {
  (void)state;
  rig *g = set_up("owns: modulation");
  enum { UNITS = 6 };
  const real *w = g->weights.shared, *c = g->weights.homes;
  real *theta = oikos_path_start(g->worker.path);
  const double x = 1.7;
  assert_int_equal(g->weights.k, 2 * (6 + 5));
  oikos_home_start(&g->weights.layout, w, c, theta);
  for (size_t r = 0; r < UNITS; r++) {
    double found = (double)theta[r] * x + (double)theta[UNITS + r];
    double truth =
        (1 + (double)c[r]) * ((double)w[r] * x + (double)w[UNITS + r]) + (double)c[UNITS + r];
    check_near(found, truth, tolerance(1e-6, 1e-14), tolerance(1e-6, 1e-14), r, "unit");
  }
  size_t last = oikos_network_last_layer(g->net); // is nobody's
  assert_memory_equal(theta + last, w + last, (g->weights.m - last) * sizeof *w);
  tear_down(g);
}

/* The encoder sees a set: the order of the examples does not matter. */
static void test_set(void **state) {
  (void)state;
  rig *g = set_up("owns: modulation, score: encoder, encoder: [dense: 5, tanh, set_mean: 1, "
                  "dense: 4, tanh]");
  const real *theta = g->weights.shared + g->weights.m + g->weights.a;
  real x[4] = {1, -2, 3, (real)0.5}, y[4] = {4, 5, -6, 7}, rx[4], ry[4], a[3], b[3];
  for (size_t i = 0; i < 4; i++) {
    rx[i] = x[3 - i];
    ry[i] = y[3 - i];
  }
  oikos_encoder_score(g->encoder, g->worker.encoder, theta, &(oikos_batch){.n = 4, .x = x, .y = y},
                      a);
  oikos_encoder_score(g->encoder, g->worker.encoder, theta,
                      &(oikos_batch){.n = 4, .x = rx, .y = ry}, b);
  for (size_t t = 0; t < 3; t++)
    check_near((double)a[t], (double)b[t], tolerance(1e-5, 1e-13), tolerance(1e-6, 1e-14), t,
               "set");
  assert_true(a[0] != a[1]);
  tear_down(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_uniform),
      cmocka_unit_test(test_film),
      cmocka_unit_test(test_set),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
