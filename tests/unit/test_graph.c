/* SPDX-License-Identifier: MIT
 * How layers hang together: what add and concat give, against sums written here; names; that a
 * chain is the graph which says so; who computes a neighbour along; and which slopes share a
 * buffer. Derivatives of graphs are judged by test_derivatives, test_meta_gradient, test_chunk and
 * test_example_slope. */
#include "check.h"

#include "base/random.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

enum { N = 3 };

static const oikos_shape image = {6, 5, 2};

static oikos_network *network_of(const char *layers, oikos_shape input) {
  oikos_config *config = array(1, sizeof *config);
  oikos_network *net;
  oikos_error err;
  char text[1024];
  snprintf(text, sizeof text, "model: {layers: [%s]}", layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(config, input, 0, &net, &err));
  free(config);
  return net;
}

static oikos_workspace *workspace_of(const oikos_network *net) {
  oikos_workspace *ws;
  oikos_error err;
  CHECK_OK(oikos_workspace_create(net, N, &ws, &err));
  return ws;
}

static real *draw(size_t count, uint64_t number) {
  oikos_random r = oikos_random_at(4, OIKOS_DRAW_CHECK, 0, number);
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)oikos_random_normal(&r);
  return x;
}

/* What unit u of a dense layer or 1 x 1 convolution, from theta on, gives for c numbers. */
static double unit(const real *theta, size_t units, size_t c, size_t u, const real *x) {
  double sum = (double)theta[units * c + u];
  for (size_t j = 0; j < c; j++)
    sum += (double)theta[u * c + j] * (double)x[j];
  return sum;
}

/* Two layers of `a` and `b` units that take the same c numbers: their sum if `summed`, else one
 * behind the other; at every position. */
static void check_joined(const char *layers, oikos_shape input, size_t a, size_t b, bool summed) {
  oikos_network *net = network_of(layers, input);
  oikos_workspace *ws = workspace_of(net);
  size_t c = (size_t)input.channels, rows = N * (size_t)(input.height * input.width);
  real *x = draw(rows * c, 1), *theta = draw(oikos_network_parameters(net), 2);
  const real *y = oikos_network_outputs(net, ws, theta, N, x), *other = theta + a * (c + 1);
  assert_int_equal(N * net->outputs, rows * (summed ? a : a + b));
  for (size_t row = 0; row < rows; row++)
    for (size_t u = 0; u < (summed ? a : a + b); u++, y++) {
      double first = u < a ? unit(theta, a, c, u, x + row * c) : 0,
             second = summed   ? unit(other, b, c, u, x + row * c)
                      : u >= a ? unit(other, b, c, u - a, x + row * c)
                               : 0;
      check_near((double)*y, first + second, tolerance(1e-5, 1e-13), tolerance(1e-5, 1e-13), row,
                 layers);
    }
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  free(theta);
  free(x);
}

static void test_values(void **state) {
  (void)state;
  const oikos_shape vector = {1, 1, 4};
  check_joined("dense: {units: 3, name: a}, dense: {units: 3, from: input, name: b}, "
               "add: {from: [a, b]}",
               vector, 3, 3, true);
  check_joined("conv2d: {filters: 3, kernel: 1, name: a}, conv2d: {filters: 3, kernel: 1, from: "
               "input}, add: {from: [1, a]}",
               image, 3, 3, true);
  check_joined("dense: {units: 3, name: a}, dense: {units: 2, from: input, name: b}, "
               "concat: {from: [a, b]}",
               vector, 3, 2, false);
  check_joined("conv2d: {filters: 3, kernel: 1, name: a}, conv2d: {filters: 5, kernel: 1, from: "
               "input}, concat: {from: [a, 1]}",
               image, 3, 5, false);
}

static void test_names(void **state) {
  (void)state;
  static const char *const expected[] = {"stem.conv2d.weight",  "stem.conv2d.bias",
                                         "1.batch_norm.scale",  "1.batch_norm.shift",
                                         "head_1.dense.weight", "head_1.dense.bias"};
  oikos_network *net = network_of(
      "conv2d: {filters: 2, name: stem}, batch_norm, relu: {name: x}, add: {from: [x, x]}, "
      "flatten: {name: f}, dense: {units: 3, name: head_1}",
      image);
  assert_int_equal(oikos_network_tensor_count(net), sizeof expected / sizeof *expected);
  for (int i = 0; i < oikos_network_tensor_count(net); i++)
    assert_string_equal(oikos_network_tensors(net)[i].name, expected[i]);
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_network_describe(net, out);
  fclose(out);
  assert_non_null(strstr(text, "-> 4 x 3 x 2, 0 parameters; takes 1, 1\n"));
  assert_non_null(strstr(text, "-> 4 x 3 x 2, 38 parameters\n"));
  free(text);
  oikos_network_destroy(net);
}

