/* SPDX-License-Identifier: MIT
 * The meta-gradient through the inner steps. Second order: central differences of
 * L_query(theta_S(start, rates)) along random directions of (start, rates). First order: central
 * differences of the same computation, written here anew, with the support gradients frozen;
 * without a projection it is grad L_query(theta_S) to the bit. Differences need double; the float
 * build runs what is exact (test_golden compares float with PyTorch). */
#include "check.h"

#include "base/random.h"
#include "oikos/inner.h"

typedef oikos_real real;

enum { DIRECTIONS = 4, SUPPORT = 10, QUERY = 8 };

#define H 1e-6 /* step of the central differences */

static const char *const mlp = "model: {layers: [dense: 8, relu, dense: 6, tanh, dense: 1]}\n";
static const char *const conv =
    "model: {loss: cross_entropy, layers: [conv2d: {filters: 3, kernel: 3, padding: 1}, "
    "batch_norm, relu, max_pool: 2, "
    "conv2d: {filters: 4, kernel: 2}, batch_norm, relu, flatten, dense: 5]}\n";

static const char *const residual =
    "model: {loss: cross_entropy, layers: [conv2d: {filters: 3, padding: 1}, batch_norm, relu, "
    "conv2d: {filters: 3, padding: 1}, batch_norm, relu: {name: x}, conv2d: {filters: 3, padding: "
    "1}, batch_norm: {name: y}, add: {from: [2, x, y]}, relu, max_pool: 2, flatten, dense: 5]}\n";

typedef struct rig {
  oikos_config *config;
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_batch support, query;
  real *x, *y;
  size_t m, a;
  int64_t steps;
  double *point, *way; /* (M + A) start and rates, and a direction */
  real *rates, *gradient;
} rig;

enum { IN_DOUBLE = sizeof(real) == sizeof(double) };

static void draw_data(rig *g, oikos_random *r, bool images) {
  size_t n = SUPPORT + QUERY, in = oikos_network_input(g->net);
  g->x = array(n * in, sizeof *g->x);
  g->y = array(n, sizeof *g->y);
  for (size_t i = 0; i < n * in; i++)
    g->x[i] = (real)oikos_random_uniform(r, -2, 2);
  for (size_t i = 0; i < n; i++)
    g->y[i] = images ? (real)(i % 5) : (real)sin((double)g->x[i]);
  g->support = (oikos_batch){.n = SUPPORT, .x = g->x, .y = g->y};
  g->query = (oikos_batch){.n = QUERY, .x = g->x + SUPPORT * in, .y = g->y + SUPPORT};
}

