/* SPDX-License-Identifier: MIT
 * The sine against that of long double, within the error that is stated. */
#include "check.h"

#include "base/random.h"
#include "math/sine.h"

static void test_error(void **state) {
  static const double reach[] = {1e-3, 4, 20, 0x1p20};
  (void)state;
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  for (int k = 0; k < 400000; k++) {
    double size = reach[k % 4], x = oikos_random_uniform(&r, -size, size), y = oikos_sine(x);
    if (!(fabsl((long double)y - sinl((long double)x)) <= 0x1p-51L))
      fail_msg("sin %.17g is %.17g, not %.17Lg", x, y, sinl((long double)x));
  }
  assert_true(oikos_sine(0) == 0);
  assert_true(isnan(oikos_sine((double)NAN)));
}

/* The same bits everywhere, to which no libm is asked. */
static void test_digest(void **state) {
  uint64_t digest = 0xcbf29ce484222325;
  (void)state;
  oikos_random r = oikos_random_at(2, OIKOS_DRAW_CHECK, 0, 0);
  for (int k = 0; k < 10000; k++) {
    double y = oikos_sine(oikos_random_uniform(&r, -10, 10));
    unsigned char byte[sizeof y];
    memcpy(byte, &y, sizeof y);
    for (size_t i = 0; i < sizeof y; i++)
      digest = (digest ^ byte[i]) * 0x100000001b3;
  }
  if (digest != 0xaee484cd6d766c02)
    fail_msg("the digest is %#llx", (unsigned long long)digest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_error),
      cmocka_unit_test(test_digest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
