/* SPDX-License-Identifier: MIT
 * The derivative of a loss with respect to the examples, which is taken where they hold embedding
 * rows: against central differences of the loss; along a direction of the parameters, against those
 * of the derivative itself. And the same from a workspace that keeps, of a chunk, and of any scalar
 * of the outputs. In the float build steps are wide and tolerances loose. */
#include "check.h"

#include "base/random.h"
#include "net/chunk.h"
#include "net/derivatives.h"

typedef oikos_real real;

typedef struct net_case {
  const char *layers, *loss;
  int64_t inputs, outputs;
  size_t n;
} net_case;

static const net_case cases[] = {
    {"embedding: 3, dense: 7, tanh, dense: 6, tanh, dense: 2", "mse", 8, 2, 5},
    {"embedding: 3, dense: 12, relu, dense: 4", "cross_entropy", 7, 4, 6},
    {"embedding: 4, outer_product: 4, conv2d: {filters: 3, kernel: 3, padding: 1}, tanh, "
     "max_pool: 2, conv2d: {filters: 4, kernel: 2}, tanh, flatten, dense: 3",
     "cross_entropy", 8, 3, 5},
    {"embedding: 5, outer_product: 5, conv2d: {filters: 3, kernel: 2}, batch_norm, relu, "
     "max_pool: 2, flatten, dense: 2",
     "mse", 10, 2, 6},
    {"embedding: 3, outer_product: {width: 3, keep: 1}, dense: 6, tanh, dense: 3", "cross_entropy",
     8, 3, 4},
    {"embedding: 2, dense: 6, tanh, outer_product: 3, conv2d: {filters: 2, kernel: 2}, flatten, "
     "dense: 2",
     "mse", 5, 2, 4}, // both factors move
    {"embedding: 3, outer_product: 3, conv2d: {filters: 3, kernel: 2}, tanh, flatten, concat: 0, "
     "dense: 5, tanh, concat: {layer: 3}, dense: 3",
     "cross_entropy", 6, 3, 4},
    {"embedding: 2, concat: 0, dense: 6, relu, concat: 0, dense: 5, tanh, dense: 2", "mse", 5, 2,
     4},
    {"embedding: 2, dense: {units: 5, name: a}, add: {from: [a, input]}, tanh, dense: {units: 3, "
     "from: 0, name: b}, concat: {from: [3, b, input]}, dense: 2",
     "mse", 5, 2, 4},
    // layers whose input does not move and whose dx is wanted
    {"embedding: 2, batch_norm, tanh, dense: 3", "cross_entropy", 5, 3, 7},
    {"embedding: 2, tanh, dense: 2", "mse", 4, 2, 3},
    {"embedding: 2, set_mean: {concat: 1}, dense: 5, tanh, dense: 2", "mse", 6, 2, 4},
    {"embedding: 1, conv2d: {filters: 5, kernel: 3, padding: 1, winograd: 1}, tanh, flatten, "
     "dense: 2",
     "mse", 3, 2, 4},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct rig {
  oikos_network *net;
  oikos_workspace *ws;
  oikos_batch batch;
  size_t m, numbers; /* parameters; numbers of the batch */
  real *x, *y, *theta, *there, *direction, *grad, *product, *found, *truth;
} rig;

static void draw(size_t n, uint64_t number, double scale, real *x) {
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, 0, number);
  for (size_t i = 0; i < n; i++)
    x[i] = (real)(scale * oikos_random_normal(&r));
}

static void draw_batch(const net_case *k, const oikos_network *net, uint64_t number, real *x,
                       real *y) {
  size_t targets = oikos_network_targets(net);
  draw(k->n * (size_t)k->inputs, number, 1, x);
  draw(k->n * targets, 100 + number, 1, y);
  for (size_t i = 0; strcmp(k->loss, "mse") != 0 && i < k->n; i++)
    y[i] = (real)((i + number) % (size_t)k->outputs);
}

static oikos_network *network_of(const net_case *k) {
  oikos_config *config = array(1, sizeof *config);
  oikos_network *net;
  oikos_error err;
  char text[1024];
  snprintf(text, sizeof text, "model: {loss: %s, layers: [%s]}", k->loss, k->layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(config, (oikos_shape){1, 1, k->inputs}, k->outputs, &net, &err));
  free(config);
  return net;
}

