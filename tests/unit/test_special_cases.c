/* SPDX-License-Identifier: MIT
 * The exact special cases of the method with one home: whole steps of the trainer against naive
 * loops written from the papers' algorithms. */
#include <complex.h>
#include <unistd.h>

#include "special.h"

#include "store/image_file.h"

#define REGRESSION                                                                                 \
  "seed: 7\nsteps: 5\ntask: {source: functions, modes: [sinusoid], support: 6, query: 5}\n"        \
  "learners: {count: 4}\nmodel: {loss: mse, layers: [dense: 5, tanh, dense: 4, tanh, dense: 1]}\n"

enum { STEPS = 5 };

/* Algorithm 1 of MAML (Finn et al. 2017), with the rule's derivative: w moves by the mean over
 * tasks of the query loss's gradient at the adapted parameters, taken by the start (and by the
 * rates, w's tail). The rates that the rule uses follow the learned ones. */
static void check_maml(bench *b, inner_rule *r) {
  size_t all = b->m + r->learned;
  double *w = copy_of(all, oikos_trainer_shared(b->trainer)), *theta = numbers(b->m),
         *meta = numbers(all), *first = copy_of(all, oikos_trainer_shared(b->trainer));
  outer o = outer_of(b, all);
  for (int64_t step = 0; step < STEPS; step++) {
    memset(meta, 0, all * sizeof *meta);
    for (size_t i = 0; r->use && i < (size_t)r->steps * b->m; i++)
      r->alpha[i] = w[b->m + r->use[i]];
    for (size_t i = 0; i < b->n; i++) {
      draw(b, step, i);
      memcpy(theta, w, b->m * sizeof *theta);
      add_meta_gradient(b, r, theta, 1 / (double)b->n, meta);
    }
    clip(b->config, all, meta);
    outer_update(&o, b->config->shared.rate * scheduled(b->config, step), all, meta, w);
    bench_step(b);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
    check_same(r->learned, oikos_trainer_shared(b->trainer) + b->m, w + b->m, "alpha");
  }
  check_moved(b->m, first, w, "w");
  if (r->learned)
    check_moved(r->learned, first + b->m, w + b->m, "alpha");
  outer_free(&o);
  free(w);
  free(first);
  free(theta);
  free(meta);
  free(r->alpha);
  bench_free(b);
}

static void check_fixed(const char *text, bool second) {
  bench *b = bench_of(text);
  inner_rule r = fixed_rate(b, 0, second);
  check_maml(b, &r);
}

/* gamma 0, second order, one home is MAML; micro-batches add up to the whole support set. */
static void test_maml(void **state) {
  (void)state;
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nouter: {optimizer: sgd}\n"
                         "shared: {rate: 0.01}\n",
              true);
  check_fixed(REGRESSION "inner: {steps: 3, rate: 0.02, micro_batches: 2}\n"
                         "outer: {optimizer: sgd}\nshared: {rate: 0.01}\n",
              true);
}

/* Adam's epsilon stands well above float's error of a gradient, which it would blow up. */
static void test_maml_adam(void **state) {
  (void)state;
  check_fixed(REGRESSION "inner: {steps: 2, rate: 0.02}\n"
                         "outer: {optimizer: adam, beta1: 0.8, beta2: 0.95, epsilon: 0.01}\n"
                         "shared: {rate: 0.02}\n",
              true);
}

/* First order: the support gradients count as constants. */
static void test_fomaml(void **state) {
  (void)state;
  check_fixed(REGRESSION "inner: {steps: 3, rate: 0.02, order: first}\nouter: {optimizer: sgd}\n"
                         "shared: {rate: 0.01}\n",
              false);
}

/* The outer loop's other parts. The clip is met in some of the steps, the cosine starts after the
 * warm-up. */
