/* SPDX-License-Identifier: MIT
 * batch_norm on inputs far from zero, against the formula in double. */
#include "layer_chain.h"

#include "layer_reference.h"

/* dx = r scale (dy - mean(dy) - xh mean(dy xh)) in double; also dscale and dshift (2, channels). */
static void formula_backward(size_t rows, size_t c, const double *x, const double *scale,
                             const real *dy, real *dx, real *grad) {
  for (size_t j = 0; j < c; j++) {
    double mean = 0, variance = 0, sum = 0, product = 0, n = (double)rows;
    for (size_t i = 0; i < rows; i++)
      mean += x[i * c + j] / n;
    for (size_t i = 0; i < rows; i++)
      variance += pow(x[i * c + j] - mean, 2) / n;
    double r = 1 / sqrt(variance + 1e-5);
    for (size_t i = 0; i < rows; i++) {
      sum += (double)dy[i * c + j];
      product += (double)dy[i * c + j] * (x[i * c + j] - mean) * r;
    }
    for (size_t i = 0; i < rows; i++)
      dx[i * c + j] =
          (real)(r * scale[j] *
                 ((double)dy[i * c + j] - sum / n - (x[i * c + j] - mean) * r * product / n));
    grad[j] = (real)product;
    grad[c + j] = (real)sum;
  }
}

static double *as_double(size_t count, const real *from) {
  double *to = array(count, sizeof *to);
  for (size_t i = 0; i < count; i++)
    to[i] = (double)from[i];
  return to;
}

/* y, dx and grad of the formula. */
static results formula(const layer_case *k, const data *d) {
  size_t c = (size_t)k->in.channels;
  results r = {.count = {d->out, 0, d->in, d->m}};
  for (int i = 0; i < RESULTS; i++)
    r.of[i] = array(r.count[i], sizeof(real));
  double *x = as_double(d->in, d->x), *theta = as_double(d->m, d->theta),
         *y = array(d->out, sizeof *y);
  reference_batch_norm(k, x, theta, y);
  for (size_t i = 0; i < d->out; i++)
    r.of[Y][i] = (real)y[i];
  formula_backward(d->in / c, c, x, theta, d->dy, r.of[DX], r.of[GRAD]);
  free(x);
  free(theta);
  free(y);
  return r;
}

/* With a mean of 1000 and a spread of 1 the squares' mean and the mean's square agree to six
 * digits: their difference would keep hardly one in float. */
static void check_far(const stack *k) {
  const layer_case reference_case = {.n = k->n, .in = k->input, .out = k->input, .epsilon = 1e-5};
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  chain one = absorbed(net);
  data d = draw_data(k, net);
  for (size_t i = 0; i < d.in; i++)
    d.x[i] += i % 2 ? 1000 : -1000;
  results found = run(&one, &d, true, false), truth = formula(&reference_case, &d);
  const int judged[] = {Y, DX, GRAD};
  for (int i = 0; i < 3; i++)
    check_vectors(truth.count[judged[i]], found.of[judged[i]], truth.of[judged[i]],
                  tolerance(2e-4, 2e-11), names[judged[i]]);
  free_results(&found);
  free_results(&truth);
  free_data(&d);
  oikos_network_destroy(net);
  free(config);
}

static void test_far_from_zero(void **state) {
  (void)state;
  check_far(&(stack){"batch_norm", NULL, {14, 14, 6}, 25, 1});
  check_far(&(stack){"batch_norm", NULL, {1, 1, 6}, 100, 1});
  check_far(&(stack){"batch_norm", NULL, {28, 28, 6}, 75, 1});
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_far_from_zero)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
