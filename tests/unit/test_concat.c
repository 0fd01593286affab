/* SPDX-License-Identifier: MIT
 * What concat gives: the numbers of its input, then those of the layer that it names, at the same
 * parameters as in a network that ends there. Its derivatives are judged in whole networks by
 * test_derivatives, test_chunk and test_example_slope. */
#include "check.h"

#include "base/random.h"
#include "net/choose.h"
#include "net/derivatives.h"

typedef oikos_real real;

enum { N = 3 };

/* Outputs (N, *size) of a network at the first of the same parameters, for the same examples. */
static real *outputs_of(const char *layers, oikos_shape input, size_t *size) {
  oikos_config *config = array(1, sizeof *config);
  oikos_network *net;
  oikos_workspace *ws;
  oikos_error err;
  char text[512];
  snprintf(text, sizeof text, "model: {layers: [%s]}", layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_choose(config, input, N, N, &err));
  CHECK_OK(oikos_network_create(config, input, 0, &net, &err));
  CHECK_OK(oikos_workspace_create(net, N, &ws, &err));
  oikos_random r = oikos_random_at(6, OIKOS_DRAW_CHECK, 0, 0);
  size_t in = N * oikos_network_input(net), m = oikos_network_parameters(net);
  real *x = array(in, sizeof *x), *theta = array(m, sizeof *theta);
  for (size_t i = 0; i < in; i++)
    x[i] = (real)oikos_random_normal(&r);
  for (size_t i = 0; i < m; i++)
    theta[i] = (real)oikos_random_normal(&r);
  *size = oikos_network_output_size(net);
  real *y = array(N * *size, sizeof *y);
  memcpy(y, oikos_network_outputs(net, ws, theta, N, x), N * *size * sizeof *y);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  free(config);
  free(theta);
  free(x);
  return y;
}

static void check_joined(const char *whole, const char *first, const char *second,
                         oikos_shape input) {
  size_t size, a_size, b_size;
  real *y = outputs_of(whole, input, &size), *a = outputs_of(first, input, &a_size),
       *b = outputs_of(second, input, &b_size);
  assert_int_equal(size, a_size + b_size);
  for (size_t i = 0; i < N; i++) {
    assert_memory_equal(y + i * size, a + i * a_size, a_size * sizeof *y);
    assert_memory_equal(y + i * size + a_size, b + i * b_size, b_size * sizeof *y);
  }
  free(y);
  free(a);
  free(b);
}

static void test_vectors(void **state) {
  const oikos_shape vector = {1, 1, 4};
  (void)state;
  check_joined("dense: 3, tanh, concat: {layer: 0}", "dense: 3, tanh", "dense: 3", vector);
  check_joined("dense: 3, relu, dense: 2, concat: {layer: 1}", "dense: 3, relu, dense: 2",
               "dense: 3, relu", vector);
  check_joined("dense: 3, concat: 0, relu", "dense: 3, relu", "dense: 3, relu", vector);
  check_joined("dense: 3, tanh, concat: 0, concat: 1", "dense: 3, tanh, concat: 0",
               "dense: 3, tanh", vector);
}

static void test_images(void **state) {
  const oikos_shape image = {6, 7, 2};
  (void)state;
  check_joined("conv2d: {filters: 3, padding: 1, winograd: 0}, flatten, dense: 4, concat: 0",
               "conv2d: {filters: 3, padding: 1, winograd: 0}, flatten, dense: 4",
               "conv2d: {filters: 3, padding: 1, winograd: 0}, flatten", image);
  check_joined(
      "conv2d: {filters: 3, winograd: 0}, batch_norm, relu, max_pool: 2, tanh, flatten, dense: 4, "
      "concat: 3",
      "conv2d: {filters: 3, winograd: 0}, batch_norm, relu, max_pool: 2, tanh, flatten, dense: 4",
      "conv2d: {filters: 3, winograd: 0}, batch_norm, relu, max_pool: 2, flatten", image);
}

static void test_examples(void **state) {
  (void)state;
  size_t size, rest;
  const oikos_shape rows = {1, 1, 5};
  real *y = outputs_of("embedding: 2, dense: 3, concat: 0", rows, &size),
       *a = outputs_of("dense: 3", rows, &rest);
  oikos_random r = oikos_random_at(6, OIKOS_DRAW_CHECK, 0, 0);
  assert_int_equal(size, 8);
  for (size_t i = 0; i < N; i++) {
    assert_memory_equal(y + 8 * i, a + 3 * i, 3 * sizeof *y);
    for (size_t k = 3; k < 8; k++)
      assert_true(y[8 * i + k] == (real)oikos_random_normal(&r));
  }
  free(y);
  free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_images),
                                     cmocka_unit_test(test_examples)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
