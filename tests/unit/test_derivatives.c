/* SPDX-License-Identifier: MIT
 * Whole networks, which together use every layer: the gradient against central differences of the
 * loss (each coordinate), the Hessian-vector product against central differences of the gradient,
 * and the symmetry u.Hv = v.Hu. In the float build steps are wide and tolerances loose; symmetry is
 * sharp there too. */
#include "check.h"

#include "base/random.h"
#include "oikos/network.h"

typedef oikos_real real;

typedef struct net_case {
  const char *layers, *loss;
  oikos_shape input;
  int64_t outputs;
  size_t n;
  double tangent; /* relative tolerance in float of what is differentiated twice */
} net_case;

static const net_case mlp = {
    "[dense: 7, relu, dense: 6, tanh, dense: 2]", "mse", {1, 1, 3}, 2, 5, 2e-2};
static const net_case conv = {
    "[conv2d: {filters: 3, kernel: 3, padding: 1}, batch_norm, relu, max_pool: 2, "
    "conv2d: {filters: 4, kernel: 2, kernel_width: 3, stride: 2, padding: 1}, batch_norm, tanh, "
    "flatten, dense: 3]",
    "cross_entropy",
    {8, 7, 2},
    3,
    6,
    2e-2};
static const net_case norm_first = {
    "[batch_norm, conv2d: {filters: 2, kernel: 2}, tanh, max_pool: {size: 3, stride: 2}, "
    "flatten, dense: 4]",
    "cross_entropy",
    {6, 6, 1},
    4,
    7,
    2e-2};
static const net_case deep = {"[flatten, dense: 5, tanh, dense: 5, batch_norm, tanh, dense: 3]",
                              "mse",
                              {2, 1, 2},
                              3,
                              6,
                              2e-2};

/* What layers 1 (behind its relu) and 4 give is used twice, that of the image once more flattened.
 */
static const net_case branches = {
    "[dense: 5, relu, dense: 4, concat: {layer: 1}, tanh, concat: {layer: 4}, dense: 6, tanh, "
    "concat: 1, dense: 2]",
    "mse",
    {1, 1, 3},
    2,
    6,
    2e-2};
static const net_case image_branch = {
    "[conv2d: {filters: 2, kernel: 3}, batch_norm, relu, max_pool: 2, conv2d: {filters: 3, kernel: "
    "2}, tanh, flatten, concat: {layer: 3}, dense: 7, tanh, concat: {layer: 5}, dense: 3]",
    "cross_entropy",
    {8, 6, 1},
    3,
    6,
    2e-2};

/* A residual block: what goes in is added to what comes out. One whose shortcut is a convolution;
 * what the examples give is taken twice. */
static const net_case residual = {
    "[conv2d: {filters: 3, padding: 1, name: stem}, batch_norm, relu: {name: x}, "
    "conv2d: {filters: 3, padding: 1}, batch_norm, relu, conv2d: {filters: 3, padding: 1}, "
    "batch_norm: {name: y}, add: {from: [x, y]}, relu, max_pool: 2, flatten, dense: 3]",
    "cross_entropy",
    {6, 5, 2},
    3,
    6,
    2e-2};
static const net_case shortcut = {
    "[conv2d: {filters: 4, stride: 2, padding: 1}, batch_norm, tanh, "
    "conv2d: {filters: 4, padding: 1}, batch_norm: {name: long}, "
    "conv2d: {filters: 4, kernel: 1, stride: 2, from: input}, batch_norm: {name: short}, "
    "add: {from: [long, short]}, relu, flatten, dense: 3]",
    "cross_entropy",
    {7, 6, 3},
    3,
    6,
    2e-2};
/* Images beside each other by channel; three who take one layer, in an order that is not that of
 * the list; a sum with one term twice, and with the examples, which do not move. */
static const net_case wide = {
    "[conv2d: {filters: 2, name: a}, tanh: {name: b}, conv2d: {filters: 3, padding: 1, from: b}, "
    "tanh: {name: c}, concat: {from: [c, b, a]}, batch_norm, relu, "
    "conv2d: {filters: 2, padding: 1}, add: {from: [7, b, a, b]}, tanh, flatten, dense: 3]",
    "cross_entropy",
    {6, 5, 1},
    3,
    5,
    2e-2};
