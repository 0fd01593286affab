/* SPDX-License-Identifier: MIT
 * OpenBLAS kernels: which are poor beside the code of this library, and whether their products are
 * right. */
#include "check.h"
#include "math/kernel.h"
#include "oikos/version.h"

/* What a library of this level is poorly served by. */
static void test_poor(void **state) {
  (void)state;
  const char *level = oikos_version_level();
  bool v3 = strcmp(level, "x86-64-v3") == 0, v4 = strcmp(level, "x86-64-v4") == 0;
  if (strcmp(level, "native") == 0)
    skip(); // whatever this machine has
  assert_int_equal(oikos_kernel_is_poor("Nehalem"), v3 || v4);
  assert_int_equal(oikos_kernel_is_poor("Sandybridge"), v3 || v4);
  assert_int_equal(oikos_kernel_is_poor("a name that is not known"), v3 || v4);
  assert_int_equal(oikos_kernel_is_poor("Haswell"), v4);
  assert_int_equal(oikos_kernel_is_poor("Zen"), v4);
  assert_false(oikos_kernel_is_poor("SkylakeX"));
}

static void test_self_test(void **state) {
  (void)state;
  assert_true(oikos_kernel_self_test());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_poor), cmocka_unit_test(test_self_test)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
