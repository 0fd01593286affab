/* SPDX-License-Identifier: MIT
 * A first layer that is recomputed rather than kept, whose statistics and whose part in the
 * gradient of batch normalisation follow from the moments of the images' patches: loss, gradient
 * and Hessian product are those of the same network that keeps it, to rounding; and it is kept
 * where its output is wanted twice or the layer behind does not ask. */
#include "check.h"

#include "base/random.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

enum { N = 5, WAYS = 3 };

#define BEHIND ", batch_norm, relu, max_pool: 2, flatten, dense: 3]}\n"

static oikos_network *network_of(const char *layers, int64_t side, int64_t channels) {
  oikos_config *config = array(1, sizeof *config);
  oikos_network *net;
  oikos_error err;
  char model[512];
  snprintf(model, sizeof model, "model: {loss: cross_entropy, layers: [%s", layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", model, strlen(model), &err));
  CHECK_OK(oikos_network_create(config, (oikos_shape){side, side, channels}, WAYS, &net, &err));
  free(config);
  return net;
}

static void draw(size_t n, uint64_t number, real *x) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, number);
  for (size_t i = 0; i < n; i++)
    x[i] = (real)oikos_random_normal(&r);
}

/* Gradient and product (2 m), of a batch; returns the loss that only goes forward. */
static double derive(const oikos_network *net, const oikos_batch *batch, const real *theta,
                     const real *direction, bool alone, real *found) {
  size_t m = oikos_network_parameters(net);
  oikos_workspace *ws;
  oikos_error err;
  CHECK_OK(oikos_workspace_create(net, N, &ws, &err));
  oikos_judgement j = oikos_network_derive(net, ws, theta, direction, batch, (real)0.7, true,
                                           alone ? NULL : found, direction ? found + m : NULL);
  double loss = oikos_network_loss(net, ws, theta, batch).loss;
  assert_true(j.loss == loss);
  oikos_workspace_destroy(ws);
  return loss;
}

/* The rounding of both: in float more of the network with more positions. */
static void compare(size_t m, const real *found, const real *truth, const char *what) {
  check_vectors(m, found, truth, tolerance(2e-5, 1e-12), what);
}

/* The statistics are those of the first n_norm examples; 0: of all. */
static void check_same(const char *layers, int64_t side, int64_t channels, size_t n_norm) {
  oikos_network *net = network_of(layers, side, channels), kept = *net;
  size_t m = oikos_network_parameters(net), in = oikos_network_input(net);
  real *memory = array(6 * m + N * in, sizeof *memory), *theta = memory, *direction = memory + m,
       *found = memory + 2 * m, *truth = memory + 4 * m, *x = memory + 6 * m, y[N];
  oikos_batch batch = {.n = N, .n_norm = n_norm, .x = x, .y = y};
  assert_true(net->recomputes);
  kept.recomputes = false;
  draw(2 * m, 1, theta);
  draw(N * in, 2, x);
  for (size_t i = 0; i < N; i++)
    y[i] = (real)(i % WAYS);
  for (int way = 0; way < 3; way++) { // the gradient; both; the product alone
    const real *along = way > 0 ? direction : NULL;
    memset(found, 0, 4 * m * sizeof *found); // what is not wanted stays so
    double loss = derive(net, &batch, theta, along, way == 2, found);
    check_near(loss, derive(&kept, &batch, theta, along, way == 2, truth), tolerance(1e-5, 1e-13),
               0, 0, "loss");
    if (way < 2)
      compare(m, found, truth, "gradient");
    if (way > 0)
      compare(m, found + m, truth + m, "Hessian product");
  }
  free(memory);
  oikos_network_destroy(net);
}

static void test_same(void **state) {
  (void)state;
  for (size_t n_norm = 0; n_norm <= 3; n_norm += 3) {
    check_same("conv2d: {filters: 16, kernel: 3, padding: 1}" BEHIND, 9, 1, n_norm);
    check_same("conv2d: {filters: 64, kernel: 3, stride: 2, padding: 1}" BEHIND, 9, 3, n_norm);
    check_same("conv2d: {filters: 37, kernel: 5}" BEHIND, 9, 1, n_norm);
    check_same("conv2d: {filters: 16, kernel: 3}, batch_norm, max_pool: 3, flatten, dense: 3]}\n",
               10, 1, n_norm);
    check_same("conv2d: {filters: 16, kernel: 3}, batch_norm, max_pool: 4, flatten, dense: 3]}\n",
               13, 1, n_norm);
    check_same("conv2d: {filters: 16, kernel: 1}, batch_norm, flatten, dense: 3]}\n", 9, 2, n_norm);
  }
}

