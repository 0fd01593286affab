/* SPDX-License-Identifier: MIT
 * The term of distillation against its formula, written naively in double: values directly, dy by
 * central differences of the value, tangents by differences along y_t; its limits and special
 * cases; and through a network and the inner steps, by differences of the whole computation. */
#include "check.h"

#include "base/random.h"
#include "net/loss.h"
#include "oikos/inner.h"

typedef oikos_real real;

enum { N = 5, SIZE = 3, COUNT = N * SIZE, IN_DOUBLE = sizeof(real) == sizeof(double) };

/* Outputs, a direction, a teacher's outputs and targets, and what the loss makes of them. */
typedef struct rig {
  oikos_loss_kind kind;
  double y[COUNT], y_t[COUNT], z[COUNT], target[COUNT], lambda, temperature, weight;
  real y_real[COUNT], y_t_real[COUNT], z_real[COUNT], target_real[COUNT];
  real cache[2 * N * N], soft[2 * COUNT], dy[COUNT], dy_t[COUNT];
} rig;

/* log softmax(x / temperature)[j], by the definition. */
static double log_softmax(const double *x, double temperature, size_t j) {
  double sum = 0;
  for (size_t k = 0; k < SIZE; k++)
    sum += exp((x[k] - x[j]) / temperature);
  return -log(sum);
}

static double naive_entropy(const rig *g, const double *y, size_t i) {
  const double *at = y + i * SIZE, *z = g->z + i * SIZE;
  double tau = g->temperature, divergence = 0;
  for (size_t j = 0; j < SIZE; j++) {
    double log_q = log_softmax(z, tau, j);
    divergence += exp(log_q) * (log_q - log_softmax(at, tau, j));
  }
  return -(1 - g->lambda) * log_softmax(at, 1, (size_t)g->target[i]) +
         g->lambda * tau * tau * divergence;
}

static double naive_squares(const rig *g, const double *y, size_t i) {
  double sum = 0;
  for (size_t j = i * SIZE; j < (i + 1) * SIZE; j++)
    sum += (1 - g->lambda) * (y[j] - g->target[j]) * (y[j] - g->target[j]) +
           g->lambda * (y[j] - g->z[j]) * (y[j] - g->z[j]);
  return sum / SIZE;
}

static double naive(const rig *g, const double *y) {
  double sum = 0;
  for (size_t i = 0; i < N; i++)
    sum += g->kind == OIKOS_LOSS_MSE ? naive_squares(g, y, i) : naive_entropy(g, y, i);
  return g->weight * sum / N;
}

static rig set_up(oikos_loss_kind kind, double lambda, double temperature) {
  rig g = {.kind = kind, .lambda = lambda, .temperature = temperature, .weight = 0.75};
  oikos_random r = oikos_random_at(7, OIKOS_DRAW_CHECK, 0, (uint64_t)kind);
  for (size_t i = 0; i < COUNT; i++) {
    g.y[i] = (double)(float)oikos_random_uniform(&r, -2, 2);
    g.y_t[i] = (double)(float)oikos_random_uniform(&r, -1, 1);
    g.z[i] = (double)(float)oikos_random_uniform(&r, -2, 2);
    g.target[i] = (double)(float)oikos_random_uniform(&r, -1, 1);
  }
  for (size_t i = 0; kind != OIKOS_LOSS_MSE && i < N; i++)
    g.target[i] = (double)(i % SIZE);
  return g;
}

static oikos_loss_pass pass_at(rig *g, double t) {
  for (size_t i = 0; i < COUNT; i++) {
    g->y_real[i] = (real)(g->y[i] + t * g->y_t[i]);
    g->y_t_real[i] = (real)g->y_t[i];
    g->z_real[i] = (real)g->z[i];
    g->target_real[i] = (real)g->target[i];
    g->dy[i] = g->dy_t[i] = 77; // to be overwritten
  }
  return (oikos_loss_pass){.n = N,
                           .size = SIZE,
                           .y = g->y_real,
                           .y_t = g->y_t_real,
                           .target = g->target_real,
                           .cache = g->cache,
                           .weight = (real)g->weight,
                           .dy = g->dy,
                           .dy_t = g->dy_t,
                           .teacher = g->z_real,
                           .lambda = g->lambda,
                           .temperature = g->temperature,
                           .soft = g->soft};
}

