/* SPDX-License-Identifier: MIT
 * What a configuration leaves open of how to compute is settled: where there is something to
 * choose, as expected where the shapes leave no doubt, once, and so that it can be written down. */
#include "configs.h"

#include <stdbool.h>

#include "net/choose.h"

enum { NOT_GIVEN = -2 };

static oikos_config *with_layers(const char *layers) {
  oikos_config *config = defaults();
  char text[1024];
  snprintf(text, sizeof text, "model:\n  loss: cross_entropy\n  layers: [%s]\n", layers);
  parse(config, text);
  return config;
}

static oikos_config *copy(const oikos_config *config) {
  oikos_config *to = malloc(sizeof *to);
  assert_non_null(to);
  *to = *config;
  return to;
}

/* What layer i says of winograd. */
static double choice(const oikos_config *config, int i) {
  const oikos_layer_spec *spec = &config->model.layers[i];
  double found = NOT_GIVEN;
  for (int a = 0; a < spec->n_args; a++)
    if (strcmp(spec->arg[a].key, "winograd") == 0) {
      if (found != NOT_GIVEN)
        fail_msg("layer %d has two arguments winograd", i);
      found = spec->arg[a].value;
    }
  return found;
}

static void check_choice(const oikos_config *config, int i, double expected) {
  if (choice(config, i) != expected)
    fail_msg("layer %d: winograd is %g, expected %g (%d: not given)", i, choice(config, i),
             expected, NOT_GIVEN);
}

/* A configuration with what was open chosen, for support sets of n_support and queries of n_query.
 */
static oikos_config *chosen(const char *layers, oikos_shape input, size_t n_support,
                            size_t n_query) {
  oikos_config *config = with_layers(layers);
  oikos_error err;
  CHECK_OK(oikos_choose(config, input, n_support, n_query, &err));
  return config;
}

static void check_equal(const oikos_config *a, const oikos_config *b) {
  char *one = text_of(a), *other = text_of(b);
  assert_string_equal(one, other);
  free(one);
  free(other);
}

static const char conv4[] = "conv2d: {filters: 64, padding: 1}, batch_norm, relu, max_pool: 2, "
                            "conv2d: {filters: 64, padding: 1}, batch_norm, relu, max_pool: 2, "
                            "conv2d: {filters: 64, padding: 1}, batch_norm, relu, max_pool: 2, "
                            "flatten, dense: 5";
static const oikos_shape image = {28, 28, 1};

/* With one channel the transforms cost more than the products that they save, with 64 and many
 * images they are little beside them; a few images do not pay for the filters' transform. */
static void test_expected(void **state) {
  (void)state;
  oikos_config *config = chosen(conv4, image, 25, 75), *few = chosen(conv4, image, 1, 75);
  check_choice(config, 0, 0);
  check_choice(config, 4, 1);
  check_choice(config, 8, 1);
  check_choice(few, 8, 75);
  free(config);
  free(few);
}

/* The same shapes have the same choice, whenever and however often it is made. */
static void test_same(void **state) {
  (void)state;
  oikos_config *first = chosen(conv4, image, 5, 75);
  for (int again = 0; again < 6; again++) {
    oikos_config *other = chosen(conv4, image, 5, 75);
    check_equal(first, other);
    free(other);
  }
  free(first);
}

/* No value but 0, 1 and the larger batch; which of the two sets is the larger does not matter. */
static void test_values(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    oikos_config *config = chosen(conv4, image, k ? 75 : 1, k ? 1 : 75);
    for (int i = 0; i <= 8; i += 4)
      if (choice(config, i) != 0 && choice(config, i) != 1 && choice(config, i) != 75)
        fail_msg("layer %d: winograd is %g", i, choice(config, i));
    check_choice(config, 0, 0);
    free(config);
  }
}

/* Where tiles cannot apply nothing is added; what cannot be chosen for does not stop what comes
 * after it: the shapes go on. */
static void test_not_applicable(void **state) {
  (void)state;
  oikos_config *config = chosen("conv2d: {filters: 4, kernel: 5, padding: 2}, relu, "
                                "conv2d: {filters: 4, stride: 2, padding: 1}, "
                                "conv2d: {filters: 4, kernel: 1}, "
                                "conv2d: {filters: 4, kernel: 3, kernel_width: 2}, "
                                "conv2d: {filters: 4, kernel: 5, winograd: -1}, "
                                "conv2d: {filters: 4, kernel: 3, kernel_width: 3, stride: 1}, "
                                "batch_norm, max_pool: 2, flatten, dense: 3",
                                (oikos_shape){28, 28, 2}, 4, 8);
  const int n_args[] = {3, 0, 3, 2, 3, 3, 5, 0, 1, 0, 1};
  for (int i = 0; i < config->model.n_layers; i++) {
    assert_int_equal(config->model.layers[i].n_args, n_args[i]);
    if (i != 5 && i != 6)
      check_choice(config, i, NOT_GIVEN);
  }
  check_choice(config, 5, -1);
  assert_true(choice(config, 6) >= 0);
  free(config);
}

/* What the user gave stays, against all expectation; -1 is as good as nothing. */
static void test_given(void **state) {
  (void)state;
  oikos_config *config = chosen("conv2d: {winograd: 7, filters: 64, padding: 1}, max_pool: 2, "
                                "conv2d: {filters: 64, padding: 1, winograd: 0}, "
                                "conv2d: {winograd: -1, filters: 64, padding: 1}, "
                                "flatten, dense: 5",
                                image, 25, 75);
  check_choice(config, 0, 7);
  check_choice(config, 2, 0);
  assert_true(choice(config, 3) >= 1);
  assert_string_equal(config->model.layers[3].arg[0].key, "winograd");
  free(config);
}

