/* SPDX-License-Identifier: MIT
 * The multi-step loss: its gradient is the mixture of that after the inner steps and that of the
 * query loss at the start. */
#include "check.h"

#include "base/random.h"
#include "oikos/inner.h"

typedef oikos_real real;

enum { N = 5, MOST = 200 };

/* gradient (M + A) after `steps` steps with a share at the start; returns M and the loss. */
static size_t differentiate(double share, int64_t steps, real *gradient, double *loss) {
  oikos_config *config = calloc(1, sizeof *config);
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_error err;
  char text[512];
  real x[2 * N], y[2 * N], rates[MOST];
  assert_non_null(config);
  snprintf(text, sizeof text,
           "model: {layers: [dense: 6, tanh, dense: 1]}\n"
           "inner: {steps: %d, rate: 0.05, learned_rates: step_layer, multi_step: %g}\n",
           (int)steps, share);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(config, (oikos_shape){1, 1, 1}, 1, &net, &err));
  CHECK_OK(oikos_inner_create(net, config, &inner, &err));
  CHECK_OK(oikos_path_create(inner, steps, N, &path, &err));
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  for (size_t i = 0; i < 2 * N; i++) {
    x[i] = (real)oikos_random_uniform(&r, -2, 2);
    y[i] = (real)oikos_random_normal(&r);
  }
  oikos_network_initialise(net, OIKOS_INIT_GLOROT, 1, oikos_path_start(path));
  oikos_inner_first_rates(inner, rates);
  oikos_batch support = {.n = N, .x = x, .y = y}, query = {.n = N, .x = x + N, .y = y + N};
  oikos_adapt(inner, path, rates, &support, steps);
  *loss = oikos_meta_gradient(inner, path, rates, &support, &query, steps, gradient).loss;
  size_t m = oikos_network_parameters(net);
  oikos_path_destroy(path);
  oikos_inner_destroy(inner);
  oikos_network_destroy(net);
  free(config);
  return m;
}

static void test_mixture(void **state) {
  (void)state;
  const double share = 0.3;
  real mixed[MOST], after[MOST], start[MOST];
  double mixed_loss, after_loss, start_loss;
  size_t m = differentiate(share, 3, mixed, &mixed_loss);
  differentiate(0, 3, after, &after_loss);
  differentiate(0, 0, start, &start_loss);
  assert_true(mixed_loss == after_loss); // what is reported is the loss after the steps
  for (size_t i = 0; i < m + 6; i++) {   // 3 steps of 2 layers have a rate each
    double truth = (1 - share) * (double)after[i] + (i < m ? share * (double)start[i] : 0);
    check_near((double)mixed[i], truth, tolerance(1e-4, 1e-12), tolerance(1e-6, 1e-14), i,
               "gradient");
  }
}

/* Without inner steps there is only the start. */
static void test_no_steps(void **state) {
  (void)state;
  real mixed[MOST], start[MOST];
  double loss;
  size_t m = differentiate(0.3, 0, mixed, &loss);
  differentiate(0, 0, start, &loss);
  assert_memory_equal(mixed, start, m * sizeof *mixed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mixture),
      cmocka_unit_test(test_no_steps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