/* Gradient (COUNT) of the formula at y + t y_t. */
static void naive_gradient(const rig *g, double t, double h, double *gradient) {
  double y[COUNT];
  for (size_t i = 0; i < COUNT; i++)
    y[i] = g->y[i] + t * g->y_t[i];
  for (size_t i = 0; i < COUNT; i++) {
    double old = y[i];
    y[i] = old + h;
    gradient[i] = naive(g, y);
    y[i] = old - h;
    gradient[i] = (gradient[i] - naive(g, y)) / (2 * h);
    y[i] = old;
  }
}

static void check_four(rig *g) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  double truth[COUNT], minus[COUNT], along = 0;
  oikos_loss_pass p = pass_at(g, 0);
  check_near(g->weight * oikos_loss_forward(type, &p).loss, naive(g, g->y), tolerance(1e-6, 1e-13),
             0, 0, "loss");
  oikos_loss_backward(type, &p);
  naive_gradient(g, 0, 1e-4, truth);
  check_truth(COUNT, g->dy, truth, tolerance(1e-5, 1e-7), "dy");
  for (size_t i = 0; i < COUNT; i++)
    along += truth[i] * g->y_t[i];
  check_near(oikos_loss_tangent(type, &p), along, tolerance(1e-5, 1e-7), 1e-7, 0, "tangent");
  oikos_loss_tangent_backward(type, &p);
  naive_gradient(g, 3e-4, 3e-4, truth);
  naive_gradient(g, -3e-4, 3e-4, minus);
  for (size_t i = 0; i < COUNT; i++)
    truth[i] = (truth[i] - minus[i]) / 6e-4;
  check_truth(COUNT, g->dy_t, truth, tolerance(1e-5, 1e-5), "dy_t");
}

/* In double: dy_t against the difference of the library's own dy. */
static void check_own_tangents(rig *g) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  double truth[COUNT] = {0};
  for (int side = -1; IN_DOUBLE && side <= 1; side += 2) {
    oikos_loss_pass p = pass_at(g, side * 1e-4);
    oikos_loss_forward(type, &p);
    oikos_loss_backward(type, &p);
    for (size_t i = 0; i < COUNT; i++)
      truth[i] += side * (double)g->dy[i] / 2e-4;
  }
  oikos_loss_pass p = pass_at(g, 0);
  oikos_loss_forward(type, &p);
  oikos_loss_tangent_backward(type, &p);
  if (IN_DOUBLE)
    check_truth(COUNT, g->dy_t, truth, 1e-7, "dy_t of dy");
}

static void test_derivatives(void **state) {
  (void)state;
  const double lambdas[] = {0.3, 1}, temperatures[] = {0.5, 1, 4};
  for (int l = 0; l < 2; l++)
    for (int t = 0; t < 3; t++) {
      rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY, lambdas[l], temperatures[t]);
      check_four(&g);
      check_own_tangents(&g);
      g = set_up(OIKOS_LOSS_MSE, lambdas[l], temperatures[t]);
      check_four(&g);
      check_own_tangents(&g);
    }
}

/* The teacher is the student itself, and nothing else counts: no loss, and no gradient at all. */
static void test_own_outputs(void **state) {
  (void)state;
  const oikos_loss_kind kinds[] = {OIKOS_LOSS_MSE, OIKOS_LOSS_CROSS_ENTROPY};
  for (int k = 0; k < 2; k++) {
    rig g = set_up(kinds[k], 1, 3);
    oikos_loss_pass p = pass_at(&g, 0);
    p.teacher = p.y;
    assert_true(oikos_loss_forward(oikos_loss_of(kinds[k]), &p).loss == 0);
    oikos_loss_backward(oikos_loss_of(kinds[k]), &p);
    for (size_t i = 0; i < COUNT; i++)
      assert_true(g.dy[i] == 0);
  }
}

/* At high temperature the term becomes half the squared difference of the centred outputs, by the
 * number of classes (Hinton et al. 2015, section 2.1). */
static void test_hot(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY, 1, 1000);
  double truth[COUNT], loss = 0;
  for (size_t i = 0; i < COUNT; i++) {
    double mean = 0;
    for (size_t j = i / SIZE * SIZE; j < i / SIZE * SIZE + SIZE; j++)
      mean += (g.y[j] - g.z[j]) / SIZE;
    double centred = g.y[i] - g.z[i] - mean;
    truth[i] = g.weight * centred / SIZE / N;
    loss += centred * centred / (2 * SIZE) / N;
  }
  oikos_loss_pass p = pass_at(&g, 0);
  check_near(oikos_loss_forward(oikos_loss_of(g.kind), &p).loss, loss, 5e-3, 0, 0, "hot loss");
  oikos_loss_backward(oikos_loss_of(g.kind), &p);
  check_truth(COUNT, g.dy, truth, 5e-3, "hot dy");
}

