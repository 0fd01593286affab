/* SPDX-License-Identifier: MIT
 * The choice of the OpenBLAS kernel: by instruction set, best first, and never one that computes
 * wrong products. */
#include "check.h"
#include "math/kernel.h"

static void test_choice(void **state) {
  (void)state;
  int n = 0;
  while (oikos_kernel_candidate(n)) {
    assert_true(strcmp(oikos_kernel_candidate(n), n == 0 ? oikos_kernel_candidate(0) : "Haswell") ==
                0);
    n++;
  }
  assert_null(oikos_kernel_candidate(-1));
  if (n == 0)
    skip(); // no AVX2 on this CPU: every kernel is as good as it gets
  assert_false(oikos_kernel_is_poor(oikos_kernel_candidate(0)));
  assert_true(oikos_kernel_is_poor("Prescott"));
  assert_true(oikos_kernel_is_poor("Nehalem"));
  assert_true(oikos_kernel_is_poor("Sandybridge"));
  assert_true(oikos_kernel_is_poor("a name that is not known"));
  assert_int_equal(oikos_kernel_is_poor("Haswell"),
                   strcmp(oikos_kernel_candidate(0), "SkylakeX") == 0);
}

static void test_self_test(void **state) {
  (void)state;
  assert_true(oikos_kernel_self_test());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice),
                                     cmocka_unit_test(test_self_test)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