static void test_outer(void **state) {
  (void)state;
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nshared: {rate: 0.02}\n"
                         "outer: {optimizer: momentum, momentum: 0.7, schedule: cosine, warmup: 2, "
                         "final_rate: 0.1, clip: 2.5}\n",
              true);
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nshared: {rate: 0.02}\n"
                         "outer: {optimizer: adamw, epsilon: 0.01, weight_decay: 0.3, schedule: "
                         "cosine, clip: 1}\n",
              true);
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nshared: {rate: 0.02}\n"
                         "outer: {optimizer: nesterov, momentum: 0.7, schedule: step, decay: 0.5, "
                         "decay_every: 2, warmup: 1}\n",
              true);
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nshared: {rate: 0.02}\n"
                         "outer: {optimizer: rmsprop, beta2: 0.9, epsilon: 0.01, schedule: "
                         "exponential, decay: 0.5, decay_every: 3}\n",
              true);
  check_fixed(REGRESSION "inner: {steps: 1, rate: 0.02}\nshared: {rate: 0.02}\n"
                         "outer: {optimizer: lion, beta2: 0.9, weight_decay: 0.3}\n",
              true);
}

/* ANIL (Raghu et al. 2020): inner steps move the last layer only; the outer step moves all. */
static void check_anil(const char *scope, const char *order, bool second) {
  char text[1024];
  snprintf(text, sizeof text,
           REGRESSION "inner: {steps: 3, rate: 0.05, %s, order: %s}\n"
                      "outer: {optimizer: sgd}\nshared: {rate: 0.01}\n",
           scope, order);
  bench *b = bench_of(text);
  inner_rule r = fixed_rate(b, b->m - (4 + 1), second); // dense 4 -> 1 and its bias
  check_maml(b, &r);
}

static void test_anil(void **state) {
  (void)state;
  check_anil("scope: last", "second", true);
  check_anil("scope: last", "first", false);
  check_anil("from: 4", "second", true);
}

/* Meta-SGD (Li et al. 2017): theta' = theta - alpha o grad, and alpha is learned as w is. */
static void test_meta_sgd(void **state) {
  (void)state;
  bench *b = bench_of(REGRESSION "inner: {steps: 2, rate: 0.02, learned_rates: parameter}\n"
                                 "outer: {optimizer: sgd, clip: 20}\nshared: {rate: 0.001}\n");
  inner_rule r = fixed_rate(b, 0, true);
  size_t *use = array(2 * b->m, sizeof *use);
  for (size_t i = 0; i < 2 * b->m; i++)
    use[i] = i % b->m;
  r.learned = b->m;
  r.use = use;
  check_maml(b, &r);
  free(use);
}

/* MAML++ (Antoniou et al. 2019), per-layer per-step rates: that of step k and layer l is number
 * k * layers + l. */
static void test_step_layer_rates(void **state) {
  (void)state;
  bench *b = bench_of(REGRESSION "inner: {steps: 3, rate: 0.02, learned_rates: step_layer}\n"
                                 "outer: {optimizer: adam, epsilon: 0.01}\nshared: {rate: 0.01}\n");
  const size_t ends[] = {10, 10 + 24, 10 + 24 + 5}; // of the layers 1 -> 5 -> 4 -> 1
  inner_rule r = fixed_rate(b, 0, true);
  size_t *use = array(3 * b->m, sizeof *use);
  assert_int_equal(b->m, ends[2]);
  for (size_t i = 0; i < 3 * b->m; i++) {
    size_t layer = 0;
    while (i % b->m >= ends[layer])
      layer++;
    use[i] = i / b->m * 3 + layer;
  }
  r.learned = 9;
  r.use = use;
  check_maml(b, &r);
  free(use);
}

/* No inner steps: one model trained on all query sets together. */
static void test_joint(void **state) {
  (void)state;
  bench *b = bench_of(REGRESSION "inner: {steps: 0}\nouter: {optimizer: sgd}\n"
                                 "shared: {rate: 0.02}\n");
  double *w = copy_of(b->m, oikos_trainer_shared(b->trainer)), *g = numbers(b->m),
         *mean = numbers(b->m);
  for (int64_t step = 0; step < STEPS; step++) {
    memset(mean, 0, b->m * sizeof *mean);
    for (size_t i = 0; i < b->n; i++) {
      draw(b, step, i);
      gradient_at(b, w, &b->episode.query, g);
      for (size_t j = 0; j < b->m; j++)
        mean[j] += g[j] / (double)b->n;
    }
    for (size_t j = 0; j < b->m; j++)
      w[j] -= 0.02 * mean[j];
    bench_step(b);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
  }
  free(w);
  free(g);
  free(mean);
  bench_free(b);
}

