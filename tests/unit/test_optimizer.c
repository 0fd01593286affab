/* SPDX-License-Identifier: MIT
 * The outer optimizers against the formulas of the papers in PyTorch's conventions, written here in
 * double, and closed forms for a constant gradient; the schedule and the clip against numbers
 * worked out by hand. */
#include "check.h"

#include "learn/optimizer.h"
#include "learn/schedule.h"

typedef oikos_real real;

enum { N = 5, STEPS = 10, DECAYED = 3 };

static const int kinds[] = {OIKOS_OPTIMIZERS(OIKOS_VALUE)};
enum { KINDS = sizeof kinds / sizeof *kinds };

static oikos_config *configure(oikos_optimizer_kind optimizer) {
  oikos_config *config = malloc(sizeof *config);
  assert_non_null(config);
  oikos_config_defaults(config);
  config->outer.optimizer = optimizer;
  config->outer.beta1 = 0.8;
  config->outer.beta2 = 0.95;
  config->outer.epsilon = 1e-3; // large enough to show where it is added
  config->outer.weight_decay = 0.1;
  config->outer.momentum = 0.7;
  return config;
}

/* Gradient of a step: it changes in sign and size. */
static double gradient_of(int step, int i) {
  return (double)(float)(sin(1.7 * step + i) * (i + 1) * 0.3);
}

static double rate_of(int step) {
  return 0.1 / (1 + step);
}

/* One naive update of one weight; m and v are its state, t counts from 1. */
static double naive(const oikos_config *c, int t, double rate, double g, bool decayed, double *m,
                    double *v, double w) {
  double mu = c->outer.momentum, b1 = c->outer.beta1, b2 = c->outer.beta2, way,
         decay = decayed && c->outer.optimizer != OIKOS_ADAM ? rate * c->outer.weight_decay * w : 0;
  switch (c->outer.optimizer) {
  case OIKOS_SGD:
    return w - rate * g;
  case OIKOS_MOMENTUM:
    *m = mu * *m + g;
    return w - rate * *m;
  case OIKOS_NESTEROV:
    *m = mu * *m + g;
    return w - rate * (g + mu * *m);
  case OIKOS_ADAGRAD:
    *v += g * g;
    return w - rate * g / (sqrt(*v) + c->outer.epsilon);
  case OIKOS_RMSPROP:
    *v = b2 * *v + (1 - b2) * g * g;
    return w - rate * g / (sqrt(*v) + c->outer.epsilon);
  case OIKOS_LION:
    way = b1 * *m + (1 - b1) * g;
    *m = b2 * *m + (1 - b2) * g;
    return w - decay - rate * ((way > 0) - (way < 0));
  case OIKOS_ADAM:
  case OIKOS_ADAMW:
    *m = b1 * *m + (1 - b1) * g;
    *v = b2 * *v + (1 - b2) * g * g;
    return w - decay -
           rate * (*m / (1 - pow(b1, t))) / (sqrt(*v / (1 - pow(b2, t))) + c->outer.epsilon);
  }
  return NAN;
}

/* Ten updates of row 1 of 2; row 0 keeps its state, which there is if the formula has it. */
static void check_optimizer(oikos_optimizer_kind kind) {
  oikos_config *c = configure(kind);
  oikos_optimizer o;
  oikos_error err;
  real w[N], gradient[N];
  double truth[N], m[N] = {0}, v[N] = {0};
  CHECK_OK(oikos_optimizer_create(c, 2, N, &o, &err));
  for (int i = 0; i < N; i++)
    truth[i] = w[i] = (real)(1 + i);
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < N; i++) {
      gradient[i] = (real)gradient_of(step, i);
      truth[i] = naive(c, step + 1, rate_of(step), gradient_of(step, i), i < DECAYED, &m[i], &v[i],
                       truth[i]);
    }
    oikos_optimizer_update(c, &o, 1, rate_of(step), gradient, DECAYED, w);
    for (size_t i = 0; i < N; i++)
      check_near((double)w[i], truth[i], tolerance(1e-6, 1e-14), 0, i, "weight");
  }
  assert_true(o.count[0] == 0 && o.count[1] == STEPS);
  assert_true((o.first != NULL) == (m[0] != 0) && (o.second != NULL) == (v[0] != 0));
  for (int i = 0; o.first && i < N; i++)
    assert_true(o.first[i] == 0 && (!o.second || o.second[i] == 0));
  oikos_optimizer_destroy(&o);
  free(c);
}

