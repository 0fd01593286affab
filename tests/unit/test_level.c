/* SPDX-License-Identifier: MIT
 * The levels of processors, against what the loader of this system says of this one. */
#include "check.h"
#include "cli/level.h"

static void test_order(void **state) {
  (void)state;
  int n = 0;
  for (; oikos_level_at(n); n++)
    assert_int_equal(oikos_level_named(oikos_level_at(n)->name), n);
  assert_true(n >= 1);
  assert_string_equal(oikos_level_at(0)->directory, "");
  assert_null(oikos_level_at(-1));
  assert_int_equal(oikos_level_named("x86-64-v9"), -1);
  assert_int_equal(oikos_level_named(""), -1);
  assert_true(oikos_level_of_processor() < n);
}

#ifdef __x86_64__

/* The loader that picks the directory of a level says which ones it takes. /proc/cpuinfo does not:
 * a virtual machine may leave out flags there (abm) of what its processor has. */
static void test_processor(void **state) {
  (void)state;
  char line[256];
  int level = -1, lines = 0;
  FILE *said = popen("/lib64/ld-linux-x86-64.so.2 --help 2>&1", "r");
  assert_non_null(said);
  while (fgets(line, sizeof line, said)) {
    const char *name = strstr(line, "x86-64-v");
    lines += name != NULL;
    if (name && strstr(name, "(supported") && atoi(name + 8) - 2 > level)
      level = atoi(name + 8) - 2;
  }
  pclose(said);
  if (lines == 0)
    skip(); // no loader of glibc 2.33 or later
  assert_int_equal(oikos_level_of_processor(), level);
}

#else

static void test_processor(void **state) {
  (void)state;
  assert_int_equal(oikos_level_of_processor(), 0);
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
                                     cmocka_unit_test(test_processor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
