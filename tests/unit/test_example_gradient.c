/* SPDX-License-Identifier: MIT
 * The derivative of the query loss after the inner steps with respect to all examples, support and
 * query, which hold embedding rows: central differences along random directions of the examples, in
 * double. First order takes the support gradients as constants: then the query's is that of a
 * network which stands at the trained parameters, and the support's is zero. */
#include "check.h"

#include "base/random.h"
#include "net/derivatives.h"
#include "oikos/inner.h"

typedef oikos_real real;

enum { WIDTH = 3, INPUTS = 2 * WIDTH + 2, SUPPORT = 7, QUERY = 5, ALL = SUPPORT + QUERY };

#define H 1e-6 /* step of the central differences */

typedef struct rig {
  oikos_config *config;
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_batch support, query;
  real x[ALL * INPUTS], y[ALL], start[ALL * INPUTS];
  double way[ALL * INPUTS];
  real *rates, *gradient;
} rig;

static void set_up(rig *g, const char *layers, const char *rest, size_t support) {
  oikos_error err;
  char text[1024];
  *g = (rig){.config = array(1, sizeof *g->config)};
  snprintf(text, sizeof text, "model: {init: glorot, %s}\n%s\n", layers, rest);
  oikos_config_defaults(g->config);
  CHECK_OK(oikos_config_parse(g->config, "test", text, strlen(text), &err));
  bool classes = g->config->model.loss == OIKOS_LOSS_CROSS_ENTROPY;
  CHECK_OK(
      oikos_network_create(g->config, (oikos_shape){1, 1, INPUTS}, classes ? 4 : 1, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, g->config, &g->inner, &err));
  CHECK_OK(oikos_path_create(g->inner, g->config->inner.steps, ALL, &g->path, &err));
  g->rates = array(oikos_inner_rates(g->inner), sizeof *g->rates);
  g->gradient =
      array(oikos_network_parameters(g->net) + oikos_inner_rates(g->inner), sizeof *g->gradient);
  oikos_random r = oikos_random_at(3, OIKOS_DRAW_CHECK, 0, 0);
  for (size_t i = 0; i < ALL * INPUTS; i++)
    g->start[i] = (real)oikos_random_normal(&r);
  for (size_t i = 0; i < ALL; i++)
    g->y[i] = classes ? (real)(i % 4) : (real)oikos_random_normal(&r);
  oikos_network_initialise(g->net, OIKOS_INIT_GLOROT, 4, oikos_path_start(g->path));
  oikos_inner_first_rates(g->inner, g->rates);
  g->support = (oikos_batch){.n = support, .x = g->x, .y = g->y};
  g->query = (oikos_batch){.n = QUERY, .x = g->x + support * INPUTS, .y = g->y + support};
}

static void tear_down(rig *g) {
  free(g->config);
  free(g->rates);
  free(g->gradient);
  oikos_path_destroy(g->path);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
}

static void stand(rig *g, double t) {
  for (size_t i = 0; i < ALL * INPUTS; i++)
    g->x[i] = (real)((double)g->start[i] + t * g->way[i]);
}

/* The loss that oikos_meta_gradient differentiates: a mixture with multi_step. */
static double loss_at(rig *g, double t) {
  int64_t steps = g->config->inner.steps;
  double early = steps > 0 ? g->config->inner.multi_step : 0, loss = 0;
  stand(g, t);
  oikos_adapt(g->inner, g->path, g->rates, &g->support, steps);
  oikos_workspace *ws = oikos_path_workspace(g->path);
  loss += (1 - early) *
          oikos_network_loss(g->net, ws, oikos_path_parameters(g->inner, g->path, steps), &g->query)
              .loss;
  if (early > 0)
    loss +=
        early *
        oikos_network_loss(g->net, ws, oikos_path_parameters(g->inner, g->path, 0), &g->query).loss;
  return loss;
}

static const real *derive(rig *g) {
  stand(g, 0);
  oikos_adapt(g->inner, g->path, g->rates, &g->support, g->config->inner.steps);
  oikos_meta_gradient(g->inner, g->path, g->rates, &g->support, &g->query, g->config->inner.steps,
                      g->gradient);
  const real *dx = oikos_path_dx(g->path);
  assert_non_null(dx);
  return dx;
}