static void test_updates(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++)
    check_optimizer(kinds[k]);
}

static void repeat(const oikos_config *c, double rate, real gradient, real *w) {
  oikos_optimizer o;
  oikos_error err;
  CHECK_OK(oikos_optimizer_create(c, 1, 1, &o, &err));
  for (int step = 0; step < STEPS; step++)
    oikos_optimizer_update(c, &o, 0, rate, &gradient, 1, w);
  oikos_optimizer_destroy(&o);
}

/* A constant gradient g, ten steps: SGD moves by 10 rate g; momentum by rate g sum_k (1 - mu^k) /
 * (1 - mu), Nesterov's by one term more, without the first one; Adam and Lion by 10 rate, whatever
 * g (epsilon being small); AdamW without gradient shrinks the weight by (1 - rate decay)^10;
 * RMSprop by rate sum_k 1 / sqrt(1 - beta2^k). */
static void test_closed_forms(void **state) {
  (void)state;
  const double near = tolerance(1e-5, 1e-9);
  oikos_config *c = configure(OIKOS_SGD);
  real w = 1;
  repeat(c, 0.01, 3, &w);
  check_near((double)w, 0.7, near, 0, 0, "sgd");
  c->outer.optimizer = OIKOS_MOMENTUM;
  w = 1;
  repeat(c, 0.01, 1, &w);
  double moved = 0;
  for (int k = 1; k <= STEPS; k++)
    moved += (1 - pow(0.7, k)) / (1 - 0.7);
  check_near((double)w, 1 - 0.01 * moved, near, 0, 0, "momentum");
  c->outer.optimizer = OIKOS_NESTEROV;
  w = 1;
  repeat(c, 0.01, 1, &w);
  moved += (1 - pow(0.7, STEPS + 1)) / (1 - 0.7) - 1;
  check_near((double)w, 1 - 0.01 * moved, near, 0, 0, "nesterov");
  c->outer.optimizer = OIKOS_ADAM;
  c->outer.epsilon = 1e-12;
  w = 1;
  repeat(c, 0.01, (real)0.002, &w);
  check_near((double)w, 0.9, near, 0, 0, "adam");
  c->outer.optimizer = OIKOS_ADAMW;
  w = 1;
  repeat(c, 0.01, 0, &w);
  check_near((double)w, pow(1 - 0.01 * 0.1, STEPS), near, 0, 0, "adamw");
  c->outer.optimizer = OIKOS_ADAGRAD; // rate (1 + 1 / sqrt(2) + .. + 1 / sqrt(10)), whatever g
  w = 1;
  repeat(c, 0.01, (real)0.02, &w);
  check_near((double)w, 1 - 0.01 * 5.020997899, near, 0, 0, "adagrad");
  c->outer.optimizer = OIKOS_RMSPROP;
  w = 1;
  repeat(c, 0.01, (real)0.02, &w);
  moved = 0;
  for (int k = 1; k <= STEPS; k++)
    moved += 1 / sqrt(1 - pow(0.95, k));
  check_near((double)w, 1 - 0.01 * moved, near, 0, 0, "rmsprop");
  c->outer.optimizer = OIKOS_LION;
  c->outer.weight_decay = 0;
  w = 1;
  repeat(c, 0.01, (real)-0.02, &w);
  check_near((double)w, 1.1, near, 0, 0, "lion");
  repeat(c, 0.01, 0, &w); // without a gradient there is no sign
  check_near((double)w, 1.1, near, 0, 0, "lion at rest");
  free(c);
}

static void test_zero_rate(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    oikos_config *c = configure(kinds[k]);
    oikos_optimizer o;
    oikos_error err;
    const real gradient[N] = {1, 2, 3, 4, 5}, before[N] = {5, 4, 3, 2, 1};
    real w[N];
    memcpy(w, before, sizeof w);
    CHECK_OK(oikos_optimizer_create(c, 1, N, &o, &err));
    oikos_optimizer_update(c, &o, 0, 0, gradient, N, w);
    assert_memory_equal(w, before, sizeof w);
    assert_true(o.count[0] == 0);
    for (int i = 0; i < N; i++)
      assert_true((!o.first || o.first[i] == 0) && (!o.second || o.second[i] == 0));
    oikos_optimizer_destroy(&o);
    free(c);
  }
}

