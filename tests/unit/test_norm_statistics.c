/* SPDX-License-Identifier: MIT
 * Batch normalisation by the statistics of the support set: against the formula in double; what is
 * said of a query example is no matter of the others; the loss is that of the query set alone. */
#include "check.h"

#include "base/random.h"
#include "oikos/network.h"

typedef oikos_real real;

enum { SUPPORT = 5, QUERY = 7, ALL = SUPPORT + QUERY, CLASSES = 3, TOP = 10 * 8 * 2 };

typedef struct rig {
  oikos_network *net;
  oikos_workspace *ws;
  size_t in, out;
  real *theta, x[ALL * TOP], y[ALL], outputs[ALL * TOP];
} rig;

static rig *rig_of(const char *layers, oikos_shape input, int64_t outputs) {
  rig *g = array(1, sizeof *g);
  oikos_config *config = array(1, sizeof *config);
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, 0, 0);
  oikos_error err;
  char text[512];
  snprintf(text, sizeof text, "model: {loss: %s, layers: [%s]}",
           outputs ? "cross_entropy" : "prototypes", layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(config, input, outputs, &g->net, &err));
  CHECK_OK(oikos_workspace_create(g->net, ALL, &g->ws, &err));
  assert_true(oikos_network_normalises(g->net));
  g->in = oikos_network_input(g->net);
  g->out = oikos_network_output_size(g->net);
  g->theta = array(oikos_network_parameters(g->net), sizeof *g->theta);
  for (size_t i = 0; i < oikos_network_parameters(g->net); i++)
    g->theta[i] = (real)oikos_random_normal(&r);
  for (size_t i = 0; i < ALL * g->in; i++)
    g->x[i] = (real)(3 + oikos_random_normal(&r));
  for (size_t i = 0; i < ALL; i++)
    g->y[i] = (real)(i % CLASSES);
  free(config);
  return g;
}

static void rig_free(rig *g) {
  oikos_workspace_destroy(g->ws);
  oikos_network_destroy(g->net);
  free(g->theta);
  free(g);
}

static oikos_batch behind(const rig *g, size_t n) {
  return (oikos_batch){.n = n, .x = g->x, .y = g->y, .n_support = SUPPORT, .n_norm = SUPPORT};
}

static void test_formula(void **state) {
  (void)state;
  enum { CHANNELS = 2, PLACES = 80 };
  rig *g = rig_of("batch_norm", (oikos_shape){10, 8, CHANNELS}, 0);
  const oikos_batch batch = behind(g, ALL);
  oikos_network_predict(g->net, g->ws, g->theta, &batch, g->outputs);
  for (size_t c = 0; c < CHANNELS; c++) {
    double mean = 0, variance = 0, rows = SUPPORT * PLACES;
    for (size_t i = c; i < SUPPORT * TOP; i += CHANNELS)
      mean += (double)g->x[i] / rows;
    for (size_t i = c; i < SUPPORT * TOP; i += CHANNELS)
      variance += ((double)g->x[i] - mean) * ((double)g->x[i] - mean) / rows;
    for (size_t i = c; i < ALL * TOP; i += CHANNELS)
      check_near((double)g->outputs[i],
                 (double)g->theta[c] * ((double)g->x[i] - mean) / sqrt(variance + 1e-5) +
                     (double)g->theta[CHANNELS + c],
                 1e-4, 1e-5, i, "output");
  }
  rig_free(g);
}

static void test_no_matter_of_others(void **state) {
  (void)state;
  rig *g =
      rig_of("conv2d: {filters: 4, padding: 1}, batch_norm, relu, max_pool: 2, flatten, dense: "
             "3",
             (oikos_shape){10, 8, 1}, CLASSES);
  real few[ALL * CLASSES];
  oikos_batch all = behind(g, ALL), one = behind(g, SUPPORT + 1);
  oikos_network_predict(g->net, g->ws, g->theta, &all, g->outputs);
  for (size_t q = 0; q < QUERY; q++) {
    memcpy(g->x + SUPPORT * g->in, g->x + (SUPPORT + q) * g->in, g->in * sizeof *g->x);
    oikos_network_predict(g->net, g->ws, g->theta, &one, few);
    for (size_t j = 0; j < CLASSES; j++)
      check_near((double)few[SUPPORT * CLASSES + j],
                 (double)g->outputs[(SUPPORT + q) * CLASSES + j], 1e-5, 1e-5, q, "output");
  }
  rig_free(g);
}

/* Loss and hits by hand, of the query examples alone. */
static void test_loss(void **state) {
  (void)state;
  rig *g = rig_of("dense: 4, batch_norm, dense: 3", (oikos_shape){1, 1, 6}, CLASSES);
  const oikos_batch batch = behind(g, ALL);
  double loss = 0, hits = 0;
  oikos_network_predict(g->net, g->ws, g->theta, &batch, g->outputs);
  for (size_t i = SUPPORT; i < ALL; i++) {
    const real *o = g->outputs + i * CLASSES;
    double sum = 0, most = fmax((double)o[0], fmax((double)o[1], (double)o[2]));
    for (size_t j = 0; j < CLASSES; j++)
      sum += exp((double)o[j]);
    loss += (log(sum) - (double)o[i % CLASSES]) / QUERY;
    hits += (double)o[i % CLASSES] == most;
  }
  oikos_judgement found = oikos_network_loss(g->net, g->ws, g->theta, &batch);
  check_near(found.loss, loss, 1e-5, 0, 0, "loss");
  assert_true(found.correct == hits);
  rig_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formula),
      cmocka_unit_test(test_no_matter_of_others),
      cmocka_unit_test(test_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