/* A network, its rule `inner` as YAML, data, and a point (start, rates). */
static void set_up(rig *g, const char *model, const char *inner) {
  oikos_error err;
  char text[1024];
  bool images = model != mlp;
  *g = (rig){.config = array(1, sizeof *g->config)};
  snprintf(text, sizeof text, "%sinner: {%s}\n", model, inner);
  oikos_config_defaults(g->config);
  CHECK_OK(oikos_config_parse(g->config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(g->config, images ? (oikos_shape){6, 6, 1} : (oikos_shape){1, 1, 1},
                                images ? 5 : 1, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, g->config, &g->inner, &err));
  g->steps = g->config->inner.steps;
  CHECK_OK(oikos_path_create(g->inner, g->steps, SUPPORT + QUERY, &g->path, &err));
  g->m = oikos_network_parameters(g->net);
  g->a = oikos_inner_rates(g->inner);
  g->point = array(g->m + g->a, sizeof *g->point);
  g->way = array(g->m + g->a, sizeof *g->way);
  g->rates = array(g->a, sizeof *g->rates);
  g->gradient = array(g->m + g->a, sizeof *g->gradient);
  oikos_random r = oikos_random_at(2, OIKOS_DRAW_CHECK, 0, 0);
  draw_data(g, &r, images);
  oikos_network_initialise(g->net, OIKOS_INIT_HE, 4, oikos_path_start(g->path));
  oikos_inner_first_rates(g->inner, g->rates);
  for (size_t i = 0; i < g->m; i++)
    g->point[i] = (double)oikos_path_start(g->path)[i] + 0.1 * oikos_random_normal(&r);
  for (size_t i = 0; i < g->a; i++)
    g->point[g->m + i] = (double)g->rates[i] * oikos_random_uniform(&r, 0.5, 1.5);
}

static void tear_down(rig *g) {
  void *owned[] = {g->config, g->x, g->y, g->point, g->way, g->rates, g->gradient};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
  oikos_path_destroy(g->path);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
}

/* Stand at point + t way. */
static void stand(rig *g, double t) {
  for (size_t i = 0; i < g->m; i++)
    oikos_path_start(g->path)[i] = (real)(g->point[i] + t * g->way[i]);
  for (size_t i = 0; i < g->a; i++)
    g->rates[i] = (real)(g->point[g->m + i] + t * g->way[g->m + i]);
}

static double query_loss(rig *g, double t) {
  stand(g, t);
  oikos_adapt(g->inner, g->path, g->rates, &g->support, g->steps);
  const real *theta = oikos_path_parameters(g->inner, g->path, g->steps);
  return oikos_network_loss(g->net, oikos_path_workspace(g->path), theta, &g->query).loss;
}

static double meta_gradient(rig *g) {
  stand(g, 0);
  for (size_t i = 0; i < g->m + g->a; i++)
    g->gradient[i] = 77; // to be overwritten
  oikos_adapt(g->inner, g->path, g->rates, &g->support, g->steps);
  return oikos_meta_gradient(g->inner, g->path, g->rates, &g->support, &g->query, g->steps,
                             g->gradient)
      .loss;
}

/* A random direction; for rates of the size of the rates. */
static void turn(rig *g, uint64_t which) {
  oikos_random r = oikos_random_at(9, OIKOS_DRAW_CHECK, 1, which);
  for (size_t i = 0; i < g->m + g->a; i++)
    g->way[i] = (i < g->m ? 1 : 0.05) * oikos_random_normal(&r);
}

/* |gradient| |way|, the size that an error along a direction is relative to. */
static double size_along(const rig *g) {
  double gradient = 0, way = 0;
  for (size_t i = 0; i < g->m + g->a; i++) {
    gradient += (double)g->gradient[i] * (double)g->gradient[i];
    way += g->way[i] * g->way[i];
  }
  return sqrt(gradient * way / (double)(g->m + g->a));
}

static double along(const rig *g) {
  double sum = 0;
  for (size_t i = 0; i < g->m + g->a; i++)
    sum += (double)g->gradient[i] * g->way[i];
  return sum;
}

/* The support set's statistics instead of the query's own: of both sets in one batch. */
static void take_support_statistics(rig *g) {
  g->query = (oikos_batch){
      .n = SUPPORT + QUERY, .x = g->x, .y = g->y, .n_support = SUPPORT, .n_norm = SUPPORT};
}

static void check_way(const char *model, const char *inner, bool of_support) {
  rig g;
  set_up(&g, model, inner);
  if (of_support)
    take_support_statistics(&g);
  double loss = meta_gradient(&g);
  check_near(loss, query_loss(&g, 0), 0, 0, 0, "query loss");
  for (uint64_t d = 0; IN_DOUBLE && d < DIRECTIONS; d++) {
    turn(&g, d);
    double truth = (query_loss(&g, H) - query_loss(&g, -H)) / (2 * H);
    check_near(along(&g), truth, 1e-6, 1e-7 * size_along(&g), d, inner);
  }
  tear_down(&g);
}

static void check_second(const char *model, const char *inner) {
  check_way(model, inner, false);
}

/* Whether a row of theta_k, k >= 1, has been cut to the norm. */
static bool cut(rig *g, double norm) {
  bool any = false;
  stand(g, 0);
  oikos_adapt(g->inner, g->path, g->rates, &g->support, g->steps);
  const real *theta = oikos_path_parameters(g->inner, g->path, g->steps);
  for (int k = 0; k < oikos_network_tensor_count(g->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(g->net)[k];
    for (size_t row = 0; t->role == OIKOS_WEIGHT && row < t->rows; row++) {
      double sum = 0;
      for (size_t i = 0; i < t->columns; i++)
        sum += pow((double)theta[t->offset + row * t->columns + i], 2);
      any |= fabs(sqrt(sum) - norm) < 1e-6;
      if (strcmp(t->name, "4.dense.weight") == 0 || g->config->inner.scope == OIKOS_SCOPE_ALL)
        assert_true(sqrt(sum) <= norm * (1 + 1e-6));
    }
  }
  return any;
}

static void check_max_norm(const char *model, const char *inner) {
  rig g;
  set_up(&g, model, inner);
  assert_true(cut(&g, g.config->inner.max_norm));
  tear_down(&g);
  check_second(model, inner);
}

static void test_plain(void **state) {
  (void)state;
  check_second(mlp, "steps: 1, rate: 0.05");
  check_second(mlp, "steps: 5, rate: 0.05");
  check_second(conv, "steps: 1, rate: 0.1");
  check_second(conv, "steps: 5, rate: 0.1");
}

static void test_residual(void **state) {
  (void)state;
  check_second(residual, "steps: 1, rate: 0.1");
  check_second(residual, "steps: 5, rate: 0.1");
  check_second(residual, "steps: 2, rate: 0.1, from: 6, learned_rates: step_layer");
  check_way(residual, "steps: 5, rate: 0.1", true);
}

static void test_options(void **state) {
  (void)state;
  check_second(mlp, "steps: 5, rate: 0.05, micro_batches: 3");
  check_second(conv, "steps: 2, rate: 0.1, micro_batches: 3");
  check_second(mlp, "steps: 5, rate: 0.05, scope: last");
  check_second(conv, "steps: 5, rate: 0.1, scope: last");
  check_second(mlp, "steps: 4, rate: 0.05, from: 1");
  check_second(conv, "steps: 2, rate: 0.1, from: 4, learned_rates: step_layer");
  check_max_norm(mlp, "steps: 1, rate: 0.05, max_norm: 0.8");
  check_max_norm(mlp, "steps: 5, rate: 0.05, max_norm: 0.8");
  check_max_norm(conv, "steps: 3, rate: 0.1, max_norm: 0.9");
}

static void test_rates(void **state) {
  (void)state;
  check_second(mlp, "steps: 1, rate: 0.05, learned_rates: parameter");
  check_second(mlp, "steps: 5, rate: 0.05, learned_rates: parameter");
  check_second(mlp, "steps: 5, rate: 0.05, learned_rates: step_layer");
  check_second(conv, "steps: 2, rate: 0.1, learned_rates: parameter");
  check_second(conv, "steps: 2, rate: 0.1, learned_rates: step_layer");
}

static void test_combinations(void **state) {
  (void)state;
  check_max_norm(mlp,
                 "steps: 4, rate: 0.05, max_norm: 0.8, learned_rates: parameter, micro_batches: 3");
  check_max_norm(conv,
                 "steps: 2, rate: 0.1, max_norm: 0.9, learned_rates: step_layer, micro_batches: 3");
  check_max_norm(mlp, "steps: 3, rate: 0.05, max_norm: 0.8, learned_rates: step_layer, scope: "
                      "last, micro_batches: 4");
  check_second(mlp, "steps: 3, rate: 0.05, learned_rates: parameter, scope: last");
}

/* Micro-batches, three of 3, 3 and 4 examples, add up to the gradient of the whole support set. */
static void test_micro_batches(void **state) {
  (void)state;
  rig whole, parts;
  set_up(&whole, mlp, "steps: 5, rate: 0.05");
  set_up(&parts, mlp, "steps: 5, rate: 0.05, micro_batches: 3");
  meta_gradient(&whole);
  meta_gradient(&parts);
  check_vectors(whole.m, parts.gradient, whole.gradient, IN_DOUBLE ? 1e-12 : 1e-4, "micro-batches");
  oikos_error err;
  parts.config->inner.micro_batches = 25; // more of them than examples: some are empty
  oikos_inner_destroy(parts.inner);
  CHECK_OK(oikos_inner_create(parts.net, parts.config, &parts.inner, &err));
  meta_gradient(&parts);
  check_vectors(whole.m, parts.gradient, whole.gradient, IN_DOUBLE ? 1e-12 : 1e-4,
                "single examples");
  tear_down(&whole);
  tear_down(&parts);
}

/* grad L_query at the trained parameters equals the meta-gradient bit for bit. */
static void check_plain_gradient(const char *model, const char *inner) {
  rig g;
  set_up(&g, model, inner);
  meta_gradient(&g);
  real *truth = array(g.m, sizeof *truth);
  const real *theta =
      g.steps ? oikos_path_parameters(g.inner, g.path, g.steps) : oikos_path_start(g.path);
  oikos_network_gradient(g.net, oikos_path_workspace(g.path), theta, &g.query, 1, truth);
  assert_memory_equal(g.gradient, truth, g.m * sizeof *truth);
  free(truth);
  tear_down(&g);
}

static void test_first_order(void **state) {
  (void)state;
  check_plain_gradient(mlp, "steps: 5, rate: 0.05, order: first");
  check_plain_gradient(mlp, "steps: 5, rate: 0.05, order: first, learned_rates: parameter");
  check_plain_gradient(conv, "steps: 3, rate: 0.1, order: first, micro_batches: 3");
  check_plain_gradient(mlp, "steps: 2, rate: 0.05, order: first, scope: last");
}

static void test_no_steps(void **state) {
  (void)state;
  check_plain_gradient(mlp, "steps: 0");
  check_plain_gradient(conv, "steps: 0");
  check_plain_gradient(mlp, "steps: 0, max_norm: 0.1"); // the start is not projected
  check_plain_gradient(mlp, "steps: 0, learned_rates: step_layer");
}

/* theta_{k+1} = P(theta_k - rate * frozen_k) from point + t way, with the rates there; parameter
 * rates, scope all. */
static double frozen_loss(rig *g, double t, const real *frozen) {
  real *theta = array(g->m, sizeof *theta);
  double beta = g->config->inner.max_norm;
  stand(g, t);
  memcpy(theta, oikos_path_start(g->path), g->m * sizeof *theta);
  for (int64_t k = 0; k < g->steps; k++) {
    for (size_t i = 0; i < g->m; i++)
      theta[i] -= g->rates[i] * frozen[(size_t)k * g->m + i];
    for (int s = 0; s < oikos_network_tensor_count(g->net); s++) {
      const oikos_tensor *tensor = &oikos_network_tensors(g->net)[s];
      real *w = theta + tensor->offset;
      for (size_t row = 0; tensor->role == OIKOS_WEIGHT && row < tensor->rows;
           row++, w += tensor->columns) {
        double sum = 0;
        for (size_t i = 0; i < tensor->columns; i++)
          sum += (double)w[i] * (double)w[i];
        for (size_t i = 0; sqrt(sum) > beta && i < tensor->columns; i++)
          w[i] = (real)((double)w[i] * beta / sqrt(sum));
      }
    }
  }
  double loss = oikos_network_loss(g->net, oikos_path_workspace(g->path), theta, &g->query).loss;
  free(theta);
  return loss;
}

/* First order with a projection and learned rates: both are differentiated, the support gradients
 * are not. */
static void test_first_order_projected(void **state) {
  (void)state;
  rig g;
  if (!IN_DOUBLE)
    skip(); // differences need double
  set_up(&g, mlp, "steps: 4, rate: 0.05, order: first, learned_rates: parameter, max_norm: 0.8");
  assert_true(cut(&g, 0.8));
  real *frozen = array((size_t)g.steps * g.m, sizeof *frozen);
  meta_gradient(&g);
  for (int64_t k = 0; k < g.steps; k++)
    oikos_network_gradient(g.net, oikos_path_workspace(g.path),
                           oikos_path_parameters(g.inner, g.path, k), &g.support, 1,
                           frozen + (size_t)k * g.m);
  for (uint64_t d = 0; d < DIRECTIONS; d++) {
    turn(&g, d);
    double truth = (frozen_loss(&g, H, frozen) - frozen_loss(&g, -H, frozen)) / (2 * H);
    check_near(along(&g), truth, 1e-6, 1e-7 * size_along(&g), d, "first order, projected");
  }
  free(frozen);
  tear_down(&g);
}

/* ANIL moves the last layer alone. Steps beyond those trained take the last rates: equal to rates
 * spelled out. */
static void test_adapt(void **state) {
  (void)state;
  oikos_error err;
  rig g;
  set_up(&g, mlp, "steps: 3, rate: 0.05, scope: last");
  meta_gradient(&g);
  size_t last = oikos_network_last_layer(g.net);
  const real *trained = oikos_path_parameters(g.inner, g.path, 3),
             *start = oikos_path_start(g.path);
  assert_memory_equal(trained, start, last * sizeof *start);
  for (size_t i = last; i < g.m; i++)
    assert_true(trained[i] != start[i]);
  tear_down(&g);
  set_up(&g, mlp, "steps: 2, rate: 0.05, learned_rates: step_layer");
  oikos_path_destroy(g.path);
  CHECK_OK(oikos_path_create(g.inner, 4, SUPPORT + QUERY, &g.path, &err));
  stand(&g, 0);
  oikos_adapt(g.inner, g.path, g.rates, &g.support, 4);
  real *theta = array(g.m, sizeof *theta), *grad = array(g.m, sizeof *grad);
  memcpy(theta, oikos_path_start(g.path), g.m * sizeof *theta);
  for (int k = 0; k < 4; k++) {
    memset(grad, 0, g.m * sizeof *grad);
    oikos_network_gradient(g.net, oikos_path_workspace(g.path), theta, &g.support, 1, grad);
    for (int i = 0; i < oikos_network_tensor_count(g.net); i++) {
      const oikos_tensor *t = &oikos_network_tensors(g.net)[i];
      for (size_t j = t->offset; j < t->offset + t->size; j++)
        theta[j] -= g.rates[(k < 1 ? 0 : 3) + t->layer] * grad[j]; // three layers
    }
  }
  check_vectors(g.m, oikos_path_parameters(g.inner, g.path, 4), theta, IN_DOUBLE ? 1e-13 : 1e-6,
                "steps beyond");
  free(theta);
  free(grad);
  tear_down(&g);
}

static void test_support_statistics(void **state) {
  (void)state;
  check_way(conv, "steps: 1, rate: 0.1", true);
  check_way(conv, "steps: 5, rate: 0.1", true);
  check_way(conv, "steps: 2, rate: 0.1, learned_rates: parameter", true);
  check_way(conv, "steps: 2, rate: 0.1, micro_batches: 3", true);
}

/* No inner loop, nearest class mean as head: both sets in one batch. */
static void test_prototypes(void **state) {
  (void)state;
  rig g;
  set_up(&g, mlp, "steps: 0");
  oikos_network_destroy(g.net);
  oikos_inner_destroy(g.inner);
  oikos_path_destroy(g.path);
  oikos_error err;
  g.config->model.loss = OIKOS_LOSS_PROTOTYPES;
  CHECK_OK(oikos_network_create(g.config, (oikos_shape){1, 1, 1}, 0, &g.net, &err));
  CHECK_OK(oikos_inner_create(g.net, g.config, &g.inner, &err));
  CHECK_OK(oikos_path_create(g.inner, 0, SUPPORT + QUERY, &g.path, &err));
  for (size_t i = 0; i < SUPPORT + QUERY; i++)
    g.y[i] = (real)(i % 5);
  g.query = (oikos_batch){.n = SUPPORT + QUERY, .x = g.x, .y = g.y, .n_support = SUPPORT};
  check_near(meta_gradient(&g), query_loss(&g, 0), 0, 0, 0, "prototype loss");
  for (uint64_t d = 0; IN_DOUBLE && d < DIRECTIONS; d++) {
    turn(&g, d);
    check_near(along(&g), (query_loss(&g, H) - query_loss(&g, -H)) / (2 * H), 1e-6,
               1e-7 * size_along(&g), d, "prototypes");
  }
  tear_down(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_residual),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_rates),
      cmocka_unit_test(test_combinations),
      cmocka_unit_test(test_micro_batches),
      cmocka_unit_test(test_first_order),
      cmocka_unit_test(test_no_steps),
      cmocka_unit_test(test_first_order_projected),
      cmocka_unit_test(test_adapt),
      cmocka_unit_test(test_prototypes),
      cmocka_unit_test(test_support_statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
