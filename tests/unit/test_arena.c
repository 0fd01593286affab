/* SPDX-License-Identifier: MIT
 * What one thing has allocated: zeroed, each its own, released together and then used again. */
#include "check.h"

#include "base/memory.h"

enum { BLOCKS = 20 };

static void test_blocks(void **state) {
  (void)state;
  oikos_arena a = {.what = "a test"};
  oikos_error err;
  for (int round = 0; round < 2; round++) {
    int64_t *block[BLOCKS];
    for (size_t k = 0; k < BLOCKS; k++) {
      assert_int_equal(oikos_arena_alloc(&a, &block[k], k, sizeof **block, &err), OIKOS_OK);
      for (size_t i = 0; i < k; i++) {
        assert_int_equal(block[k][i], 0);
        block[k][i] = (int64_t)k;
      }
    }
    for (size_t k = 0; k < BLOCKS; k++)
      for (size_t i = 0; i < k; i++)
        assert_int_equal(block[k][i], k);
    assert_int_equal(a.n, BLOCKS);
    oikos_arena_free(&a);
    assert_int_equal(a.n, 0);
  }
  oikos_arena_free(&a); // of nothing
}

/* What was allocated before is still released. */
static void test_refused(void **state) {
  (void)state;
  oikos_arena a = {.what = "a test"};
  oikos_error err;
  char *small, *large = (char *)&a;
  assert_int_equal(oikos_arena_alloc(&a, &small, 1, 1, &err), OIKOS_OK);
  assert_int_equal(oikos_arena_alloc(&a, &large, SIZE_MAX, 2, &err), OIKOS_ERROR);
  assert_non_null(strstr(err.message, "for a test could not be allocated"));
  assert_null(large);
  assert_int_equal(a.n, 1);
  oikos_arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
