/* SPDX-License-Identifier: MIT
 * Deserted homes: when one is due and off which it is split, what both become, and what a learner
 * then thinks of them. */
#include "check.h"

#include "learn/homes.h"

typedef oikos_real real;

static oikos_config *configure(const char *home) {
  oikos_config *c = calloc(1, sizeof *c);
  oikos_error err;
  char text[512];
  assert_non_null(c);
  snprintf(text, sizeof text,
           "learners: {count: 40}\nmodel: {layers: [dense: 64, tanh, dense: 32]}\nhome: {%s}\n",
           home);
  oikos_config_defaults(c);
  CHECK_OK(oikos_config_parse(c, "test", text, strlen(text), &err));
  return c;
}

/* Nobody in a home for three steps; one guest in between begins the count anew. */
static void test_empty(void **state) {
  (void)state;
  oikos_config *c = configure("count: 3, owns: all, revive: 3");
  const int64_t two[3] = {15, 0, 25}, guest[3] = {15, 1, 24};
  int64_t deserted[3] = {0};
  int32_t parent;
  for (int k = 0; k < 2; k++)
    assert_int_equal(oikos_homes_due(c, two, deserted, &parent), -1);
  assert_int_equal(oikos_homes_due(c, guest, deserted, &parent), -1);
  for (int k = 0; k < 2; k++)
    assert_int_equal(oikos_homes_due(c, two, deserted, &parent), -1);
  assert_int_equal(deserted[1], 2);
  assert_int_equal(oikos_homes_due(c, two, deserted, &parent), 1);
  assert_int_equal(parent, 2);
  assert_int_equal(deserted[1], 0);
  free(c);
}

/* 40 learners, 4 homes: an even share is 10, and half of it is 5, which is not enough. Two are due:
 * the one with fewer goes first, and the other one waits as long again. */
static void test_few(void **state) {
  (void)state;
  oikos_config *c = configure("count: 4, owns: all, revive: 2, revive_below: 0.5");
  const int64_t members[4] = {5, 23, 4, 8};
  int64_t deserted[4] = {0};
  int32_t parent;
  for (int k = 0; k < 2; k++) {
    assert_int_equal(oikos_homes_due(c, members, deserted, &parent), -1);
    assert_int_equal(oikos_homes_due(c, members, deserted, &parent), 2);
    assert_int_equal(parent, 1);
  }
  const int64_t enough[4] = {6, 6, 22, 6};
  for (int k = 0; k < 5; k++)
    assert_int_equal(oikos_homes_due(c, enough, deserted, &parent), -1);
  free(c);
}

static double spread(size_t n, const real *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  return sqrt(sum / (double)n);
}

/* The middle of the two is where the parent was; the way to it has the share of each tensor's size
 * (a bias of zeros stays), differs from step to step, and leaves other homes alone. */
static void check_split(const oikos_config *c, const oikos_home_layout *l, const real *before,
                        const real *after) {
  const real *was = before + 2 * l->k, *parent = after + 2 * l->k, *child = after;
  real *d = malloc(l->k * sizeof *d);
  assert_non_null(d);
  assert_memory_equal(after + l->k, before + l->k, l->k * sizeof *after);
  for (size_t j = 0; j < l->k; j++) {
    check_near(((double)parent[j] + (double)child[j]) / 2, (double)was[j], 1e-6, 1e-6, j, "middle");
    d[j] = parent[j] - was[j];
  }
  for (int i = 0; i < l->n_tensors; i++) {
    const oikos_tensor *tensor = &l->tensor[i];
    double size = spread(tensor->size, was + tensor->offset);
    check_near(spread(tensor->size, d + tensor->offset), c->home.perturbation * size,
               4 / sqrt(2 * (double)tensor->size), 1e-6 * size, (size_t)i, "size of the split");
  }
  free(d);
}

static void test_split(void **state) {
  (void)state;
  oikos_config *c = configure("count: 3, owns: all, perturbation: 0.2");
  oikos_network *net;
  oikos_home_layout l;
  oikos_error err;
  CHECK_OK(oikos_network_create(c, (oikos_shape){1, 1, 50}, 32, &net, &err));
  CHECK_OK(oikos_home_layout_create(c, net, &l, &err));
  real *w = calloc(l.m, sizeof *w), *homes[3];
  assert_non_null(w);
  oikos_network_initialise(net, OIKOS_INIT_HE, 3, w);
  for (int i = 0; i < 3; i++) {
    homes[i] = calloc(3 * l.k, sizeof **homes);
    assert_non_null(homes[i]);
    oikos_homes_initialise(c, &l, w, homes[i]);
  }
  for (int i = 1; i < 3; i++) {
    oikos_homes_split(c, &l, 10 + i, 0, 2, homes[i]);
    check_split(c, &l, homes[0], homes[i]);
  }
  assert_memory_not_equal(homes[1], homes[2], l.k * sizeof **homes);
  for (int i = 0; i < 3; i++)
    free(homes[i]);
  free(w);
  oikos_home_layout_destroy(&l);
  oikos_network_destroy(net);
  free(c);
}

/* p of the parent is halved, that of the child is lost; then normalised. */
static void test_inherit(void **state) {
  (void)state;
  double log_p[4] = {log(0.1), log(0.6), log(0.2), log(0.1)};
  const double p[4] = {0.3 / 0.9, 0.3 / 0.9, 0.2 / 0.9, 0.1 / 0.9};
  oikos_home_inherit(4, 0, 1, log_p);
  for (size_t t = 0; t < 4; t++)
    check_near(exp(log_p[t]), p[t], 1e-14, 0, t, "p");
  assert_true(log_p[0] == log_p[1]); // a tie: the learner stays where it is until it knows better
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_few),
      cmocka_unit_test(test_split),
      cmocka_unit_test(test_inherit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
