/* SPDX-License-Identifier: MIT
 * The levels of processors, against what the kernel of the system says of this one. */
#include <stdbool.h>

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

/* Whether all words stand in the line of flags. */
static bool has_all(const char *flags, const char *words) {
  char list[256], *rest = list;
  snprintf(list, sizeof list, "%s", words);
  for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", word);
    if (!strstr(flags, padded))
      return false;
  }
  return true;
}

static void test_processor(void **state) {
  (void)state;
  static const char *const words[] = {"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3",
                                      "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
                                      "avx512f avx512bw avx512cd avx512dq avx512vl"};
  static char line[16384];
  int level = -1;
  FILE *in = fopen("/proc/cpuinfo", "r");
  assert_non_null(in);
  while (fgets(line, sizeof line, in) && strncmp(line, "flags", 5) != 0)
    ;
  fclose(in);
  assert_int_equal(strncmp(line, "flags", 5), 0);
  line[strcspn(line, "\n")] = ' ';
  while (level + 1 < 3 && has_all(line, words[level + 1]))
    level++;
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