static void set_up(rig *g, const net_case *k, bool keeping) {
  oikos_error err;
  *g = (rig){.net = network_of(k)};
  g->m = oikos_network_parameters(g->net);
  g->numbers = k->n * oikos_network_input(g->net);
  CHECK_OK(keeping ? oikos_workspace_create_keeping(g->net, k->n, &g->ws, &err)
                   : oikos_workspace_create(g->net, k->n, &g->ws, &err));
  real **of_theta[] = {&g->theta, &g->there, &g->direction, &g->grad, &g->product};
  for (size_t i = 0; i < sizeof of_theta / sizeof *of_theta; i++)
    *of_theta[i] = array(g->m, sizeof(real));
  g->x = array(g->numbers, sizeof *g->x);
  g->found = array(g->numbers, sizeof *g->found);
  g->truth = array(g->numbers, sizeof *g->truth);
  g->y = array(k->n * oikos_network_targets(g->net), sizeof *g->y);
  draw_batch(k, g->net, 0, g->x, g->y);
  g->batch = (oikos_batch){.n = k->n, .x = g->x, .y = g->y};
  draw(g->m, 1000, 0.5, g->theta);
  draw(g->m, 1001, 1 / sqrt((double)g->m), g->direction);
}

static void tear_down(rig *g) {
  real *owned[] = {g->x,    g->y,       g->theta, g->there, g->direction,
                   g->grad, g->product, g->found, g->truth};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
  oikos_workspace_destroy(g->ws);
  oikos_network_destroy(g->net);
}

static void keep_dx(rig *g, real *to) {
  memcpy(to, oikos_workspace_dx(g->net, g->ws), g->numbers * sizeof *to);
}

/* found = dx at theta + t direction. */
static void dx_at(rig *g, double t, real *found) {
  for (size_t i = 0; i < g->m; i++)
    g->there[i] = g->theta[i] + (real)t * g->direction[i];
  oikos_network_derive(g->net, g->ws, g->there, NULL, &g->batch, 1, true, g->grad, NULL);
  keep_dx(g, found);
}

/* truth = each coordinate of dLoss/dx. */
static void difference(rig *g) {
  const double h = tolerance(1e-3, 1e-5);
  for (size_t i = 0; i < g->numbers; i++) {
    real old = g->x[i];
    g->x[i] = old + (real)h;
    double plus = oikos_network_loss(g->net, g->ws, g->theta, &g->batch).loss;
    g->x[i] = old - (real)h;
    double minus = oikos_network_loss(g->net, g->ws, g->theta, &g->batch).loss;
    g->x[i] = old;
    g->truth[i] = (real)((plus - minus) / (2 * h));
  }
}

static void check_differences(const net_case *k) {
  const double h = tolerance(1e-3, 1e-5);
  rig g;
  set_up(&g, k, false);
  dx_at(&g, 0, g.found);
  difference(&g);
  check_vectors(g.numbers, g.found, g.truth, tolerance(2e-2, 1e-6), k->layers);
  dx_at(&g, h, g.truth);
  dx_at(&g, -h, g.found);
  for (size_t i = 0; i < g.numbers; i++)
    g.truth[i] = (g.truth[i] - g.found[i]) / (real)(2 * h);
  oikos_network_derive(g.net, g.ws, g.theta, g.direction, &g.batch, 1, true, NULL, g.product);
  check_vectors(g.numbers, oikos_workspace_dx_t(g.net, g.ws), g.truth, tolerance(2e-2, 1e-6),
                k->layers);
  tear_down(&g);
}

static void test_differences(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++)
    check_differences(&cases[i]);
}

/* Both are of weight * loss. */
static void test_weight(void **state) {
  (void)state;
  rig g;
  set_up(&g, &cases[0], false);
  oikos_network_derive(g.net, g.ws, g.theta, g.direction, &g.batch, 1, true, g.grad, g.product);
  keep_dx(&g, g.found);
  memcpy(g.truth, oikos_workspace_dx_t(g.net, g.ws), g.numbers * sizeof *g.truth);
  oikos_network_derive(g.net, g.ws, g.theta, g.direction, &g.batch, 2, false, g.grad, g.product);
  const real *dx = oikos_workspace_dx(g.net, g.ws), *dx_t = oikos_workspace_dx_t(g.net, g.ws);
  for (size_t i = 0; i < g.numbers; i++) {
    check_near((double)dx[i], 2 * (double)g.found[i], tolerance(1e-5, 1e-13), 0, i, "dx");
    check_near((double)dx_t[i], 2 * (double)g.truth[i], tolerance(1e-4, 1e-12), 1e-7, i, "dx_t");
  }
  tear_down(&g);
}