static const net_case sums = {
    "[add: {from: [input, input]}, dense: {units: 4, name: u}, add: {from: [input, u]}, tanh, "
    "dense: {units: 4, name: v}, relu: {from: u, name: w}, concat: {from: [v, input, w]}, dense: "
    "2]",
    "mse",
    {1, 1, 4},
    2,
    6,
    2e-2};

typedef struct rig {
  oikos_network *net;
  oikos_workspace *ws;
  oikos_batch batch;
  size_t m;
  real *x, *y, *theta, *there, *grad, *other, *u, *v, *product;
} rig;

static real *draw(oikos_random *r, size_t count, double scale) {
  real *x = calloc(count, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)(scale * oikos_random_normal(r));
  return x;
}

static oikos_network *network_of(const net_case *k) {
  oikos_config *config = malloc(sizeof *config);
  oikos_network *net;
  oikos_error err;
  char text[1024];
  snprintf(text, sizeof text, "model: {loss: %s, layers: %s}", k->loss, k->layers);
  assert_non_null(config);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(config, k->input, k->outputs, &net, &err));
  free(config);
  return net;
}

static void set_up(rig *g, const net_case *k) {
  oikos_error err;
  oikos_random r = oikos_random_at(3, OIKOS_DRAW_CHECK, (uint64_t)k->n, (uint64_t)k->input.height);
  *g = (rig){.net = network_of(k)};
  g->m = oikos_network_parameters(g->net);
  CHECK_OK(oikos_workspace_create(g->net, k->n, &g->ws, &err));
  size_t targets = oikos_network_targets(g->net);
  g->x = draw(&r, k->n * oikos_network_input(g->net), 1);
  g->y = draw(&r, k->n * targets, 1);
  for (size_t i = 0; targets == 1 && i < k->n; i++)
    g->y[i] = (real)(i % (size_t)k->outputs);
  g->batch = (oikos_batch){.n = k->n, .x = g->x, .y = g->y};
  g->theta = draw(&r, g->m, 0.5);
  g->there = draw(&r, g->m, 1);
  g->u = draw(&r, g->m, 1 / sqrt((double)g->m));
  g->v = draw(&r, g->m, 1 / sqrt((double)g->m));
  g->grad = draw(&r, g->m, 1);
  g->other = draw(&r, g->m, 1);
  g->product = draw(&r, g->m, 1);
}

static void tear_down(rig *g) {
  real *owned[] = {g->x, g->y, g->theta, g->there, g->u, g->v, g->grad, g->other, g->product};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
  oikos_workspace_destroy(g->ws);
  oikos_network_destroy(g->net);
}

static void gradient_at(rig *g, double t, const real *direction, real *grad) {
  for (size_t i = 0; i < g->m; i++)
    g->there[i] = g->theta[i] + (real)t * direction[i];
  memset(grad, 0, g->m * sizeof *grad);
  oikos_network_gradient(g->net, g->ws, g->there, &g->batch, 1, grad);
}

static void hessian(rig *g, const real *direction) {
  memset(g->grad, 0, g->m * sizeof *g->grad);
  memset(g->product, 0, g->m * sizeof *g->product);
  oikos_network_hessian(g->net, g->ws, g->theta, direction, &g->batch, 1, g->grad, g->product);
}

/* Each coordinate of the gradient. */
static void check_gradient(rig *g) {
  const double h = tolerance(1e-3, 1e-5);
  gradient_at(g, 0, g->v, g->grad);
  memcpy(g->there, g->theta, g->m * sizeof *g->there);
  for (size_t i = 0; i < g->m; i++) {
    g->there[i] = g->theta[i] + (real)h;
    double plus = oikos_network_loss(g->net, g->ws, g->there, &g->batch).loss;
    g->there[i] = g->theta[i] - (real)h;
    g->other[i] =
        (real)((plus - oikos_network_loss(g->net, g->ws, g->there, &g->batch).loss) / (2 * h));
    g->there[i] = g->theta[i];
  }
  check_vectors(g->m, g->grad, g->other, tolerance(2e-2, 1e-6), "gradient");
}

static void check_hessian(rig *g, double in_float) {
  const double h = tolerance(1e-3, 1e-5);
  gradient_at(g, h, g->v, g->grad);
  gradient_at(g, -h, g->v, g->other);
  for (size_t i = 0; i < g->m; i++)
    g->other[i] = (g->grad[i] - g->other[i]) / (real)(2 * h);
  hessian(g, g->v);
  check_vectors(g->m, g->product, g->other, tolerance(in_float, 1e-6), "Hessian-vector product");
}