/* Loss, gradient and Hessian product (1 + 2 M) at the same parameters for the same batch. */
static real *derivatives(const char *layers, oikos_shape input, size_t *count) {
  oikos_network *net = network_of(layers, input);
  oikos_workspace *ws = workspace_of(net);
  size_t m = oikos_network_parameters(net);
  real *x = draw(N * oikos_network_input(net), 1), *y = draw(N * net->outputs, 2),
       *theta = draw(m, 3), *direction = draw(m, 4), *all = array(1 + 2 * m, sizeof *all);
  oikos_batch batch = {.n = N, .x = x, .y = y};
  all[0] =
      (real)oikos_network_derive(net, ws, theta, direction, &batch, 1, true, all + 1, all + 1 + m)
          .loss;
  void *owned[] = {x, y, theta, direction};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  *count = 1 + 2 * m;
  return all;
}

static void check_same(const char *layers, const char *others, oikos_shape input) {
  size_t count, same;
  real *a = derivatives(layers, input, &count), *b = derivatives(others, input, &same);
  assert_int_equal(count, same);
  assert_memory_equal(a, b, count * sizeof *a);
  free(a);
  free(b);
}

/* Two ways to write the same network: the same bits. */
static void test_same(void **state) {
  (void)state;
  check_same("conv2d: 4, batch_norm, relu, max_pool: 2, flatten, dense: 3, tanh, dense: 2",
             "conv2d: {filters: 4, from: input, name: a}, batch_norm: {from: a}, relu: {name: b, "
             "from: 1}, max_pool: {size: 2, from: [b]}, flatten: {from: 3, name: c}, "
             "dense: {units: 3, from: c, name: d}, tanh: {from: d}, dense: {units: 2, from: 6}",
             image);
  check_same("dense: 4, relu, dense: 3, concat: {layer: 1}, dense: 2",
             "dense: 4, relu: {name: a}, dense: 3, concat: {from: [2, a]}, dense: 2",
             (oikos_shape){1, 1, 4});
  check_same("dense: 4, relu, dense: 3, concat: 0, dense: 2",
             "dense: {units: 4, name: a}, relu, dense: 3, concat: {from: [2, a]}, dense: 2",
             (oikos_shape){1, 1, 4});
}

static void check_layers(const char *layers, oikos_shape input, int expected) {
  oikos_network *net = network_of(layers, input);
  if (net->n_layers != expected)
    fail_msg("%s: %d layers, expected %d", layers, net->n_layers, expected);
  oikos_network_destroy(net);
}

/* A layer computes the next one along wherever that stands, if nobody else takes what it gives. */
static void test_absorbed(void **state) {
  (void)state;
  const oikos_shape vector = {1, 1, 4};
  check_layers("dense: 4, relu", vector, 1);
  check_layers("dense: {units: 4, name: a}, dense: {units: 4, from: input, name: b}, "
               "relu: {from: a}, add: {from: [2, b]}",
               vector, 3);
  check_layers("dense: {units: 4, name: a}, relu, add: {from: [1, a]}", vector, 3);
  check_layers("batch_norm, relu: {name: a}, add: {from: [a, a]}", image, 2);
  check_layers("batch_norm: {name: a}, relu, add: {from: [1, a]}", image, 3);
  check_layers("batch_norm, relu: {name: a}, max_pool: 1, add: {from: [2, a]}", image, 3);
}

/* The last layer that takes what layer i gives. */
static int last_taker(const oikos_network *net, int i) {
  int last = i;
  for (int j = i + 1; j < net->n_layers; j++)
    for (int k = 0; k < net->layer[j].n_inputs; k++)
      last = net->layer[j].input[k].node == i ? j : last;
  return last;
}

/* Buffers of slopes; none is taken while what stands there is wanted. */
static void check_places(const char *layers, oikos_shape input, int expected, size_t apart) {
  oikos_network *net = network_of(layers, input);
  oikos_workspace *ws = workspace_of(net);
  int distinct = 0;
  for (int i = 0; i < net->n_layers; i++) {
    bool found = false;
    for (int j = 0; j < i; j++) {
      found |= ws->dy[j] == ws->dy[i];
      if (last_taker(net, j) >= i)
        assert_true(ws->dy[j] != ws->dy[i] && ws->dy_t[j] != ws->dy_t[i]);
    }
    distinct += !found;
  }
  if (distinct != expected)
    fail_msg("%s: %d buffers, expected %d", layers, distinct, expected);
  assert_int_equal(net->apart, apart);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
}

static void test_places(void **state) {
  (void)state;
  const oikos_shape vector = {1, 1, 4};
  check_places("tanh, dense: 9, tanh, dense: 3, tanh, dense: 8, dense: 2", vector, 2, 0);
  check_places("dense: {units: 4, name: x}, tanh, dense: {units: 4, name: y}, add: {from: [x, y]}, "
               "tanh, dense: {units: 4, name: z}, add: {from: [4, z]}, dense: 2",
               vector, 3, 4);
  check_places("dense: {units: 4, name: x}, tanh, dense: {units: 4, name: y}, add: {from: [x, x, "
               "y]}, add: {from: [x, y, 3]}, dense: 2",
               vector, 4, 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),   cmocka_unit_test(test_names),  cmocka_unit_test(test_same),
      cmocka_unit_test(test_absorbed), cmocka_unit_test(test_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
