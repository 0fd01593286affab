/* SPDX-License-Identifier: MIT
 * Counter-based randomness: the known answers that Random123 publishes for philox4x32-10 (its
 * kat_vectors), through the mapping of (index, learner, step, purpose) to the counter and of the
 * seed to the key; then the distributions, by moments and chi-square. Seeds are fixed, so limits of
 * about four standard deviations never fail by chance. */
#include "check.h"

#include "base/random.h"

typedef struct known_answer {
  uint32_t counter[4], key[2], out[4];
} known_answer;

static uint64_t pair(uint32_t low, uint32_t high) {
  return (uint64_t)high << 32 | low;
}

static void test_known_answers(void **state) {
  (void)state;
  static const known_answer table[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const known_answer *a = &table[i];
    uint64_t step = pair(a->counter[2], a->counter[3] & 0xffffff);
    oikos_random r = oikos_random_at(pair(a->key[0], a->key[1]),
                                     (oikos_purpose)(a->counter[3] >> 24), step, a->counter[1]);
    assert_int_equal(r.counter[0], 0); // the index starts at zero
    r.counter[0] = a->counter[0];
    for (int k = 0; k < 4; k++)
      assert_int_equal(oikos_random_word(&r), a->out[k]);
  }
}

/* The fifth word is the first one of index 1. */
static void test_index(void **state) {
  (void)state;
  oikos_random all = oikos_random_at(7, OIKOS_DRAW_TRAIN, 3, 5), second = all;
  uint32_t word[8];
  for (int i = 0; i < 8; i++)
    word[i] = oikos_random_word(&all);
  second.counter[0] = 1;
  for (int i = 4; i < 8; i++)
    assert_int_equal(oikos_random_word(&second), word[i]);
}

static uint64_t first_of(uint64_t seed, oikos_purpose purpose, uint64_t step, uint64_t learner) {
  oikos_random r = oikos_random_at(seed, purpose, step, learner);
  uint32_t low = oikos_random_word(&r);
  return pair(low, oikos_random_word(&r));
}

/* Streams are told apart by each of seed, purpose, step and learner, also in their high bits. */
static void test_streams(void **state) {
  (void)state;
  const uint64_t first[] = {
      first_of(1, OIKOS_DRAW_TRAIN, 1, 1),
      first_of(1, OIKOS_DRAW_TRAIN, 1, 1 + (1u << 31)),
      first_of(2, OIKOS_DRAW_TRAIN, 1, 1),
      first_of(1 + ((uint64_t)1 << 40), OIKOS_DRAW_TRAIN, 1, 1),
      first_of(1, OIKOS_DRAW_TEST, 1, 1),
      first_of(1, OIKOS_DRAW_VALIDATION, 1, 1),
      first_of(1, OIKOS_DRAW_TRAIN, 2, 1),
      first_of(1, OIKOS_DRAW_TRAIN, 1 + ((uint64_t)1 << 50), 1),
      first_of(1, OIKOS_DRAW_TRAIN, 1, 2),
      first_of(1, OIKOS_DRAW_TRAIN, 2, 2),
  };
  size_t n = sizeof first / sizeof *first;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++)
      assert_true(first[i] != first[j]);
  assert_true(first[0] == first_of(1, OIKOS_DRAW_TRAIN, 1, 1));
}

/* Range and four moments of the uniform distribution on [low, high). */
static void test_uniform(void **state) {
  (void)state;
  enum { N = 200000 };
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  double moment[4] = {0}, least = 1, most = 0;
  for (int i = 0; i < N; i++) {
    double x = oikos_random_uniform(&r, 0, 1);
    assert_true(x >= 0 && x < 1);
    least = fmin(least, x);
    most = fmax(most, x);
    for (int k = 0; k < 4; k++)
      moment[k] += pow(x, k + 1) / N;
  }
  for (int k = 0; k < 4; k++) {
    double deviation = sqrt((1.0 / (2 * k + 3) - 1.0 / ((k + 2) * (k + 2))) / N);
    check_near(moment[k], 1.0 / (k + 2), 0, 4 * deviation, (size_t)k, "moment");
  }
  assert_true(least < 1e-4 && most > 1 - 1e-4);
  for (int i = 0; i < 1000; i++) {
    double x = oikos_random_uniform(&r, -5, 3);
    assert_true(x >= -5 && x < 3);
  }
}