static double dot(size_t n, const real *a, const real *b) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)a[i] * (double)b[i];
  return sum;
}

static void check_symmetry(rig *g) {
  hessian(g, g->v);
  double one = dot(g->m, g->u, g->product),
         size = sqrt(dot(g->m, g->u, g->u) * dot(g->m, g->product, g->product));
  hessian(g, g->u);
  check_near(one, dot(g->m, g->v, g->product), 0, tolerance(1e-5, 1e-13) * size, 0, "u.Hv = v.Hu");
}

/* The three calls agree with each other, weigh, and add to what is there. */
static void check_contract(rig *g) {
  oikos_judgement loss = oikos_network_loss(g->net, g->ws, g->theta, &g->batch);
  gradient_at(g, 0, g->v, g->other);
  hessian(g, g->v);
  check_vectors(g->m, g->grad, g->other, 0, "gradient beside the Hessian");
  for (size_t i = 0; i < g->m; i++) {
    g->there[i] = g->product[i];
    g->grad[i] = g->product[i] = 1;
  }
  oikos_judgement both = oikos_network_hessian(g->net, g->ws, g->theta, g->v, &g->batch, (real)0.5,
                                               g->grad, g->product);
  for (size_t i = 0; i < g->m; i++) {
    g->grad[i] = 2 * (g->grad[i] - 1);
    g->product[i] = 2 * (g->product[i] - 1);
  }
  check_vectors(g->m, g->grad, g->other, tolerance(1e-5, 1e-13), "weighted, added gradient");
  check_vectors(g->m, g->product, g->there, tolerance(1e-4, 1e-13), "weighted, added product");
  memset(g->grad, 0, g->m * sizeof *g->grad);
  oikos_judgement of_gradient =
      oikos_network_gradient(g->net, g->ws, g->theta, &g->batch, (real)0.5, g->grad);
  assert_true(loss.loss == both.loss && loss.loss == of_gradient.loss);
  assert_true(loss.correct == both.correct && loss.correct == of_gradient.correct);
}

/* The first `support` examples are not judged: batch_norm takes its statistics of them alone. */
static void check_behind(const net_case *k, size_t support) {
  rig g;
  set_up(&g, k);
  g.batch.n_support = g.batch.n_norm = support;
  check_gradient(&g);
  check_hessian(&g, k->tangent);
  check_symmetry(&g);
  check_contract(&g);
  tear_down(&g);
}

static void check_case(const net_case *k) {
  check_behind(k, 0);
}

static void test_mlp(void **state) {
  (void)state;
  check_case(&mlp);
}

static void test_conv(void **state) {
  (void)state;
  check_case(&conv);
}

static void test_norm_first(void **state) {
  (void)state;
  check_case(&norm_first);
}

static void test_deep(void **state) {
  (void)state;
  check_case(&deep);
}

static void test_branches(void **state) {
  (void)state;
  check_case(&branches);
  check_case(&image_branch);
}

static void test_graphs(void **state) {
  (void)state;
  check_case(&residual);
  check_case(&shortcut);
  check_case(&wide);
  check_case(&sums);
}

static void test_support_statistics(void **state) {
  (void)state;
  check_behind(&conv, 3);
  check_behind(&norm_first, 2);
  check_behind(&deep, 4);
  check_behind(&image_branch, 3);
  check_behind(&residual, 3);
  check_behind(&shortcut, 4);
  check_behind(&mlp, 2); // without a batch_norm: what is judged
}

