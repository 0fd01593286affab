/* SPDX-License-Identifier: MIT
 * The losses against their formulas, written naively in double: values directly, dy by central
 * differences of the value, the tangents by central differences along y_t (of the formula; in
 * double also of the library's own dy). */
#include "check.h"

#include "base/random.h"
#include "net/loss.h"

typedef oikos_real real;

enum { N = 6, SIZE = 4, COUNT = N * SIZE, CACHE = 2 * N * (SIZE > N ? SIZE : N) };

/* A batch of outputs in both precisions. */
typedef struct rig {
  oikos_loss_kind kind;
  double y[COUNT], y_t[COUNT], target[COUNT], weight;
  size_t n_support;
  real y_real[COUNT], y_t_real[COUNT], target_real[COUNT], cache[CACHE], dy[COUNT], dy_t[COUNT];
} rig;

/* -log softmax(logits)[label], by the definition. */
static double naive_entropy(size_t size, const double *logits, size_t label) {
  double sum = 0;
  for (size_t j = 0; j < size; j++)
    sum += exp(logits[j] - logits[label]);
  return log(sum);
}

static double naive_mse(const rig *g, const double *y) {
  double sum = 0;
  for (size_t i = 0; i < COUNT; i++)
    sum += (y[i] - g->target[i]) * (y[i] - g->target[i]);
  return sum / COUNT;
}

static double naive_cross_entropy(const rig *g, const double *y) {
  double sum = 0;
  for (size_t i = 0; i < N; i++)
    sum += naive_entropy(SIZE, y + i * SIZE, (size_t)g->target[i]);
  return sum / N;
}

/* Squared distance of example i to the mean of the support examples of a class. */
static double naive_distance(const rig *g, const double *y, size_t i, size_t class) {
  double squared = 0;
  for (size_t j = 0; j < SIZE; j++) {
    double sum = 0, members = 0;
    for (size_t s = 0; s < g->n_support; s++)
      if ((size_t)g->target[s] == class) {
        sum += y[s * SIZE + j];
        members++;
      }
    squared += (y[i * SIZE + j] - sum / members) * (y[i * SIZE + j] - sum / members);
  }
  return squared;
}

static double naive_prototypes(const rig *g, const double *y) {
  double sum = 0;
  for (size_t i = g->n_support; i < N; i++) {
    const double logits[] = {-naive_distance(g, y, i, 0), -naive_distance(g, y, i, 1)};
    sum += naive_entropy(2, logits, (size_t)g->target[i]);
  }
  return sum / (double)(N - g->n_support);
}

static double naive(const rig *g, const double *y) {
  double loss = g->kind == OIKOS_LOSS_MSE             ? naive_mse(g, y)
                : g->kind == OIKOS_LOSS_CROSS_ENTROPY ? naive_cross_entropy(g, y)
                                                      : naive_prototypes(g, y);
  return g->weight * loss;
}

/* y and the targets from the seed. Prototypes: four support examples of two classes, 1 and 3 shots,
 * not in order. */
static rig set_up(oikos_loss_kind kind) {
  static const double support_label[] = {1, 0, 1, 1};
  rig g = {.kind = kind, .weight = 0.75, .n_support = kind == OIKOS_LOSS_PROTOTYPES ? 4 : 0};
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, 0, (uint64_t)kind);
  for (size_t i = 0; i < COUNT; i++) {
    g.y[i] = (double)(float)oikos_random_uniform(&r, -1, 1);
    g.y_t[i] = (double)(float)oikos_random_uniform(&r, -1, 1);
    g.target[i] = (double)(float)oikos_random_uniform(&r, -1, 1);
  }
  for (size_t i = 0; kind != OIKOS_LOSS_MSE && i < N; i++)
    g.target[i] = i < g.n_support ? support_label[i] : (double)(i % (g.n_support ? 2 : SIZE));
  return g;
}

/* The pass at y + t y_t. */
static oikos_loss_pass pass_at(rig *g, double t) {
  for (size_t i = 0; i < COUNT; i++) {
    g->y_real[i] = (real)(g->y[i] + t * g->y_t[i]);
    g->y_t_real[i] = (real)g->y_t[i];
    g->target_real[i] = (real)g->target[i];
    g->dy[i] = g->dy_t[i] = 77; // to be overwritten
  }
  return (oikos_loss_pass){.n = N,
                           .size = SIZE,
                           .n_support = g->n_support,
                           .y = g->y_real,
                           .y_t = g->y_t_real,
                           .target = g->target_real,
                           .cache = g->cache,
                           .weight = (real)g->weight,
                           .dy = g->dy,
                           .dy_t = g->dy_t};
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

static void check_value(rig *g) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  double truth[COUNT];
  oikos_loss_pass p = pass_at(g, 0);
  oikos_judgement j = type->forward(&p);
  check_near(g->weight * j.loss, naive(g, g->y), tolerance(1e-6, 1e-14), 0, 0, "loss");
  type->backward(&p);
  naive_gradient(g, 0, 1e-4, truth);
  check_truth(COUNT, g->dy, truth, tolerance(1e-5, 1e-7), "dy");
}