static void check_schedule(const oikos_config *c, int64_t step, double truth) {
  check_near(oikos_schedule(c, step), truth, 1e-12, 1e-12, (size_t)step, "schedule");
}

static void test_schedule(void **state) {
  (void)state;
  oikos_config *c = configure(OIKOS_SGD);
  c->steps = 110;
  check_schedule(c, 0, 1);
  check_schedule(c, 109, 1);
  c->outer.warmup = 10; // a line: a tenth more each step, all of it at the tenth
  check_schedule(c, 0, 0.1);
  check_schedule(c, 4, 0.5);
  check_schedule(c, 9, 1);
  check_schedule(c, 10, 1);
  check_schedule(c, 109, 1);
  c->outer.schedule = OIKOS_SCHEDULE_COSINE;
  c->outer.final_rate = 0.1;
  check_schedule(c, 4, 0.5);
  check_schedule(c, 10, 1);
  check_schedule(c, 35, 0.1 + 0.9 * (0.5 + sqrt(0.125))); // a quarter of the way: cos(pi/4)
  check_schedule(c, 60, 0.55);
  check_schedule(c, 110, 0.1);
  for (int64_t step = 10; step < 110; step++)
    assert_true(oikos_schedule(c, step + 1) < oikos_schedule(c, step));
  c->outer.warmup = 200; // longer than the run
  check_schedule(c, 109, 0.55);
  check_schedule(c, 200, 1);
  free(c);
}

/* Times 1/4 in every 20 steps after the warm-up: all at once, or little by little; and the number
 * of steps has no part in it. */
static void test_decay(void **state) {
  (void)state;
  oikos_config *c = configure(OIKOS_SGD);
  c->steps = 1;
  c->outer.warmup = 10;
  c->outer.decay = 0.25;
  c->outer.decay_every = 20;
  c->outer.schedule = OIKOS_SCHEDULE_STEP;
  check_schedule(c, 4, 0.5);
  check_schedule(c, 10, 1);
  check_schedule(c, 29, 1);
  check_schedule(c, 30, 0.25);
  check_schedule(c, 49, 0.25);
  check_schedule(c, 50, 0.0625);
  assert_false(oikos_schedule_has_end(c));
  c->outer.schedule = OIKOS_SCHEDULE_EXPONENTIAL;
  check_schedule(c, 4, 0.5);
  check_schedule(c, 10, 1);
  check_schedule(c, 20, 0.5);
  check_schedule(c, 30, 0.25);
  check_schedule(c, 40, 0.125);
  assert_false(oikos_schedule_has_end(c));
  c->outer.schedule = OIKOS_SCHEDULE_COSINE;
  assert_true(oikos_schedule_has_end(c));
  free(c);
}

static void test_clip(void **state) {
  (void)state;
  real g[2] = {3, -4};
  check_near(oikos_clip(0, 2, g), 5, 1e-15, 0, 0, "norm");
  assert_true(g[0] == 3 && g[1] == -4); // off
  check_near(oikos_clip(5, 2, g), 5, 1e-15, 0, 0, "norm");
  assert_true(g[0] == 3 && g[1] == -4); // not above
  check_near(oikos_clip(1, 2, g), 5, 1e-15, 0, 0, "norm before");
  check_near((double)g[0], 0.6, tolerance(1e-7, 1e-15), 0, 0, "clipped");
  check_near((double)g[1], -0.8, tolerance(1e-7, 1e-15), 0, 1, "clipped");
  real zero[2] = {0, 0};
  assert_true(oikos_clip(1, 2, zero) == 0 && zero[0] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_updates),   cmocka_unit_test(test_closed_forms),
      cmocka_unit_test(test_zero_rate), cmocka_unit_test(test_schedule),
      cmocka_unit_test(test_decay),     cmocka_unit_test(test_clip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