/* Images that are nearly of one value, as drawings on paper are: the variance is a small difference
 * of moments. */
static void test_pale(void **state) {
  (void)state;
  oikos_network *net = network_of("conv2d: {filters: 16, kernel: 3, padding: 0}" BEHIND, 9, 1);
  oikos_network kept = *net;
  size_t m = oikos_network_parameters(net), in = oikos_network_input(net);
  real *memory = array(3 * m + N * in, sizeof *memory), *theta = memory, *found = memory + m,
       *truth = memory + 2 * m, *x = memory + 3 * m, y[N];
  oikos_batch batch = {.n = N, .x = x, .y = y};
  kept.recomputes = false;
  draw(m, 1, theta);
  draw(N * in, 2, x);
  for (size_t i = 0; i < N * in; i++)
    x[i] = 1 + x[i] / 64;
  for (size_t i = 0; i < N; i++)
    y[i] = (real)(i % WAYS);
  derive(net, &batch, theta, NULL, false, found);
  derive(&kept, &batch, theta, NULL, false, truth);
  check_vectors(m, found, truth, tolerance(1e-3, 1e-11), "gradient on pale images");
  free(memory);
  oikos_network_destroy(net);
}

/* A workspace has no room for what is recomputed. */
static void test_memory(void **state) {
  (void)state;
  oikos_network *net = network_of("conv2d: {filters: 16, kernel: 3, padding: 1}" BEHIND, 9, 1);
  oikos_workspace *ws;
  oikos_error err;
  CHECK_OK(oikos_workspace_create(net, N, &ws, &err));
  assert_ptr_equal(ws->y[0], ws->y_t[0]);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
}

static void check_kept(const char *layers, int64_t side, int64_t channels) {
  oikos_network *net = network_of(layers, side, channels);
  assert_false(net->recomputes);
  oikos_network_destroy(net);
}

static void test_kept(void **state) {
  (void)state;
  check_kept("conv2d: {filters: 16, kernel: 3}, relu, batch_norm, flatten, dense: 3]}\n", 9, 1);
  check_kept("conv2d: {filters: 16, kernel: 3}" BEHIND, 9, 4); // 36 numbers a patch
  check_kept("conv2d: {filters: 16, kernel: 3, winograd: 1}" BEHIND, 9, 1);
  check_kept("conv2d: {filters: 1, kernel: 3}" BEHIND, 9, 1); // fewer filters than a vector holds
  check_kept("conv2d: {filters: 16, kernel: 5}, batch_norm, tanh, concat: 0, dense: 3]}\n", 5, 1);
  check_kept("conv2d: {filters: 16, padding: 1, name: x}, batch_norm, relu, add: {from: [x, 2]}, "
             "flatten, dense: 3]}\n",
             9, 1);
  check_kept("conv2d: {filters: 16, padding: 1, name: x}, batch_norm: {from: input}, conv2d: "
             "{filters: 16, padding: 1}, add: {from: [x, 2]}, flatten, dense: 3]}\n",
             9, 1);
}

/* From so many filters on as fill a vector, however long this library's are. */
static void test_filters(void **state) {
  (void)state;
  int64_t whole = 0;
  for (int64_t filters = 1; filters <= 16; filters++) {
    char layers[256];
    snprintf(layers, sizeof layers, "conv2d: {filters: %d, kernel: 3}" BEHIND, (int)filters);
    oikos_network *net = network_of(layers, 9, 1);
    whole = whole || !net->recomputes ? whole : filters;
    assert_int_equal(net->recomputes, whole > 0);
    oikos_network_destroy(net);
  }
  assert_int_equal(whole * (int64_t)sizeof(real) % 16, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same), cmocka_unit_test(test_pale),    cmocka_unit_test(test_memory),
      cmocka_unit_test(test_kept), cmocka_unit_test(test_filters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