static void check_tangents(rig *g) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  const double h = 1e-4, wide = 3e-4;
  double plus[COUNT], minus[COUNT], along = 0;
  naive_gradient(g, 0, h, plus);
  for (size_t i = 0; i < COUNT; i++)
    along += plus[i] * g->y_t[i];
  naive_gradient(g, wide, wide, plus);
  naive_gradient(g, -wide, wide, minus);
  for (size_t i = 0; i < COUNT; i++)
    plus[i] = (plus[i] - minus[i]) / (2 * wide);
  oikos_loss_pass p = pass_at(g, 0);
  type->forward(&p);
  check_near(type->tangent(&p), along, tolerance(1e-5, 1e-7), 0, 0, "tangent");
  type->backward(&p);
  type->tangent_backward(&p);
  check_truth(COUNT, g->dy_t, plus, tolerance(1e-5, 1e-6), "dy_t");
}

/* In double: dy_t against the difference of the library's own dy. */
static void check_own_tangents(rig *g) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  double truth[COUNT] = {0};
  if (sizeof(real) == sizeof(float))
    return;
  for (int side = -1; side <= 1; side += 2) {
    oikos_loss_pass p = pass_at(g, side * 1e-4);
    type->forward(&p);
    type->backward(&p);
    for (size_t i = 0; i < COUNT; i++)
      truth[i] += side * (double)g->dy[i] / 2e-4;
  }
  oikos_loss_pass p = pass_at(g, 0);
  type->forward(&p);
  type->backward(&p);
  type->tangent_backward(&p);
  check_truth(COUNT, g->dy_t, truth, 1e-7, "dy_t of dy");
}

static void test_mse(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_MSE);
  check_value(&g);
  check_tangents(&g);
  check_own_tangents(&g);
  assert_int_equal(oikos_loss_targets(OIKOS_LOSS_MSE, 3), 3);
  oikos_loss_pass p = pass_at(&g, 0);
  assert_true(oikos_loss_of(g.kind)->forward(&p).correct == 0);
}

static void test_cross_entropy(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY);
  check_value(&g);
  check_tangents(&g);
  check_own_tangents(&g);
  assert_int_equal(oikos_loss_targets(OIKOS_LOSS_CROSS_ENTROPY, 3), 1);
}

static void test_prototypes(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_PROTOTYPES);
  check_value(&g);
  assert_int_equal(oikos_loss_targets(OIKOS_LOSS_PROTOTYPES, 3), 1);
}

/* Correct answers, counted by hand: outputs that favour class i % 3. */
static void test_correct(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY);
  for (size_t i = 0; i < COUNT; i++)
    g.y[i] = i % SIZE == i / SIZE % 3 ? 1 : 0;
  for (size_t i = 0; i < N; i++)
    g.target[i] = i < 4 ? (double)(i % 3) : 3;
  oikos_loss_pass p = pass_at(&g, 0);
  assert_true(oikos_loss_of(g.kind)->forward(&p).correct == 4);
  // the two queries stand on the means of class 0 and 1, and both say they are of class 1
  g = set_up(OIKOS_LOSS_PROTOTYPES);
  for (size_t j = 0; j < SIZE; j++) {
    g.y[4 * SIZE + j] = g.y[1 * SIZE + j];
    g.y[5 * SIZE + j] = (g.y[0 * SIZE + j] + g.y[2 * SIZE + j] + g.y[3 * SIZE + j]) / 3;
  }
  g.target[4] = g.target[5] = 1;
  p = pass_at(&g, 0);
  assert_true(oikos_loss_of(g.kind)->forward(&p).correct == 1);
}

static void check_finite(rig *g, double loss) {
  const oikos_loss_type *type = oikos_loss_of(g->kind);
  oikos_loss_pass p = pass_at(g, 0);
  check_near(type->forward(&p).loss, loss, tolerance(1e-6, 1e-12), 0, 0, "extreme loss");
  type->backward(&p);
  if (type->tangent_backward)
    type->tangent_backward(&p);
  for (size_t i = 0; i < COUNT; i++)
    assert_true(isfinite(g->dy[i]) && (!type->tangent_backward || isfinite(g->dy_t[i])));
}

/* Every example is wrong by 2e4: that is its loss to all digits, and dy is the difference of two
 * one-hots. */
static void test_extreme(void **state) {
  (void)state;
  rig g = set_up(OIKOS_LOSS_CROSS_ENTROPY);
  for (size_t i = 0; i < COUNT; i++)
    g.y[i] = i % SIZE == 2 ? 1e4 : -1e4;
  for (size_t i = 0; i < N; i++)
    g.target[i] = 1;
  check_finite(&g, 2e4);
  for (size_t i = 0; i < COUNT; i++)
    check_near((double)g.dy[i], g.weight / N * ((i % SIZE == 2) - (i % SIZE == 1)), 1e-6, 0, i,
               "extreme dy");
  // the same with all of them right
  for (size_t i = 0; i < N; i++)
    g.target[i] = 2;
  check_finite(&g, 0);
  // class 0 at +1e4, class 1 at -1e4 in one coordinate; queries of class 1 stand on class 0:
  // distance 2e4, squared
  g = set_up(OIKOS_LOSS_PROTOTYPES);
  memset(g.y, 0, sizeof g.y);
  for (size_t i = 0; i < N; i++)
    g.y[i * SIZE] = i >= g.n_support || g.target[i] == 0 ? 1e4 : -1e4;
  g.target[4] = g.target[5] = 1;
  check_finite(&g, 4e8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mse),        cmocka_unit_test(test_cross_entropy),
      cmocka_unit_test(test_prototypes), cmocka_unit_test(test_correct),
      cmocka_unit_test(test_extreme),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
