/* SPDX-License-Identifier: MIT
 * Members of JSON objects. */
#include "check.h"

#include <math.h>

#include "base/json.h"

/* A list of floats and one of doubles are written alike. */
static void check_list(const char *expected) {
  static const float x[] = {0.5F, (float)INFINITY, -3};
  static const double same[] = {0.5, INFINITY, -3};
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_json_list(out, "x", 6, 3, x, sizeof *x);
  oikos_json_list(out, "x", 6, 3, same, sizeof *same);
  oikos_json_list(out, "none", 6, 0, same, sizeof *same);
  fclose(out);
  assert_string_equal(text, expected);
  free(text);
}

static void check_number(double value, const char *expected) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_json_number(out, "name", 9, value);
  fclose(out);
  assert_string_equal(text, expected);
  free(text);
}

/* JSON has no word for what is no number. */
static void test_numbers(void **state) {
  (void)state;
  check_number(0.1, ", \"name\": 0.1");
  check_number(-1e-30, ", \"name\": -1e-30");
  check_number(1.0 / 3, ", \"name\": 0.333333333");
  check_number(NAN, ", \"name\": null");
  check_number(INFINITY, ", \"name\": null");
  check_number(-INFINITY, ", \"name\": null");
}

static void test_lists(void **state) {
  (void)state;
  check_list(", \"x\": [0.5, null, -3], \"x\": [0.5, null, -3], \"none\": []");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_lists)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
