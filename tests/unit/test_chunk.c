/* SPDX-License-Identifier: MIT
 * A chunk of learners at the same parameters: each one's loss, gradient and Hessian product are
 * those of its own batch, and its bits depend on its place alone, not on who stands beside it. */
#include "check.h"

#include "base/random.h"
#include "net/chunk.h"
#include "net/derivatives.h"

typedef oikos_real real;

enum { N = 5, IN = 3, MOST = 2 }; /* examples of a learner, inputs, targets */

#define RESIDUAL                                                                                   \
  "model: {layers: [dense: {units: 7, name: x}, relu, dense: 9, relu, dense: {units: 7, name: "    \
  "y}, "                                                                                           \
  "add: {from: [x, y]}, relu, concat: {from: [6, input, x]}, dense: 2]}"

static void draw(size_t n, uint64_t number, real *x) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, number);
  for (size_t i = 0; i < n; i++)
    x[i] = (real)oikos_random_normal(&r);
}

static oikos_network *network_of(const char *model) {
  oikos_config *config = array(1, sizeof *config);
  oikos_network *net;
  oikos_error err;
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", model, strlen(model), &err));
  CHECK_OK(oikos_network_create(config, (oikos_shape){1, 1, IN}, 2, &net, &err));
  free(config);
  return net;
}

/* The batch of learner i: classes for cross entropy, numbers for mse. */
typedef struct sample {
  real x[N * IN], y[N * MOST];
  oikos_batch batch;
} sample;

static void draw_sample(const oikos_network *net, uint64_t i, sample *s) {
  draw(N * IN, i, s->x);
  draw(N * MOST, 100 + i, s->y);
  for (size_t k = 0; oikos_network_targets(net) == 1 && k < N; k++)
    s->y[k] = (k + i) % 2;
  s->batch = (oikos_batch){.n = N, .x = s->x, .y = s->y};
}

static void check_learner(const oikos_network *net, oikos_chunk *chunk, size_t i,
                          const real *theta) {
  size_t m = oikos_network_parameters(net);
  real *found = array(4 * m, sizeof *found), *truth = found + m, *direction = found + 2 * m,
       *unused = found + 3 * m;
  oikos_workspace *ws;
  oikos_error err;
  sample s;
  CHECK_OK(oikos_workspace_create(net, N, &ws, &err));
  draw_sample(net, i, &s);
  draw(m, 1000 + i, direction);
  oikos_judgement a = oikos_chunk_gradient(net, chunk, i, theta, found);
  oikos_judgement b = oikos_network_derive(net, ws, theta, NULL, &s.batch, 1, true, truth, NULL);
  check_near(a.loss, b.loss, tolerance(1e-5, 1e-13), 0, i, "loss");
  assert_true(a.correct == b.correct);
  for (size_t j = 0; j < m; j++)
    check_near((double)found[j], (double)truth[j], tolerance(1e-4, 1e-12), tolerance(1e-5, 1e-13),
               j, "gradient");
  oikos_chunk_product(net, chunk, i, theta, direction, found);
  oikos_network_derive(net, ws, theta, direction, &s.batch, 1, true, unused, truth);
  for (size_t j = 0; j < m; j++)
    check_near((double)found[j], (double)truth[j], tolerance(1e-4, 1e-12), tolerance(1e-4, 1e-12),
               j, "product");
  oikos_workspace_destroy(ws);
  free(found);
}

static void check_network(const char *model) {
  oikos_network *net = network_of(model);
  oikos_chunk *chunk;
  oikos_error err;
  real *theta = array(oikos_network_parameters(net), sizeof *theta);
  oikos_network_initialise(net, OIKOS_INIT_GLOROT, 1, theta);
  assert_true(oikos_network_batches_learners(net));
  CHECK_OK(oikos_chunk_create(net, N, &chunk, &err));
  for (size_t i = 0; i < OIKOS_CHUNK; i++) {
    sample s;
    draw_sample(net, i, &s);
    oikos_chunk_set(net, chunk, i, &s.batch);
  }
  oikos_chunk_derive(net, chunk, theta);
  for (size_t i = OIKOS_CHUNK; i-- > 0;) // in another order than they stand in
    check_learner(net, chunk, i, theta);
  oikos_chunk_destroy(chunk);
  oikos_network_destroy(net);
  free(theta);
}

static void test_truth(void **state) {
  (void)state;
  check_network("model: {layers: [dense: 2]}");
  check_network("model: {layers: [dense: 7, relu, dense: 9, relu, dense: 2]}");
  check_network("model: {layers: [dense: 7, tanh, relu, dense: 9, tanh, dense: 2, tanh]}");
  check_network("model: {loss: cross_entropy, layers: [flatten, dense: 8, relu, dense: 2]}");
  check_network(
      "model: {layers: [dense: 7, relu, dense: 4, concat: 1, tanh, concat: 2, dense: 2]}");
  check_network(RESIDUAL);
}

