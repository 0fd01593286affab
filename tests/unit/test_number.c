/* SPDX-License-Identifier: MIT
 * Numbers as they are written for others. */
#include "check.h"

#include <math.h>

#include "base/number.h"

static void check_json(double value, const char *expected) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_number_json(out, 9, value);
  fclose(out);
  assert_string_equal(text, expected);
  free(text);
}

/* JSON has no word for what is no number. */
static void test_json(void **state) {
  (void)state;
  check_json(0.1, "0.1");
  check_json(-1e-30, "-1e-30");
  check_json(1.0 / 3, "0.333333333");
  check_json(NAN, "null");
  check_json(INFINITY, "null");
  check_json(-INFINITY, "null");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_json)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