/* With a confident teacher at temperature 1 the term is the cross entropy with its answer, and the
 * count of correct answers is of the targets. */
static void test_confident(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY, 1, 1), plain = g;
  double correct = 0;
  for (size_t i = 0; i < N; i++) {
    const double *y = g.y + i * SIZE;
    size_t best = y[1] > y[0], answer = (i + 1) % SIZE;
    best = y[2] > y[best] ? 2 : best;
    correct += best == (size_t)g.target[i];
    for (size_t j = 0; j < SIZE; j++)
      g.z[i * SIZE + j] = j == answer ? 100 : -100;
    plain.target[i] = (double)answer;
  }
  oikos_loss_pass p = pass_at(&g, 0), q = pass_at(&plain, 0);
  q.teacher = NULL;
  oikos_judgement taught = oikos_loss_forward(oikos_loss_of(g.kind), &p);
  check_near(taught.loss, oikos_loss_forward(oikos_loss_of(g.kind), &q).loss,
             tolerance(1e-6, 1e-13), 0, 0, "confident loss");
  assert_true(taught.correct == correct);
  oikos_loss_backward(oikos_loss_of(g.kind), &p);
  oikos_loss_backward(oikos_loss_of(g.kind), &q);
  check_vectors(COUNT, g.dy, plain.dy, tolerance(1e-5, 1e-13), "confident dy");
}

enum { SUPPORT = 9, QUERY = 7, WAYS = 3 };

/* A network and its inner rule, with a teacher's outputs beside the data. */
typedef struct whole {
  oikos_config config;
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_batch support, query;
  real x[(SUPPORT + QUERY) * 36], y[(SUPPORT + QUERY) * WAYS], z[(SUPPORT + QUERY) * WAYS];
  size_t m, a;
  double *point, *way;
  real *rates, *gradient;
} whole;

static void draw(whole *g, bool images) {
  oikos_random r = oikos_random_at(3, OIKOS_DRAW_CHECK, 0, images);
  size_t in = images ? 36 : 1, targets = images ? 1 : WAYS;
  for (size_t i = 0; i < (SUPPORT + QUERY) * in; i++)
    g->x[i] = (real)oikos_random_uniform(&r, -2, 2);
  for (size_t i = 0; i < (SUPPORT + QUERY) * WAYS; i++) {
    g->y[i] = images ? (real)(i % WAYS) : (real)oikos_random_uniform(&r, -1, 1);
    g->z[i] = (real)oikos_random_uniform(&r, -2, 2);
  }
  g->support = (oikos_batch){.n = SUPPORT, .x = g->x, .y = g->y, .teacher = g->z};
  g->query = (oikos_batch){.n = QUERY,
                           .x = g->x + SUPPORT * in,
                           .y = g->y + SUPPORT * targets,
                           .teacher = g->z + SUPPORT * WAYS};
}

static whole *whole_of(bool images, const char *text) {
  whole *g = calloc(1, sizeof *g);
  oikos_error err;
  assert_non_null(g);
  oikos_config_defaults(&g->config);
  CHECK_OK(oikos_config_parse(&g->config, "test", text, strlen(text), &err));
  oikos_shape shape = images ? (oikos_shape){6, 6, 1} : (oikos_shape){1, 1, 1};
  CHECK_OK(oikos_network_create(&g->config, shape, WAYS, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, &g->config, &g->inner, &err));
  CHECK_OK(oikos_path_create(g->inner, g->config.inner.steps, SUPPORT + QUERY, &g->path, &err));
  g->m = oikos_network_parameters(g->net);
  g->a = oikos_inner_rates(g->inner);
  g->point = calloc(g->m + g->a, sizeof(double));
  g->way = calloc(g->m + g->a, sizeof(double));
  g->rates = calloc(g->a + 1, sizeof(real));
  g->gradient = calloc(g->m + g->a, sizeof(real));
  assert_true(g->point && g->way && g->rates && g->gradient);
  draw(g, images);
  oikos_random r = oikos_random_at(4, OIKOS_DRAW_CHECK, 0, 0);
  oikos_network_initialise(g->net, OIKOS_INIT_HE, 4, oikos_path_start(g->path));
  oikos_inner_first_rates(g->inner, g->rates);
  for (size_t i = 0; i < g->m + g->a; i++) {
    double first = (double)(i < g->m ? oikos_path_start(g->path)[i] : g->rates[i - g->m]);
    g->point[i] = first + (i < g->m ? 0.1 : 0.01) * oikos_random_normal(&r);
    g->way[i] = (i < g->m ? 1 : 0.05) * oikos_random_normal(&r);
  }
  return g;
}