/* Once more in a workspace that keeps: the bits of a pass from the beginning, and dx stays. */
static void check_kept(const net_case *k) {
  rig g;
  set_up(&g, k, true);
  oikos_network_derive(g.net, g.ws, g.theta, g.direction, &g.batch, 1, true, g.grad, g.product);
  keep_dx(&g, g.found);
  memcpy(g.truth, oikos_workspace_dx_t(g.net, g.ws), g.numbers * sizeof *g.truth);
  oikos_network_derive(g.net, g.ws, g.theta, NULL, &g.batch, 1, true, g.grad, NULL);
  draw(g.m, 1002, 1, g.there);
  oikos_network_kept_product(g.net, g.ws, g.theta, g.there, &g.batch, g.product);
  oikos_network_kept_gradient(g.net, g.ws, g.theta, &g.batch, g.grad);
  oikos_network_kept_product(g.net, g.ws, g.theta, g.direction, &g.batch, g.product);
  size_t bytes = g.numbers * sizeof *g.found;
  assert_memory_equal(oikos_workspace_dx(g.net, g.ws), g.found, bytes);
  assert_memory_equal(oikos_workspace_dx_t(g.net, g.ws), g.truth, bytes);
  tear_down(&g);
}

static void test_kept(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++)
    check_kept(&cases[i]);
}

/* A learner's own in a chunk. */
static void check_member(rig *g, oikos_chunk *chunk, const net_case *k, size_t i) {
  oikos_workspace *ws = oikos_chunk_workspace(chunk);
  draw_batch(k, g->net, i, g->x, g->y);
  oikos_network_derive(g->net, g->ws, g->theta, g->direction, &g->batch, 1, true, g->grad,
                       g->product);
  oikos_chunk_gradient(g->net, chunk, i, g->theta, g->grad);
  check_vectors(g->numbers, oikos_workspace_dx(g->net, ws), oikos_workspace_dx(g->net, g->ws),
                tolerance(1e-5, 1e-12), k->layers);
  oikos_chunk_product(g->net, chunk, i, g->theta, g->direction, g->product);
  check_vectors(g->numbers, oikos_workspace_dx_t(g->net, ws), oikos_workspace_dx_t(g->net, g->ws),
                tolerance(1e-4, 1e-12), k->layers);
}

static void test_chunk(void **state) {
  (void)state;
  int chunks = 0;
  for (int c = 0; c < CASES; c++) {
    rig g;
    oikos_error err;
    oikos_chunk *chunk;
    set_up(&g, &cases[c], false);
    if (oikos_network_batches_learners(g.net)) {
      CHECK_OK(oikos_chunk_create(g.net, cases[c].n, &chunk, &err));
      for (size_t i = 0; i < OIKOS_CHUNK; i++) {
        draw_batch(&cases[c], g.net, i, g.x, g.y);
        oikos_chunk_set(g.net, chunk, i, &g.batch);
      }
      oikos_chunk_derive(g.net, chunk, g.theta);
      for (size_t i = OIKOS_CHUNK; i-- > 0;)
        check_member(&g, chunk, &cases[c], i);
      oikos_chunk_destroy(chunk);
      chunks++;
    }
    tear_down(&g);
  }
  assert_int_equal(chunks, 6);
}

static double scalar(rig *g, const real *dy, size_t n) {
  const real *y = oikos_network_outputs(g->net, g->ws, g->theta, g->batch.n, g->x);
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)dy[i] * (double)y[i];
  return sum;
}

static void test_pull_back(void **state) {
  (void)state;
  const double h = tolerance(1e-3, 1e-5);
  const net_case *k = &cases[2];
  rig g;
  set_up(&g, k, false);
  size_t n = k->n * (size_t)k->outputs;
  real *dy = array(n, sizeof *dy);
  draw(n, 7, 1, dy);
  scalar(&g, dy, n);
  oikos_network_pull_back(g.net, g.ws, g.theta, k->n, g.x, dy, g.grad);
  keep_dx(&g, g.found);
  for (size_t i = 0; i < g.numbers; i++) {
    real old = g.x[i];
    g.x[i] = old + (real)h;
    double plus = scalar(&g, dy, n);
    g.x[i] = old - (real)h;
    g.truth[i] = (real)((plus - scalar(&g, dy, n)) / (2 * h));
    g.x[i] = old;
  }
  check_vectors(g.numbers, g.found, g.truth, tolerance(2e-2, 1e-6), "dx of a scalar");
  free(dy);
  tear_down(&g);
}

static void test_without_rows(void **state) {
  (void)state;
  rig g;
  set_up(&g, &(net_case){"dense: 3, tanh, dense: 2", "mse", 4, 2, 3}, false);
  assert_null(oikos_workspace_dx(g.net, g.ws));
  assert_null(oikos_workspace_dx_t(g.net, g.ws));
  tear_down(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_differences), cmocka_unit_test(test_weight),
      cmocka_unit_test(test_kept),        cmocka_unit_test(test_chunk),
      cmocka_unit_test(test_pull_back),   cmocka_unit_test(test_without_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