/* Reptile (Nichol et al. 2018), batched: w <- w + gamma mean(theta_i - w). FedAvg (McMahan et al.
 * 2017): w <- mean(theta_i), which is the same with gamma 1. */
static void check_averaging(const char *text, double gamma) {
  bench *b = bench_of(text);
  inner_rule r = fixed_rate(b, 0, false);
  double *w = copy_of(b->m, oikos_trainer_shared(b->trainer)), *theta = numbers(b->m),
         *next = numbers(b->m), *first = copy_of(b->m, oikos_trainer_shared(b->trainer));
  for (int64_t step = 0; step < STEPS; step++) {
    memcpy(next, w, b->m * sizeof *next);
    for (size_t i = 0; i < b->n; i++) {
      draw(b, step, i);
      memcpy(theta, w, b->m * sizeof *theta);
      adapt(b, &r, theta, NULL);
      for (size_t j = 0; j < b->m; j++)
        next[j] += gamma / (double)b->n * (theta[j] - w[j]);
    }
    memcpy(w, next, b->m * sizeof *w);
    bench_step(b);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
  }
  check_moved(b->m, first, w, "w");
  free(w);
  free(first);
  free(theta);
  free(next);
  free(r.alpha);
  bench_free(b);
}

/* epsilon 0: the optimizer, whichever it is, stays out of it. */
static void test_reptile(void **state) {
  (void)state;
  check_averaging(REGRESSION "inner: {steps: 4, rate: 0.02, order: first}\n"
                             "outer: {optimizer: adam}\nshared: {mixing: 0.3, rate: 0}\n",
                  0.3);
}

static void test_fedavg(void **state) {
  (void)state;
  check_averaging(REGRESSION "inner: {steps: 8, rate: 0.02, order: first}\n"
                             "outer: {optimizer: sgd}\nshared: {mixing: 1, rate: 0}\n",
                  1);
}

enum { IMAGES = 24, CLASSES = 4, SIDE = 3, PIXELS = SIDE * SIDE, HIDDEN = 5, FEATURES = 3 };

static oikos_status pixels_of(void *user, int64_t first, int64_t count, uint8_t *pixels,
                              oikos_error *err) {
  (void)user;
  (void)err;
  for (int64_t i = 0; i < count * PIXELS; i++)
    pixels[i] = (uint8_t)((first * PIXELS + i) * (first * PIXELS + i + 37) * 29 % 251);
  return OIKOS_OK;
}

static void write_images(const char *path) {
  const int64_t start[CLASSES + 1] = {0, 6, 11, 18, IMAGES};
  const char *const names[CLASSES] = {"a", "b", "c", "d"}, *const group[1] = {"all"};
  const int32_t groups[CLASSES] = {0};
  const uint8_t split[CLASSES] = {0};
  const oikos_image_index index = {IMAGES, CLASSES, 1,      SIDE,  SIDE,  1,
                                   start,  names,   groups, group, split, "a test"};
  oikos_error err;
  CHECK_OK(oikos_image_file_write(path, &index, pixels_of, NULL, &err));
}

/* Features of one image: dense, tanh, dense, by hand; theta holds W (out, in) and b of each. */
static void embed(const double complex *theta, const real *x, double complex *features) {
  const double complex *w2 = theta + HIDDEN * (PIXELS + 1);
  double complex hidden[HIDDEN];
  for (size_t i = 0; i < HIDDEN; i++) {
    hidden[i] = theta[HIDDEN * PIXELS + i];
    for (size_t j = 0; j < PIXELS; j++)
      hidden[i] += theta[i * PIXELS + j] * (double)x[j];
    hidden[i] = ctanh(hidden[i]);
  }
  for (size_t i = 0; i < FEATURES; i++) {
    features[i] = w2[FEATURES * HIDDEN + i];
    for (size_t j = 0; j < HIDDEN; j++)
      features[i] += w2[i * HIDDEN + j] * hidden[j];
  }
}

