/* SPDX-License-Identifier: MIT
 * Learners in lockstep: the same numbers as of each by itself, and the same bits whoever is in the
 * other lanes. */
#include "check.h"

#include "base/random.h"
#include "learn/inner_impl.h"
#include "learn/lockstep.h"

typedef oikos_real real;

enum { LANES = OIKOS_LOCKSTEP };

#define NET                                                                                        \
  "model: {init: glorot, layers: [dense: 13, tanh, dense: 7, relu, dense: 9, tanh, dense: 1]}\n"

static const char *const covered[] = {
    "inner: {steps: 1}\nmodel: {init: glorot, layers: [dense: 40, relu, dense: 40, relu, dense: "
    "1]}\n",
    "inner: {steps: 5}\nmodel: {init: glorot, layers: [dense: 40, relu, dense: 40, relu, dense: "
    "1]}\n",
    "inner: {steps: 2}\nmodel: {init: glorot, layers: [dense: 1]}\n",
    "task: {support: 1, query: 1}\ninner: {steps: 3}\n" NET,
    "task: {support: 5, query: 13}\ninner: {steps: 3, multi_step: 0.3}\n" NET,
    "task: {support: 7, query: 9}\ninner: {steps: 3, scope: last}\n" NET,
    "task: {support: 7, query: 9}\ninner: {steps: 3, from: 2, micro_batches: 3}\n" NET,
    "task: {support: 6, query: 4}\ninner: {steps: 3, order: first, rate: 0.1}\n" NET,
    "task: {support: 2, query: 3}\ninner: {steps: 3, multi_step: 0.4}\n" NET, // not multiplied out
    "task: {support: 3, query: 2}\ninner: {steps: 2}\nshared: {mixing: 0.5}\n" NET,
    "inner: {steps: 2}\nlearners: {rollback: 2}\n" NET,
    "inner: {steps: 0}\nshared: {mixing: 0.5}\n" NET,
    "inner: {steps: 4}\nshared: {mixing: 0.5}\nmodel: {init: glorot, layers: [dense: 11, relu, "
    "dense: 1, "
    "tanh]}\n",
};

enum { COVERED = sizeof covered / sizeof *covered };

/* What is trained one by one. */
static const char *const others[] = {
    "inner: {max_norm: 2}\n" NET,
    "inner: {learned_rates: parameter}\n" NET,
    "home: {count: 2, owns: all}\n" NET,
    "inner: {adapt_rate: true}\n" NET,
    "inner: {steps: 10}\nmodel: {layers: [dense: 150, relu, dense: 110, relu, dense: 1]}\n",
    "model: {layers: [dense: 300, relu, dense: 300, relu, dense: 1]}\n",
    "model: {layers: [tanh, dense: 4, dense: 1]}\n",
    "model: {layers: [dense: 4, relu, dense: 4, add: {from: [1, 2]}, dense: 1]}\n",
};

enum { OTHERS = sizeof others / sizeof *others };

typedef struct rig {
  oikos_config *config;
  oikos_source *source;
  oikos_network *net;
  oikos_inner *inner;
  oikos_encoder *encoder;
  oikos_weights weights;
  oikos_episode episode[2 * LANES];
  size_t m;
} rig;