static void whole_free(whole *g) {
  oikos_path_destroy(g->path);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
  free(g->point);
  free(g->way);
  free(g->rates);
  free(g->gradient);
  free(g);
}

static double query_loss(whole *g, double t) {
  int64_t steps = g->config.inner.steps;
  for (size_t i = 0; i < g->m + g->a; i++)
    *(i < g->m ? oikos_path_start(g->path) + i : g->rates + i - g->m) =
        (real)(g->point[i] + t * g->way[i]);
  oikos_adapt(g->inner, g->path, g->rates, &g->support, steps);
  return oikos_network_loss(g->net, oikos_path_workspace(g->path),
                            oikos_path_parameters(g->inner, g->path, steps), &g->query)
      .loss;
}

static void meta_gradient(whole *g) {
  query_loss(g, 0); // stands there
  oikos_meta_gradient(g->inner, g->path, g->rates, &g->support, &g->query, g->config.inner.steps,
                      g->gradient);
}

#define CONV                                                                                       \
  "model: {loss: cross_entropy, layers: [conv2d: {filters: 3, kernel: 3}, batch_norm, tanh, "      \
  "flatten, dense: 3]}\n"
#define MLP    "model: {layers: [dense: 6, tanh, dense: 3]}\n"
#define TAUGHT "distill: {weight: 0.4, temperature: 1.5}\n"

/* Both losses have the term; support micro-batches take their part of the teacher's outputs. */
static void test_meta_gradient(void **state) {
  (void)state;
  static const struct {
    bool images;
    const char *text;
  } cases[] = {
      {true, CONV TAUGHT "inner: {steps: 3, rate: 0.1}"},
      {true,
       CONV TAUGHT "inner: {steps: 2, rate: 0.1, micro_batches: 2, learned_rates: step_layer}"},
      {false,
       MLP TAUGHT "inner: {steps: 3, rate: 0.05, micro_batches: 4, learned_rates: parameter, "
                  "max_norm: 1.2}"},
  };
  if (!IN_DOUBLE)
    skip(); // differences need double
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    whole *g = whole_of(cases[i].images, cases[i].text);
    double along = 0, size = 0;
    meta_gradient(g);
    for (size_t j = 0; j < g->m + g->a; j++) {
      along += (double)g->gradient[j] * g->way[j];
      size += (double)(g->gradient[j] * g->gradient[j]);
    }
    double truth = (query_loss(g, 1e-6) - query_loss(g, -1e-6)) / 2e-6;
    check_near(along, truth, 1e-6, 1e-7 * sqrt(size), i, "meta-gradient");
    whole_free(g);
  }
}

/* A weight of 0 is off, to the bit, whatever a teacher says. */
static void test_off(void **state) {
  (void)state;
  whole *taught = whole_of(true, CONV "distill: {weight: 0}\ninner: {steps: 2, rate: 0.1}"),
        *alone = whole_of(true, CONV "inner: {steps: 2, rate: 0.1}"),
        *on = whole_of(true, CONV "distill: {weight: 0.01}\ninner: {steps: 2, rate: 0.1}");
  alone->support.teacher = alone->query.teacher = NULL;
  meta_gradient(taught);
  meta_gradient(alone);
  meta_gradient(on);
  assert_memory_equal(taught->gradient, alone->gradient, alone->m * sizeof(real));
  assert_memory_not_equal(on->gradient, alone->gradient, alone->m * sizeof(real));
  whole_free(taught);
  whole_free(alone);
  whole_free(on);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_derivatives),   cmocka_unit_test(test_own_outputs),
      cmocka_unit_test(test_hot),           cmocka_unit_test(test_confident),
      cmocka_unit_test(test_meta_gradient), cmocka_unit_test(test_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