/* Choosing again, or for other batches, changes nothing more. */
static void test_once(void **state) {
  (void)state;
  oikos_error err;
  oikos_config *config = chosen(conv4, image, 25, 75), *again = copy(config);
  CHECK_OK(oikos_choose(again, image, 1, 1, &err));
  check_equal(config, again);
  assert_memory_equal(&config->model, &again->model, sizeof config->model);
  free(config);
  free(again);
}

/* The choice is written with the rest, and read back. */
static void check_written(const char *layers) {
  oikos_config *config = chosen(layers, image, 25, 75), *read = malloc(sizeof *read);
  oikos_error err;
  char *text = text_of(config);
  assert_non_null(read);
  oikos_config_defaults(read);
  CHECK_OK(oikos_config_parse(read, "written", text, strlen(text), &err));
  for (int i = 0; i < config->model.n_layers; i++)
    check_choice(read, i, choice(config, i));
  check_equal(config, read);
  CHECK_OK(oikos_config_resumable(config, read, &err));
  free(text);
  free(config);
  free(read);
}

static void test_written(void **state) {
  (void)state;
  check_written(conv4);
  check_written("conv2d: {winograd: -1, filters: 64}, flatten, dense: 5");
  check_written("conv2d: 16, conv2d: 16, flatten, dense: 5"); // the short form has no place for it
}

/* A checkpoint's choice is taken over where the own one is open, and there alone. */
static void test_checkpoint(void **state) {
  (void)state;
  oikos_config *was =
      with_layers("conv2d: {filters: 4, winograd: 9}, conv2d: {filters: 4, winograd: 1}, "
                  "conv2d: {filters: 4, winograd: 0}, conv2d: {filters: 4, winograd: 3}, "
                  "conv2d: 4, flatten, dense: 5");
  oikos_config *now =
      with_layers("conv2d: {filters: 4}, conv2d: {filters: 4, winograd: 0}, "
                  "conv2d: {filters: 4, winograd: -1}, "
                  "conv2d: {filters: 4, winograd: 3}, conv2d: 4, flatten, dense: 5");
  oikos_choose_as(was, now);
  const double expected[] = {9, 0, 0, 3, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN};
  for (int i = 0; i < 7; i++)
    check_choice(now, i, expected[i]);
  free(was);
  free(now);
}

/* Taken over, the configurations are equal for a resumed run, in the short form too. */
static void test_resumable(void **state) {
  (void)state;
  const char *const layers[] = {conv4, "conv2d: 16, conv2d: 16, flatten, dense: 5"};
  oikos_error err;
  for (int k = 0; k < 2; k++) {
    oikos_config *was = chosen(layers[k], image, 25, 75), *now = with_layers(layers[k]);
    oikos_choose_as(was, now);
    CHECK_OK(oikos_config_resumable(was, now, &err));
    CHECK_OK(oikos_choose(now, image, 25, 75, &err));
    CHECK_OK(oikos_config_resumable(was, now, &err));
    free(was);
    free(now);
  }
}

/* The checkpoint of another network: that is refused later, with words; here nothing happens, and
 * no choice ends where it cannot apply. */
static void check_other_network(const char *checkpoint, const char *layers) {
  oikos_config *was = with_layers(checkpoint), *now = with_layers(layers), *before = copy(now);
  oikos_choose_as(was, now);
  check_equal(before, now);
  free(was);
  free(now);
  free(before);
}

static void test_other_network(void **state) {
  (void)state;
  check_other_network("relu, conv2d: {filters: 4, winograd: 1}", "conv2d: {filters: 4}, relu");
  check_other_network("conv2d: {filters: 4, winograd: 1}, relu", "relu, conv2d: {filters: 4}");
  check_other_network("conv2d: {filters: 4, winograd: 1}", "conv2d: {filters: 4, kernel: 5}");
  check_other_network("conv2d: {filters: 4, winograd: 1}", "conv2d: {filters: 4, stride: 2}, relu");
  check_other_network("conv2d: {filters: 4, winograd: 1}", "dense: 4");
}

/* A layer that cannot be is told of as by oikos_network_create, which comes later: with its place.
 */
static void test_refused(void **state) {
  (void)state;
  static const char *const layers[] = {"relu, conv2d: {filters: 4, kernel: 5, winograd: 1}",
                                       "relu, conv2d: {filters: 4, stride: 2, winograd: 1}",
                                       "relu, conv2d: {filters: 4, kernel: 29}", "relu, conv3d: 4"};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    oikos_config *config = with_layers(layers[i]);
    oikos_network *net;
    oikos_error err = {0}, later = {0};
    assert_int_equal(oikos_choose(config, image, 4, 8, &err), OIKOS_USAGE);
    assert_int_equal(oikos_network_create(config, image, 0, &net, &later), OIKOS_USAGE);
    assert_non_null(strstr(later.message, "test.yaml:3: model.layers[1] conv"));
    assert_string_equal(err.message, later.message);
    free(config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_expected),  cmocka_unit_test(test_same),
      cmocka_unit_test(test_values),    cmocka_unit_test(test_not_applicable),
      cmocka_unit_test(test_given),     cmocka_unit_test(test_once),
      cmocka_unit_test(test_written),   cmocka_unit_test(test_checkpoint),
      cmocka_unit_test(test_resumable), cmocka_unit_test(test_other_network),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