static void set_up(rig *g, const char *text) {
  oikos_error err;
  *g = (rig){.config = array(1, sizeof *g->config)};
  oikos_config_defaults(g->config);
  CHECK_OK(oikos_config_parse(g->config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_source_create(g->config, &(oikos_data){0}, &g->source, &err));
  oikos_task_shape shape = oikos_source_shape(g->source);
  CHECK_OK(oikos_network_create(g->config, shape.input, shape.outputs, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, g->config, &g->inner, &err));
  CHECK_OK(oikos_encoder_create(g->config, shape, &g->encoder, &err));
  CHECK_OK(oikos_weights_create(g->config, g->net, g->inner, g->encoder, &g->weights, &err));
  for (int i = 0; i < 2 * LANES; i++) {
    CHECK_OK(oikos_episode_create(g->source, &g->episode[i], &err));
    oikos_source_draw(g->source, OIKOS_TRAIN, 3, i, &g->episode[i]);
  }
  g->m = g->weights.m;
}

static void tear_down(rig *g) {
  for (int i = 0; i < 2 * LANES; i++)
    oikos_episode_destroy(&g->episode[i]);
  oikos_weights_destroy(&g->weights);
  oikos_encoder_destroy(g->encoder);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
  oikos_source_destroy(g->source);
  free(g->config);
}

static oikos_path *path_of(const rig *g) {
  oikos_error err;
  oikos_path *path;
  oikos_task_shape shape = oikos_source_shape(g->source);
  CHECK_OK(oikos_path_create(g->inner, g->config->inner.steps, shape.support + shape.query, &path,
                             &err));
  return path;
}

static oikos_lockstep *lockstep_of(const rig *g) {
  oikos_error err;
  oikos_lockstep *l;
  CHECK_OK(oikos_lockstep_create(g->config, g->inner, &g->weights, oikos_source_shape(g->source),
                                 &l, &err));
  return l;
}

static void check_lane(const rig *g, const oikos_lockstep *l, size_t lane, oikos_path *path,
                       oikos_path *other) {
  int64_t steps = g->config->inner.steps;
  const oikos_episode *e = &g->episode[lane];
  real *found = array(2 * g->m, sizeof *found), *truth = found + g->m;
  double near = tolerance(1e-4, 1e-12);
  memcpy(oikos_path_start(path), g->weights.shared, g->m * sizeof *found);
  memcpy(oikos_path_start(other), g->weights.shared, g->m * sizeof *found);
  double at_start = 0;
  if (g->config->learners.rollback > 0)
    at_start =
        oikos_network_loss(g->net, oikos_path_workspace(path), oikos_path_start(path), &e->query)
            .loss;
  check_near(oikos_lockstep_at_start(l, lane), at_start, near, 0, lane, "query loss at the start");
  oikos_judgement before = oikos_adapt(g->inner, path, NULL, &e->support, steps),
                  after = oikos_meta_gradient(g->inner, path, NULL, &e->support, &e->query, steps,
                                              truth);
  check_near(oikos_lockstep_after(l, lane).loss, after.loss, near, 0, lane, "query loss");
  if (steps > 0)
    check_near(oikos_lockstep_before(l, lane).loss, before.loss, near, 0, lane, "support loss");
  oikos_lockstep_gradient(l, lane, found);
  check_vectors(g->m, found, truth, tolerance(1e-4, 1e-11), "gradient");
  oikos_lockstep_keep(l, lane, other);
  if (g->config->shared.mixing > 0)
    check_vectors(g->m, oikos_path_parameters(g->inner, other, steps),
                  oikos_path_parameters(g->inner, path, steps), near, "trained parameters");
  free(found);
}

/* The query losses after each of more steps than are trained. */
static void check_evaluation(const rig *g, oikos_lockstep *l) {
  oikos_error err;
  oikos_path *path;
  int64_t steps = g->config->inner.steps + 2;
  oikos_task_shape shape = oikos_source_shape(g->source);
  double *loss = array((size_t)(steps + 1) * LANES, sizeof *loss);
  CHECK_OK(oikos_path_create(g->inner, steps, shape.support + shape.query, &path, &err));
  oikos_lockstep_evaluate(l, g->weights.shared, steps, loss);
  for (size_t lane = 0; lane < LANES; lane++) {
    const oikos_episode *e = &g->episode[lane];
    memcpy(oikos_path_start(path), g->weights.shared, g->m * sizeof(real));
    oikos_adapt(g->inner, path, NULL, &e->support, steps);
    for (int64_t k = 0; k <= steps; k++) {
      const real *theta = oikos_path_parameters(g->inner, path, k);
      double truth = oikos_network_loss(g->net, oikos_path_workspace(path), theta, &e->query).loss;
      check_near(loss[(size_t)k * LANES + lane], truth, tolerance(1e-4, 1e-12), 0, (size_t)k,
                 "query loss");
    }
  }
  oikos_path_destroy(path);
  free(loss);
}

/* Against each by itself. */
static void test_truth(void **state) {
  (void)state;
  for (size_t k = 0; k < COVERED; k++) {
    rig g;
    set_up(&g, covered[k]);
    oikos_lockstep *l = lockstep_of(&g);
    if (!l)
      fail_msg("%s: goes one by one", covered[k]);
    oikos_path *path = path_of(&g), *other = path_of(&g);
    for (size_t lane = 0; lane < LANES; lane++)
      oikos_lockstep_set(l, lane, &g.episode[lane]);
    oikos_lockstep_train(l, g.weights.shared);
    for (size_t lane = 0; lane < LANES; lane++)
      check_lane(&g, l, lane, path, other);
    check_evaluation(&g, l);
    oikos_path_destroy(path);
    oikos_path_destroy(other);
    oikos_lockstep_destroy(l);
    tear_down(&g);
  }
}

/* The rule: what is not covered is left to the others. */
static void test_others(void **state) {
  (void)state;
  for (size_t k = 0; k < OTHERS; k++) {
    rig g;
    set_up(&g, others[k]);
    if (lockstep_of(&g))
      fail_msg("%s: goes in lockstep", others[k]);
    tear_down(&g);
  }
}

/* The gradient (M) of an episode in a lane, beside `company` others from `first` on. */
static void train_beside(const rig *g, size_t lane, int episode, int first, int company,
                         real *gradient) {
  oikos_lockstep *l = lockstep_of(g);
  assert_non_null(l);
  for (int i = 0; i < company; i++)
    oikos_lockstep_set(l, (lane + 1 + (size_t)i) % LANES, &g->episode[first + i]);
  oikos_lockstep_set(l, lane, &g->episode[episode]);
  oikos_lockstep_train(l, g->weights.shared);
  oikos_lockstep_gradient(l, lane, gradient);
  oikos_lockstep_destroy(l);
}

static void test_neighbours(void **state) {
  (void)state;
  for (size_t k = 0; k < COVERED; k++) {
    rig g;
    set_up(&g, covered[k]);
    real *alone = array(2 * g.m, sizeof *alone), *beside = alone + g.m;
    train_beside(&g, 0, 2 * LANES - 1, 0, 0, alone);
    for (size_t lane = 0; lane < LANES; lane++) {
      train_beside(&g, lane, 2 * LANES - 1, (int)lane, LANES - 1, beside);
      assert_memory_equal(alone, beside, g.m * sizeof *alone);
    }
    g.episode[0].x[0] = (real)NAN; // a learner's bad numbers are its own
    train_beside(&g, 3, 2 * LANES - 1, 0, LANES - 1, beside);
    assert_memory_equal(alone, beside, g.m * sizeof *alone);
    free(alone);
    tear_down(&g);
  }
}

/* The same bits on every level of every processor: a digest (FNV-1a) of all gradients, of examples
 * and starts that no libm has to do with. */
static void test_digest(void **state) {
  (void)state;
  uint64_t digest = 0xcbf29ce484222325,
           truth = sizeof(real) == sizeof(float) ? 0xaf087ab9216ad4c9 : 0xddc057936101bc9;
  for (size_t k = 0; k < COVERED; k++) {
    rig g;
    set_up(&g, covered[k]);
    oikos_lockstep *l = lockstep_of(&g);
    real *gradient = array(g.m, sizeof *gradient);
    for (size_t lane = 0; lane < LANES; lane++) {
      oikos_episode *e = &g.episode[lane];
      oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, k, lane);
      for (size_t i = 0; i < e->support.n + e->query.n; i++) {
        e->x[i] = (real)oikos_random_uniform(&r, -2, 2);
        e->y[i] = (real)oikos_random_uniform(&r, -2, 2);
      }
      oikos_lockstep_set(l, lane, e);
    }
    oikos_lockstep_train(l, g.weights.shared);
    for (size_t lane = 0; lane < LANES; lane++) {
      oikos_lockstep_gradient(l, lane, gradient);
      for (size_t i = 0; i < g.m * sizeof *gradient; i++)
        digest = (digest ^ ((const unsigned char *)gradient)[i]) * 0x100000001b3;
    }
    free(gradient);
    oikos_lockstep_destroy(l);
    tear_down(&g);
  }
  if (digest != truth)
    fail_msg("the digest is %#llx, not %#llx", (unsigned long long)digest,
             (unsigned long long)truth);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_truth),
      cmocka_unit_test(test_others),
      cmocka_unit_test(test_neighbours),
      cmocka_unit_test(test_digest),
  };
  if (!oikos_lanes_are_fused()) {
    puts("skipped: this level has no fused multiply-adds, so that nothing goes in lockstep");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