/* A network that cannot be: the message must name file, line and layer, and hold the words. */
static void check_refused(const char *layers, oikos_shape input, int64_t outputs, const char *place,
                          const char *words) {
  oikos_config *config = malloc(sizeof *config);
  oikos_network *net;
  oikos_error err = {0};
  char text[1024];
  assert_non_null(config);
  snprintf(text, sizeof text, "model:\n  layers: [%s]\n", layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test.yaml", text, strlen(text), &err));
  assert_int_equal(oikos_network_create(config, input, outputs, &net, &err), OIKOS_USAGE);
  assert_null(net);
  if (!strstr(err.message, "test.yaml:2: ") || !strstr(err.message, place) ||
      !strstr(err.message, words))
    fail_msg("%s: expected \"%s\" and \"%s\" in: %s", layers, place, words, err.message);
  free(config);
}

static void test_refused(void **state) {
  (void)state;
  const oikos_shape vector = {1, 1, 4}, image = {5, 6, 2};
  check_refused("dense: 3, dens: 3", vector, 3, "model.layers[1] dens",
                "unknown layer; expected one of dense");
  check_refused("relu", vector, 4, "relu", "no layer of the network has parameters");
  check_refused("dense: 3", image, 3, "model.layers[0] dense", "flatten");
  check_refused("dense: 3", vector, 2, "model.layers[0] dense", "the task wants 2");
  check_refused("conv2d: {filters: 2, kernel: 2}", image, 2, "conv2d", "the task wants 2");
  check_refused("dense: {unit: 3}", vector, 3, "dense", "no argument unit");
  check_refused("dense: 3, relu: 3", vector, 3, "relu", "no argument");
  check_refused("dense", vector, 3, "dense", "units must be given");
  check_refused("dense: 0", vector, 3, "dense", "units: expected a whole number from 1");
  check_refused("dense: 2.5", vector, 3, "dense", "whole number");
  check_refused("dense: 2147483648", vector, 0, "dense", "too large");
  check_refused("conv2d: {filters: 2, kernel: 6}", image, 0, "conv2d",
                "kernel is 6 x 6 but the padded input only 5 x 6");
  check_refused("conv2d: {filters: 2, kernel: 3, padding: 3}", image, 0, "conv2d",
                "padding 3 must be smaller");
  check_refused("conv2d: {filters: 2, stride: 0}", image, 0, "conv2d", "stride");
  check_refused("conv2d: 2, max_pool: 4", image, 0, "model.layers[1] max_pool",
                "window is 4 x 4 but the input only 3 x 4");
  check_refused("dense: 3, concat: {layer: 1}", vector, 0, "model.layers[1] concat",
                "before this one, which is 1, found 1");
  check_refused("concat: {layer: 0}, dense: 3", vector, 0, "model.layers[0] concat",
                "before this one, which is 0");
  check_refused("dense: 3, concat: {layer: -1}", vector, 0, "concat", "whole number from 0");
  check_refused("dense: 3, concat", vector, 0, "concat", "from must name two or more layers");
  check_refused("conv2d: 2, conv2d: 2, concat: {layer: 0}", image, 0, "model.layers[2] concat",
                "found 1 x 2 x 2 of layer 1 (conv2d), 3 x 4 x 2 of layer 0 (conv2d)");
  check_refused("batch_norm: 0", vector, 0, "batch_norm", "epsilon: expected a number from 1e-12");
}

static void test_refused_graphs(void **state) {
  (void)state;
  const oikos_shape vector = {1, 1, 4}, image = {5, 6, 2};
  check_refused("dense: {units: 3, name: a}, dense: 4, add: {from: [a, 1], name: sum}", vector, 0,
                "model.layers[2] add 'sum'",
                "expected inputs of equal shape, found 1 x 1 x 3 of 'a' (dense), 1 x 1 x 4 of "
                "layer 1 (dense)");
  check_refused("conv2d: {filters: 3, name: a}, concat: {from: [a, input]}", image, 0, "concat",
                "equal height and width, or a vector before all else (put `flatten` there), found "
                "3 x 4 x 3 of 'a' (conv2d), 5 x 6 x 2 of the input");
  check_refused("dense: {units: 3, name: a}, add: {from: a}", vector, 0, "add",
                "from must name two or more layers");
  check_refused("dense: 3, add", vector, 0, "add", "from must name two or more layers");
  check_refused("dense: 4, dense: {units: 3, from: [0, input]}", vector, 0, "model.layers[1] dense",
                "from: expected one layer, found 2; `add` and `concat` take more");
  check_refused("dense: {units: 4, name: a}, tanh, dense: {units: 3, from: a}", vector, 3,
                "model.layers[1] tanh", "no layer takes what it gives");
  check_refused("dense: 4, tanh, concat: {layer: 0, from: [0, 1]}", vector, 0, "concat",
                "layer and from: give one of them");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mlp),
      cmocka_unit_test(test_conv),
      cmocka_unit_test(test_norm_first),
      cmocka_unit_test(test_deep),
      cmocka_unit_test(test_support_statistics),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_branches),
      cmocka_unit_test(test_graphs),
      cmocka_unit_test(test_refused_graphs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