/* Moments 0, 1, 0, 3 of the normal distribution, and its share beyond 1 and 2 deviations. */
static void test_normal(void **state) {
  (void)state;
  enum { N = 200000 };
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 1, 0);
  const double truth[] = {0, 1, 0, 3}, variance[] = {1, 2, 15, 96}; // of the moments
  double moment[4] = {0}, beyond1 = 0, beyond2 = 0, previous = 0, together = 0;
  for (int i = 0; i < N; i++) {
    double x = oikos_random_normal(&r);
    assert_true(isfinite(x));
    beyond1 += fabs(x) > 1;
    beyond2 += fabs(x) > 2;
    together += x * previous / N;
    previous = x;
    for (int k = 0; k < 4; k++)
      moment[k] += pow(x, k + 1) / N;
  }
  for (int k = 0; k < 4; k++)
    check_near(moment[k], truth[k], 0, 4 * sqrt(variance[k] / N), (size_t)k, "moment");
  check_near(together, 0, 0, 4 / sqrt(N), 0, "correlation of neighbours");
  check_near(beyond1 / N, 0.31731, 0, 0.0042, 0, "beyond one deviation");
  check_near(beyond2 / N, 0.0455, 0, 0.0019, 0, "beyond two deviations");
}

/* Chi-square of equal cells, allowed up to mean + 4 deviations. */
static void check_even(int cells, const double *count, double n, const char *what) {
  double chi = 0, expected = n / cells;
  for (int i = 0; i < cells; i++)
    chi += (count[i] - expected) * (count[i] - expected) / expected;
  if (!(chi < cells - 1 + 4 * sqrt(2.0 * (cells - 1))))
    fail_msg("%s: chi-square %.1f with %d degrees of freedom", what, chi, cells - 1);
}

static void test_below(void **state) {
  (void)state;
  enum { N = 100000, MOST = 100 };
  static const int sizes[] = {2, 3, 7, 100};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 2, k);
    double count[MOST] = {0};
    for (int i = 0; i < N; i++) {
      uint64_t x = oikos_random_below(&r, (uint64_t)sizes[k]);
      assert_true(x < (uint64_t)sizes[k]);
      count[x]++;
    }
    check_even(sizes[k], count, N, "below");
  }
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 2, 99);
  assert_int_equal(oikos_random_below(&r, 1), 0);
  // with a modulus the lower half of 0 .. 3 * 2^62 - 1 would be twice as likely as the upper
  int upper = 0;
  for (int i = 0; i < N; i++)
    upper += oikos_random_below(&r, (uint64_t)3 << 62) >= (uint64_t)3 << 61;
  check_near((double)upper / N, 0.5, 0, 2 / sqrt(N), 0, "upper half");
}

/* Ordered pairs of 6: distinct, and all 30 equally likely; a permutation holds every element. */
static void test_choose(void **state) {
  (void)state;
  enum { N = 60000, OF = 6 };
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 3, 0);
  double count[OF * OF] = {0}, pairs[OF * (OF - 1)];
  int64_t out[OF], scratch[OF];
  for (int i = 0; i < N; i++) {
    oikos_random_choose(&r, OF, 2, out, scratch);
    assert_true(out[0] >= 0 && out[0] < OF && out[1] >= 0 && out[1] < OF && out[0] != out[1]);
    count[out[0] * OF + out[1]]++;
  }
  int n = 0;
  for (int i = 0; i < OF * OF; i++)
    if (i / OF != i % OF)
      pairs[n++] = count[i];
  check_even(n, pairs, N, "choose");
  for (int i = 0; i < 100; i++) {
    int seen = 0;
    oikos_random_choose(&r, OF, OF, out, scratch);
    for (int k = 0; k < OF; k++)
      seen |= 1 << out[k];
    assert_int_equal(seen, (1 << OF) - 1);
  }
  oikos_random_choose(&r, OF, 0, out, scratch); // nothing of something
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_answers), cmocka_unit_test(test_index),
      cmocka_unit_test(test_streams),       cmocka_unit_test(test_uniform),
      cmocka_unit_test(test_normal),        cmocka_unit_test(test_below),
      cmocka_unit_test(test_choose),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