static void turn(rig *g, uint64_t which) {
  oikos_random r = oikos_random_at(9, OIKOS_DRAW_CHECK, 1, which);
  for (size_t i = 0; i < ALL * INPUTS; i++)
    g->way[i] = oikos_random_normal(&r);
}

static double norm(size_t n, const real *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  return sqrt(sum);
}

static void check(const char *layers, const char *rest, size_t support) {
  rig g;
  size_t n = (support + QUERY) * INPUTS;
  set_up(&g, layers, rest, support);
  for (uint64_t which = 0; which < 4; which++) {
    turn(&g, which);
    const real *dx = derive(&g);
    double along = 0, size = norm(n, dx);
    for (size_t i = 0; i < n; i++)
      along += (double)dx[i] * g.way[i];
    if (support > 0) // a support set that says nothing would prove nothing
      assert_true(norm(support * INPUTS, dx) > 1e-4 * size);
    double difference = (loss_at(&g, H) - loss_at(&g, -H)) / (2 * H);
    if (sizeof(real) == sizeof(double))
      check_near(along, difference, 1e-6, 1e-6 * size, which, rest);
  }
  tear_down(&g);
}

#define MLP "layers: [embedding: 3, dense: 9, tanh, dense: 6, tanh, dense: 1]"
#define CNN                                                                                        \
  "loss: cross_entropy, layers: [embedding: 3, outer_product: {width: 3, keep: 1}, dense: 9, "     \
  "tanh, dense: 4]"

static void test_inner_steps(void **state) {
  (void)state;
  check(MLP, "inner: {steps: 1, rate: 0.1}", SUPPORT);
  check(MLP, "inner: {steps: 4, rate: 0.1}", SUPPORT);
  check(CNN, "inner: {steps: 3, rate: 0.1}", SUPPORT);
  check(MLP, "inner: {steps: 3, rate: 0.1, scope: last}", SUPPORT);
}

static void test_micro_batches(void **state) {
  (void)state;
  check(MLP, "inner: {steps: 2, rate: 0.1, micro_batches: 3}", SUPPORT);
  check(CNN, "inner: {steps: 2, rate: 0.1, micro_batches: 2, learned_rates: parameter}", SUPPORT);
}

static void test_learned_rates(void **state) {
  (void)state;
  check(MLP, "inner: {steps: 3, rate: 0.1, learned_rates: parameter}", SUPPORT);
  check(MLP, "inner: {steps: 3, rate: 0.1, learned_rates: step_layer, max_norm: 0.9}", SUPPORT);
}

static void test_multi_step(void **state) {
  (void)state;
  check(MLP, "inner: {steps: 2, rate: 0.1, multi_step: 0.3}", SUPPORT);
}

/* Without a support set nothing is adapted. */
static void test_empty_support(void **state) {
  (void)state;
  check(MLP, "inner: {steps: 3, rate: 0.1, learned_rates: parameter}", 0);
  check(CNN, "inner: {steps: 0}", 0);
}

static void test_first_order(void **state) {
  rig g;
  (void)state;
  set_up(&g, MLP, "inner: {steps: 3, rate: 0.1, order: first}", SUPPORT);
  real dx[ALL * INPUTS], unused[512];
  memcpy(dx, derive(&g), sizeof dx);
  for (size_t i = 0; i < SUPPORT * INPUTS; i++)
    assert_true(dx[i] == 0);
  oikos_adapt(g.inner, g.path, g.rates, &g.support, 3);
  oikos_workspace *ws = oikos_path_workspace(g.path);
  assert_true(oikos_network_parameters(g.net) <= 512);
  oikos_network_gradient(g.net, ws, oikos_path_parameters(g.inner, g.path, 3), &g.query, 1, unused);
  assert_memory_equal(oikos_workspace_dx(g.net, ws), dx + SUPPORT * INPUTS,
                      QUERY * INPUTS * sizeof *dx);
  tear_down(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inner_steps),   cmocka_unit_test(test_micro_batches),
      cmocka_unit_test(test_learned_rates), cmocka_unit_test(test_multi_step),
      cmocka_unit_test(test_empty_support), cmocka_unit_test(test_first_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
