/* SPDX-License-Identifier: MIT
 * The network of configs/recommender.yaml, a convolution over the outer product of two embedding
 * rows: its shapes, and in double its gradient, by the parameters of each tensor and by each row,
 * against central differences. */
#include "check.h"

#include "base/random.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

enum { WIDTH = 20, INPUTS = 2 * WIDTH, CLASSES = 5, N = 3 };
enum { PARAMETERS = (36 + 1) * 64 + (36 * 64 + 1) * 64 + (64 + 1) * 64 + (64 + 1) * CLASSES };

#define H 1e-6 /* so small that no relu or maximum turns over */

typedef struct rig {
  oikos_config *config;
  oikos_network *net;
  oikos_workspace *ws;
  real x[N * INPUTS], y[N];
  real *theta, *gradient, *dx, *there;
} rig;

static void read_config(rig *g) {
  static const char path[] = OIKOS_SOURCE_DIR "/configs/recommender.yaml";
  oikos_error err;
  char text[8192];
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t length = fread(text, 1, sizeof text, file);
  assert_true(length < sizeof text);
  fclose(file);
  g->config = array(1, sizeof *g->config);
  oikos_config_defaults(g->config);
  CHECK_OK(oikos_config_parse(g->config, path, text, length, &err));
}

static void set_up(rig *g) {
  oikos_error err;
  *g = (rig){0};
  read_config(g);
  CHECK_OK(oikos_network_create(g->config, (oikos_shape){1, 1, INPUTS}, CLASSES, &g->net, &err));
  assert_int_equal(oikos_network_parameters(g->net), PARAMETERS);
  assert_int_equal(oikos_network_row_width(g->net), WIDTH);
  CHECK_OK(oikos_workspace_create(g->net, N, &g->ws, &err));
  g->theta = array(PARAMETERS, sizeof *g->theta);
  g->there = array(PARAMETERS, sizeof *g->there);
  g->gradient = array(PARAMETERS, sizeof *g->gradient);
  g->dx = array(N * INPUTS, sizeof *g->dx);
  oikos_network_initialise(g->net, OIKOS_INIT_HE, 1, g->theta);
  oikos_random r = oikos_random_at(2, OIKOS_DRAW_CHECK, 0, 0);
  for (size_t i = 0; i < N * INPUTS; i++)
    g->x[i] = (real)(oikos_network_row_deviation(g->net) * oikos_random_normal(&r));
  for (size_t i = 0; i < N; i++)
    g->y[i] = (real)(2 * i % CLASSES);
}

static void tear_down(rig *g) {
  free(g->config);
  free(g->theta);
  free(g->there);
  free(g->gradient);
  free(g->dx);
  oikos_workspace_destroy(g->ws);
  oikos_network_destroy(g->net);
}

/* Its layers, in height x width x channels. */
static void test_shapes(void **state) {
  static const oikos_shape expected[] = {{20, 20, 1}, {15, 15, 64}, {15, 15, 64}, {7, 7, 64},
                                         {2, 2, 64},  {2, 2, 64},   {1, 1, 64},   {1, 1, 64},
                                         {1, 1, 64},  {1, 1, 5}};
  rig g;
  (void)state;
  set_up(&g);
  assert_int_equal(g.net->n_layers, sizeof expected / sizeof *expected);
  for (int i = 0; i < g.net->n_layers; i++)
    assert_memory_equal(&g.net->layer[i].out, &expected[i], sizeof *expected);
  tear_down(&g);
}

static double loss_at(rig *g, const real *theta) {
  oikos_batch batch = {.n = N, .x = g->x, .y = g->y};
  return oikos_network_loss(g->net, g->ws, theta, &batch).loss;
}

/* Along a random direction of one tensor's numbers, and of the largest slope in it. */
static void check_tensor(rig *g, const oikos_tensor *t) {
  oikos_random r = oikos_random_at(4, OIKOS_DRAW_CHECK, 0, t->offset);
  const real *slope = g->gradient + t->offset;
  size_t steepest = 0;
  for (size_t i = 0; i < t->size; i++)
    steepest = fabs((double)slope[i]) > fabs((double)slope[steepest]) ? i : steepest;
  for (int which = 0; which < 2; which++) {
    double along = 0, loss[2];
    real *way = array(t->size, sizeof *way);
    for (size_t i = 0; i < t->size; i++) {
      way[i] = which ? (real)(i == steepest) : (real)oikos_random_normal(&r);
      along += (double)way[i] * (double)slope[i];
    }
    for (int side = 0; side < 2; side++) {
      memcpy(g->there, g->theta, PARAMETERS * sizeof *g->there);
      for (size_t i = 0; i < t->size; i++)
        g->there[t->offset + i] += (real)(side ? -H : H) * way[i];
      loss[side] = loss_at(g, g->there);
    }
    assert_true(fabs((double)slope[steepest]) > 1e-4);
    check_near(along, (loss[0] - loss[1]) / (2 * H), 1e-6, 1e-8, (size_t)which, t->name);
    free(way);
  }
}

static void test_gradient(void **state) {
  rig g;
  (void)state;
  if (sizeof(real) != sizeof(double))
    skip();
  set_up(&g);
  oikos_batch batch = {.n = N, .x = g.x, .y = g.y};
  oikos_network_gradient(g.net, g.ws, g.theta, &batch, 1, g.gradient);
  memcpy(g.dx, oikos_workspace_dx(g.net, g.ws), N * INPUTS * sizeof *g.dx);
  for (int k = 0; k < oikos_network_tensor_count(g.net); k++)
    check_tensor(&g, &oikos_network_tensors(g.net)[k]);
  for (size_t i = 0; i < N * INPUTS; i++) {
    real old = g.x[i];
    g.x[i] = old + (real)H;
    double plus = loss_at(&g, g.theta);
    g.x[i] = old - (real)H;
    check_near((double)g.dx[i], (plus - loss_at(&g, g.theta)) / (2 * H), 1e-6, 1e-8, i, "dx");
    g.x[i] = old;
  }
  tear_down(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_gradient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