/* Learner `place` beside learners seed .. */
static void run_beside(const oikos_network *net, const real *theta, size_t place, uint64_t seed,
                       bool empty, real *grad, real *product) {
  oikos_chunk *chunk;
  oikos_error err;
  CHECK_OK(oikos_chunk_create(net, N, &chunk, &err));
  for (size_t i = 0; i < OIKOS_CHUNK; i++) {
    sample s;
    draw_sample(net, i == place ? 7 : seed + i, &s);
    if (i == place || !empty)
      oikos_chunk_set(net, chunk, i, &s.batch);
  }
  oikos_chunk_derive(net, chunk, theta);
  oikos_chunk_gradient(net, chunk, place, theta, grad);
  oikos_chunk_product(net, chunk, place, theta, theta, product);
  oikos_chunk_destroy(chunk);
}

static void test_neighbours(void **state) {
  (void)state;
  oikos_network *net = network_of("model: {layers: [dense: 40, relu, dense: 40, relu, dense: 2]}");
  size_t m = oikos_network_parameters(net);
  real *theta = array(5 * m, sizeof *theta);
  oikos_network_initialise(net, OIKOS_INIT_GLOROT, 1, theta);
  for (size_t place = 0; place < OIKOS_CHUNK; place++) {
    run_beside(net, theta, place, 20, false, theta + m, theta + 2 * m);
    run_beside(net, theta, place, 30, false, theta + 3 * m, theta + 4 * m);
    assert_memory_equal(theta + m, theta + 3 * m, 2 * m * sizeof *theta);
    run_beside(net, theta, place, 0, true, theta + 3 * m, theta + 4 * m);
    assert_memory_equal(theta + m, theta + 3 * m, 2 * m * sizeof *theta);
  }
  oikos_network_destroy(net);
  free(theta);
}

/* In a workspace that keeps, gradient and product once more are those of a pass from the beginning;
 * with a teacher, whose softmax at another temperature has a Hessian of its own. */
static void check_kept(const char *model, bool taught) {
  oikos_network *net = network_of(model);
  size_t m = oikos_network_parameters(net);
  oikos_workspace *ws;
  oikos_error err;
  sample s;
  real *theta = array(6 * m, sizeof *theta), *direction = theta + m, *grad = theta + 2 * m,
       *product = theta + 3 * m, *again = theta + 4 * m, *unused = theta + 5 * m;
  real teacher[N * MOST];
  CHECK_OK(oikos_workspace_create_keeping(net, N, &ws, &err));
  oikos_network_initialise(net, OIKOS_INIT_GLOROT, 1, theta);
  draw(m, 7, direction);
  draw(N * MOST, 8, teacher);
  draw_sample(net, 3, &s);
  s.batch.teacher = taught ? teacher : NULL;
  oikos_network_derive(net, ws, theta, direction, &s.batch, 1, true, grad, product);
  oikos_network_derive(net, ws, theta, NULL, &s.batch, 1, true, unused, NULL);
  oikos_network_kept_gradient(net, ws, theta, &s.batch, again);
  assert_memory_equal(again, grad, m * sizeof *grad);
  oikos_network_kept_product(net, ws, theta, direction, &s.batch, again);
  assert_memory_equal(again, product, m * sizeof *product);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  free(theta);
}

static void test_kept(void **state) {
  (void)state;
  check_kept("model: {layers: [dense: 7, relu, dense: 9, tanh, dense: 2]}", false);
  check_kept("model: {loss: cross_entropy, layers: [dense: 8, relu, dense: 2]}", false);
  check_kept("model: {layers: [dense: 7, relu, dense: 4, concat: 1, tanh, concat: 1, dense: 2]}",
             false);
  check_kept(RESIDUAL, false);
  check_kept("model: {layers: [dense: 8, relu, dense: 2]}\ndistill: {weight: 0.4}", true);
  check_kept("model: {loss: cross_entropy, layers: [dense: 8, relu, dense: 2]}\n"
             "distill: {weight: 0.4, temperature: 3}",
             true);
}

/* Layers that see the batch, and those whose products are large anyway, stay by themselves. */
static void test_batches_learners(void **state) {
  (void)state;
  oikos_network *net = network_of("model: {layers: [dense: 7, batch_norm, dense: 2]}");
  assert_false(oikos_network_batches_learners(net));
  oikos_network_destroy(net);
  net = network_of("model: {layers: [dense: 7, relu, set_mean, dense: 2]}");
  assert_false(oikos_network_batches_learners(net));
  oikos_network_destroy(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_truth),
      cmocka_unit_test(test_neighbours),
      cmocka_unit_test(test_kept),
      cmocka_unit_test(test_batches_learners),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
