/* SPDX-License-Identifier: MIT
 * The loss of prototypes on outputs of many sizes, which it takes in strips: value and slopes
 * against the formulas in double, with classes of several shots in no order, one of none, and
 * queries of some classes only. */
#include "check.h"

#include "base/random.h"
#include "net/loss.h"

typedef oikos_real real;

enum { CLASSES = 5, SUPPORT = 9, QUERIES = 7, N = SUPPORT + QUERIES, MOST = 300 };

/* Class 3 has no example. */
static const size_t label[N] = {4, 0, 2, 2, 1, 4, 0, 2, 4, 1, 2, 2, 0, 4, 1, 1};

typedef struct rig {
  size_t size;
  double weight, y[N * MOST];
  real y_real[N * MOST], target[N], cache[2 * N * MOST], dy[N * MOST];
} rig;

static double shots_of(size_t class) {
  double shots = 0;
  for (size_t s = 0; s < SUPPORT; s++)
    shots += label[s] == class;
  return shots;
}

/* Number j of a class's mean. */
static double mean_of(const rig *g, size_t class, size_t j) {
  double sum = 0;
  for (size_t s = 0; s < SUPPORT; s++)
    if (label[s] == class)
      sum += g->y[s * g->size + j] / shots_of(class);
  return sum;
}

/* Probabilities of query i; returns its loss. */
static double classify(const rig *g, size_t i, double *probability) {
  double distance[CLASSES] = {0}, least = INFINITY, sum = 0;
  for (size_t c = 0; c < CLASSES; c++) {
    for (size_t j = 0; j < g->size; j++)
      distance[c] += pow(g->y[i * g->size + j] - mean_of(g, c, j), 2);
    least = fmin(least, distance[c]);
  }
  for (size_t c = 0; c < CLASSES; c++)
    sum += exp(least - distance[c]);
  for (size_t c = 0; c < CLASSES; c++)
    probability[c] = exp(least - distance[c]) / sum;
  return distance[label[i]] - least + log(sum);
}

/* Loss, and slopes (N, size) of weight times it. */
static double naive(const rig *g, double *dy) {
  double loss = 0, probability[CLASSES];
  for (size_t i = SUPPORT; i < N; i++) {
    loss += classify(g, i, probability) / QUERIES;
    for (size_t c = 0; c < CLASSES; c++)
      for (size_t j = 0; j < g->size; j++) {
        double slope = -2 * g->weight / QUERIES * (probability[c] - (c == label[i])) *
                       (g->y[i * g->size + j] - mean_of(g, c, j));
        dy[i * g->size + j] += slope;
        for (size_t s = 0; s < SUPPORT; s++)
          if (label[s] == c)
            dy[s * g->size + j] -= slope / shots_of(c);
      }
  }
  return loss;
}

/* Outputs whose distances are of the size of one, away from zero. */
static void draw(rig *g, size_t size) {
  oikos_random r = oikos_random_at(11, OIKOS_DRAW_CHECK, 0, (uint64_t)size);
  *g = (rig){.size = size, .weight = 0.75};
  for (size_t i = 0; i < N * size; i++) {
    g->y_real[i] = (real)(3 + oikos_random_normal(&r) / sqrt((double)size));
    g->y[i] = (double)g->y_real[i];
    g->dy[i] = 77; // to be overwritten
  }
  for (size_t i = 0; i < N; i++)
    g->target[i] = (real)label[i];
}

static void test_sizes(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 3, 7, 8, 16, 17, 31, 64, 65, 127, 128, 131, 257, MOST};
  rig *g = array(1, sizeof *g);
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    draw(g, sizes[k]);
    double *truth = array(N * g->size, sizeof *truth), loss;
    memset(truth, 0, N * g->size * sizeof *truth);
    loss = naive(g, truth);
    oikos_loss_pass p = {.n = N,
                         .size = g->size,
                         .n_support = SUPPORT,
                         .y = g->y_real,
                         .target = g->target,
                         .cache = g->cache,
                         .weight = (real)g->weight,
                         .dy = g->dy};
    char what[64];
    snprintf(what, sizeof what, "dy of %zu outputs", g->size);
    check_near(oikos_loss_prototypes.forward(&p).loss, loss, tolerance(2e-6, 1e-14), 0, k, "loss");
    oikos_loss_prototypes.backward(&p);
    check_truth(N * g->size, g->dy, truth, tolerance(2e-6, 1e-14), what);
    free(truth);
  }
  free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
