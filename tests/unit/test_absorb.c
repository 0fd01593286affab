/* SPDX-License-Identifier: MIT
 * A batch_norm computes the relu and max_pool that follow along, a dense layer the relu. A
 * network's layers against the single layers that its configuration lists, run one after the other.
 */
#include "layer_chain.h"

#include "net/derivatives.h"

static void compare(const stack *k, const results *found, const results *truth, bool moves) {
  for (int i = 0; i < RESULTS; i++) {
    char what[256];
    snprintf(what, sizeof what, "%s: %s", k->layers, names[i]);
    if (moves || (i != DX && i != DX_T))
      check_vectors(found->count[i], found->of[i], truth->of[i], tolerance(1e-5, 1e-12), what);
  }
}

static void check_stack(const stack *k) {
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  chain one = absorbed(net), other = single(config, k->input);
  data d = draw_data(k, net);
  for (int moves = 0; moves < 2; moves++) {
    results found = run(&one, &d, moves, false), truth = run(&other, &d, moves, false);
    compare(k, &found, &truth, moves);
    free_results(&found);
    free_results(&truth);
  }
  free_data(&d);
  oikos_network_destroy(net);
  free(config);
}

static void test_stacks(void **state) {
  (void)state;
  static const stack stacks[] = {
      {"batch_norm, relu", NULL, {5, 4, 7}, 3, 1},
      {"batch_norm, relu", NULL, {1, 1, 9}, 6, 1},
      {"batch_norm, max_pool: 2", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, relu, max_pool: 2", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, max_pool: 2, relu", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, relu, max_pool: 2", NULL, {7, 5, 17}, 4, 1}, // a row and a column left over
      {"batch_norm, max_pool: 3, relu", NULL, {8, 7, 7}, 4, 1},  // two rows
      {"batch_norm, max_pool: 3, relu", NULL, {4, 11, 7}, 1, 1},
      {"batch_norm, max_pool: 1, relu, max_pool: 2", NULL, {5, 6, 7}, 2, 1},
      {"batch_norm, max_pool: {size: 2, stride: 2}", NULL, {5, 6, 7}, 2, 1},
      {"dense: 7, relu", NULL, {1, 1, 5}, 4, 1},
      {"dense: 1, relu", NULL, {1, 1, 3}, 1, 1},
      {"dense: 6, relu, dense: 5, relu, dense: 3", NULL, {1, 1, 4}, 5, 3},
      {"dense: 6, relu, relu", NULL, {1, 1, 4}, 3, 2},
      {"dense: 6, tanh, relu", NULL, {1, 1, 4}, 3, 3},
      // What must stay on its own: windows that overlap or lie apart, a second max_pool, tanh.
      {"batch_norm, max_pool: {size: 3, stride: 2}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, relu, max_pool: {size: 2, stride: 1}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, max_pool: {size: 2, stride: 3}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, relu, max_pool: 2, max_pool: 2", NULL, {9, 11, 7}, 3, 2},
      {"batch_norm, max_pool: {size: 3, stride: 2}, relu", NULL, {7, 8, 7}, 3, 3},
      {"batch_norm, tanh, relu", NULL, {5, 4, 7}, 3, 3},
      {"tanh, relu, max_pool: 2, batch_norm", NULL, {5, 4, 7}, 3, 4},
      {"conv2d: {filters: 7, padding: 1}, batch_norm, relu, max_pool: 2", NULL, {9, 7, 2}, 4, 2},
      {"conv2d: {filters: 8, padding: 1, winograd: 1}, batch_norm, max_pool: 3, relu, "
       "conv2d: {filters: 5, kernel: 2}, batch_norm, relu",
       NULL,
       {10, 11, 3},
       5,
       4},
  };
  for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++)
    check_stack(&stacks[i]);
}

/* oikos_network_derive overwrites where it is asked to, and gives the product alone if that is all
 * that is wanted: the same bits. */
static void check_derive(const oikos_network *net, oikos_workspace *ws, const data *d,
                         const oikos_batch *batch, const real *grad, const real *product) {
  real *own = nothing(d->m), *alone = nothing(d->m), *other = nothing(d->m);
  oikos_network_derive(net, ws, d->theta, d->theta_t, batch, 1, true, own, other);
  assert_memory_equal(own, grad, d->m * sizeof *grad);
  assert_memory_equal(other, product, d->m * sizeof *product);
  oikos_network_derive(net, ws, d->theta, d->theta_t, batch, 1, true, NULL, alone);
  assert_memory_equal(alone, product, d->m * sizeof *product);
  free(own);
  free(alone);
  free(other);
}

/* The functions of a whole network against its single layers. */
static void compare_network(const oikos_network *net, oikos_workspace *ws, const data *d,
                            const results *truth) {
  const double near = tolerance(1e-5, 1e-12);
  oikos_batch batch = {.n = d->n, .x = d->x, .y = d->target};
  real *grad = array(d->m, sizeof *grad), *product = array(d->m, sizeof *product);
  oikos_network_gradient(net, ws, d->theta, &batch, 1, grad);
  check_vectors(d->m, grad, truth->of[GRAD], near, "gradient");
  memset(grad, 0, d->m * sizeof *grad);
  oikos_network_hessian(net, ws, d->theta, d->theta_t, &batch, 1, grad, product);
  check_vectors(d->m, grad, truth->of[GRAD], near, "gradient beside the Hessian");
  check_vectors(d->m, product, truth->of[GRAD_T], near, "Hessian-vector product");
  check_derive(net, ws, d, &batch, grad, product);
  free(grad);
  free(product);
}

static void check_network(const stack *k) {
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  oikos_workspace *ws;
  oikos_error err;
  CHECK_OK(oikos_workspace_create(net, k->n, &ws, &err));
  chain other = single(config, k->input);
  data d = draw_data(k, net);
  results truth = run(&other, &d, false, true);
  compare_network(net, ws, &d, &truth);
  free_results(&truth);
  free_data(&d);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  free(config);
}

static void test_networks(void **state) {
  (void)state;
  check_network(&(stack){"conv2d: {filters: 8, padding: 1, winograd: 1}, batch_norm, relu, "
                         "max_pool: 2, conv2d: {filters: 8, padding: 1, winograd: 0}, batch_norm, "
                         "max_pool: 2, relu, flatten, dense: 4",
                         "cross_entropy",
                         {9, 11, 1},
                         6,
                         6});
  check_network(&(stack){
      "batch_norm, relu, max_pool: 2, max_pool: 2, flatten, dense: 3", "mse", {9, 8, 3}, 5, 4});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stacks),
      cmocka_unit_test(test_networks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