/* Algorithm 1 of prototypical networks (Snell et al. 2017): the mean over queries of d(f, c_k) +
 * log sum_k' exp(-d(f, c_k')), d the squared Euclidean distance, c_k the mean of a class's support
 * features. */
static double complex prototype_loss(const oikos_episode *e, size_t ways,
                                     const double complex *theta) {
  double complex mean[CLASSES][FEATURES] = {{0}}, f[FEATURES], loss = 0;
  for (size_t i = 0; i < e->support.n; i++) {
    embed(theta, e->support.x + i * PIXELS, f);
    for (size_t j = 0; j < FEATURES; j++)
      mean[(size_t)e->support.y[i]][j] += f[j] * (double)ways / (double)e->support.n;
  }
  for (size_t i = 0; i < e->query.n; i++) {
    double complex sum = 0, own = 0;
    embed(theta, e->query.x + i * PIXELS, f);
    for (size_t k = 0; k < ways; k++) {
      double complex d = 0;
      for (size_t j = 0; j < FEATURES; j++)
        d += (f[j] - mean[k][j]) * (f[j] - mean[k][j]);
      own = k == (size_t)e->query.y[i] ? d : own;
      sum += cexp(-d);
    }
    loss += (own + clog(sum)) / (double)e->query.n;
  }
  return loss;
}

/* The derivative by a complex step: Im f(x + ih) / h, which loses nothing to cancellation. */
static void add_prototype_gradient(const bench *b, const double *w, double *g) {
  const double h = 1e-30;
  double complex *theta = array(b->m, sizeof *theta);
  for (size_t j = 0; j < b->m; j++)
    theta[j] = w[j];
  for (size_t j = 0; j < b->m; j++) {
    theta[j] += h * I;
    g[j] += cimag(prototype_loss(&b->episode, 3, theta)) / h / (double)b->n;
    theta[j] = w[j];
  }
  free(theta);
}

static void test_prototypes(void **state) {
  (void)state;
  char path[] = "/tmp/oikos-special-XXXXXX", text[512];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  write_images(path);
  snprintf(text, sizeof text,
           "seed: 3\ntask: {source: images, file: %s, ways: 3, support: 2, query: 2}\n"
           "learners: {count: 3}\ninner: {steps: 0}\n"
           "model: {loss: prototypes, layers: [flatten, dense: 5, tanh, dense: 3]}\n"
           "outer: {optimizer: momentum, momentum: 0.5}\nshared: {rate: 0.2}\n",
           path);
  bench *b = bench_of(text);
  unlink(path);
  assert_int_equal(b->m, HIDDEN * (PIXELS + 1) + FEATURES * (HIDDEN + 1));
  double *w = copy_of(b->m, oikos_trainer_shared(b->trainer)), *g = numbers(b->m),
         *first = copy_of(b->m, oikos_trainer_shared(b->trainer));
  outer o = outer_of(b, b->m);
  for (int64_t step = 0; step < STEPS; step++) {
    memset(g, 0, b->m * sizeof *g);
    for (size_t i = 0; i < b->n; i++) {
      draw(b, step, i);
      add_prototype_gradient(b, w, g);
    }
    outer_update(&o, 0.2, b->m, g, w);
    bench_step(b);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
  }
  check_moved(b->m, first, w, "w");
  outer_free(&o);
  free(w);
  free(g);
  free(first);
  bench_free(b);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_maml),       cmocka_unit_test(test_maml_adam),
      cmocka_unit_test(test_fomaml),     cmocka_unit_test(test_outer),
      cmocka_unit_test(test_anil),       cmocka_unit_test(test_meta_sgd),
      cmocka_unit_test(test_joint),      cmocka_unit_test(test_step_layer_rates),
      cmocka_unit_test(test_reptile),    cmocka_unit_test(test_fedavg),
      cmocka_unit_test(test_prototypes),
  };
  int provided;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
