/* SPDX-License-Identifier: MIT
 * Exact sums. The truth is an integer: every term is a float32 whose value times 2^60 is a whole
 * number, added in 128 bits without any rounding. */
#include "check.h"

#include "base/random.h"
#include "math/exact_sum.h"

typedef oikos_real real;
__extension__ typedef __int128 int128;

enum { K = 8 }; /* numbers in a term */

static oikos_grid *grid_of(int64_t max_terms, bool fast) {
  oikos_grid *grid;
  oikos_error err;
  const size_t sizes[] = {3, K};
  CHECK_OK(oikos_grid_create(2, sizes, max_terms, 3, fast, &grid, &err));
  assert_int_equal(oikos_grid_segments(grid), 2);
  return grid;
}

static oikos_sum sum_of(const oikos_grid *grid) {
  oikos_sum sum;
  oikos_error err;
  CHECK_OK(oikos_sum_create(grid, &sum, &err));
  oikos_sum_zero(grid, &sum);
  return sum;
}

static bool same(const oikos_grid *grid, const oikos_sum *a, const oikos_sum *b) {
  return memcmp(a->words, b->words, oikos_grid_words(grid) * sizeof *a->words) == 0;
}

/* terms (n, K) of mixed signs; |x| spread evenly on a log scale over 2^-30 .. 1. */
static real *draw(int64_t n) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, (uint64_t)n);
  real *x = array((size_t)n * K, sizeof *x);
  for (int64_t i = 0; i < n * K; i++) {
    double size = exp2(oikos_random_uniform(&r, -30, 0));
    x[i] = (real)(float)(oikos_random_uniform(&r, -1, 1) < 0 ? -size : size);
  }
  return x;
}

/* The exact sum of coordinate j, in units of 2^-60. */
static int128 exact(int64_t n, const real *x, size_t j) {
  int128 sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (int128)ldexp((double)x[i * K + (int64_t)j], 60);
  return sum;
}

/* |value - truth|: value is a float or double of few bits, so the difference is exact before it is
 * rounded. */
static double away(double value, int128 truth) {
  return fabs((double)((int128)ldexp(value, 60) - truth)) * 0x1p-60;
}

static double float_ulp(double x) {
  int e;
  frexp(x, &e);
  return ldexp(1, e - 24);
}

static void add_all(const oikos_grid *grid, oikos_sum *sum, int64_t n, const real *x) {
  for (int64_t i = 0; i < n; i++)
    assert_true(oikos_sum_add(grid, sum, 1, x + i * K, 1));
}

/* The documented bound, terms * 2^(g-1) and the last rounding to real, for the exponents as they
 * are now. */
static void check_bound(oikos_grid *grid, const oikos_sum *sum, int64_t n, int64_t max_terms,
                        const real *x) {
  real result[K];
  int g = oikos_grid_exponents(grid)[1] + (int)ceil(log2((double)max_terms)) - 62;
  oikos_sum_get(grid, sum, 1, 1, result);
  for (size_t j = 0; j < K; j++) {
    int128 truth = exact(n, x, j);
    double last = sizeof(real) == sizeof(float) ? 0.5 * float_ulp((double)result[j])
                                                : 0x1p-52 * fabs((double)result[j]);
    double allowed = (double)n * ldexp(1, g - 1) + last;
    if (!(away((double)result[j], truth) <= allowed))
      fail_msg("n %lld: error %.3g, documented bound %.3g", (long long)n,
               away((double)result[j], truth), allowed);
  }
}

/* With the exponents where the data is: as good as rounding the true sum to float32, and better
 * than adding in float. */
static void check_accuracy(int64_t n) {
  oikos_grid *grid = grid_of(n, false);
  oikos_sum sum = sum_of(grid);
  real *x = draw(n), result[K];
  double worst = 0, ours = 0, plain = 0;
  add_all(grid, &sum, n, x);
  check_bound(grid, &sum, n, n, x);
  assert_false(oikos_grid_refit(grid, &sum));
  oikos_sum_zero(grid, &sum);
  add_all(grid, &sum, n, x);
  check_bound(grid, &sum, n, n, x);
  oikos_sum_get(grid, &sum, 1, 1, result);
  for (size_t j = 0; j < K; j++) {
    float naive = 0;
    for (int64_t i = 0; i < n; i++)
      naive += (float)x[i * K + (int64_t)j];
    int128 truth = exact(n, x, j);
    double rounded = away((double)(float)result[j], truth), value = (double)truth * 0x1p-60;
    worst = fmax(worst, rounded / float_ulp(value));
    ours += rounded;
    plain += away((double)naive, truth);
  }
  printf("  n %lld: worst error %.3f float32 ulp; mean %.2g, of plain float %.2g\n", (long long)n,
         worst, ours / K, plain / K);
  assert_true(worst <= 0.5 + 0.05);
  assert_true(n < 25 || ours < plain);
  free(x);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

static void test_accuracy(void **state) {
  (void)state;
  check_accuracy(1);
  check_accuracy(25);
  check_accuracy(1000);
  check_accuracy(100000);
}

/* The same words in any order and grouping: random permutations, dealt to random accumulators,
 * merged as a random tree. */
static void check_orders(oikos_grid *grid, const oikos_sum *truth, int64_t n, const real *x,
                         uint64_t which) {
  enum { PARTS = 7 };
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 1, which);
  int64_t *order = array(2 * (size_t)n, sizeof *order);
  oikos_sum part[PARTS];
  for (int p = 0; p < PARTS; p++)
    part[p] = sum_of(grid);
  oikos_random_choose(&r, n, n, order, order + n);
  for (int64_t i = 0; i < n; i++)
    oikos_sum_add(grid, &part[oikos_random_below(&r, PARTS)], 1, x + order[i] * K, 1);
  for (int left = PARTS; left > 1; left--) {
    int64_t pair[2], scratch[PARTS];
    oikos_random_choose(&r, left, 2, pair, scratch);
    int64_t first = pair[0] < pair[1] ? pair[0] : pair[1], second = pair[0] + pair[1] - first;
    oikos_sum_merge(grid, &part[first], &part[second]);
    oikos_sum_destroy(&part[second]);
    if (second != left - 1)
      part[second] = part[left - 1];
  }
  assert_true(same(grid, &part[0], truth));
  oikos_sum_destroy(&part[0]);
  free(order);
}

static void test_order(void **state) {
  (void)state;
  const int64_t n = 1000;
  oikos_grid *grid = grid_of(n, false);
  oikos_sum sum = sum_of(grid);
  real *x = draw(n);
  add_all(grid, &sum, n, x);
  for (uint64_t which = 0; which < 10; which++)
    check_orders(grid, &sum, n, x, which);
  x[3] += (real)0x1p-10; // and the comparison can fail
  oikos_sum other = sum_of(grid);
  add_all(grid, &other, n, x);
  assert_false(same(grid, &sum, &other));
  free(x);
  oikos_sum_destroy(&sum);
  oikos_sum_destroy(&other);
  oikos_grid_destroy(grid);
}

/* A term that does not fit is left out, the exponent rises, and the second try is right. */
static void test_overflow(void **state) {
  (void)state;
  oikos_grid *grid = grid_of(4, false);
  oikos_sum sum = sum_of(grid);
  real x[K], result[K];
  for (int i = 0; i < K; i++)
    x[i] = (real)(1000000 + i);
  int before = oikos_grid_exponents(grid)[1], other = oikos_grid_exponents(grid)[0];
  assert_true(oikos_sum_add(grid, &sum, 1, x, 1));
  assert_true(oikos_sum_add(grid, &sum, 1, x, -3));
  assert_true(oikos_grid_misplaced(grid, &sum));
  assert_int_equal(oikos_grid_exponents(grid)[1], before);
  assert_true(oikos_grid_refit(grid, &sum));
  assert_true(oikos_grid_exponents(grid)[1] > before);
  assert_int_equal(oikos_grid_exponents(grid)[0], other); // no terms, no change
  oikos_sum_zero(grid, &sum);
  assert_true(oikos_sum_add(grid, &sum, 1, x, 1));
  assert_true(oikos_sum_add(grid, &sum, 1, x, -3));
  assert_false(oikos_grid_misplaced(grid, &sum));
  assert_false(oikos_grid_refit(grid, &sum));
  oikos_sum_get(grid, &sum, 1, 0.5, result);
  for (int i = 0; i < K; i++)
    assert_true(result[i] == -x[i]);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

/* Sums of max_terms terms, all as large as the exponent allows, by doubling: they must not wrap. */
static void check_largest(int64_t max_terms, real sign) {
  oikos_grid *grid = grid_of(max_terms, false);
  oikos_sum one = sum_of(grid), sum = sum_of(grid);
  real x[K], result[K];
  double bound = ldexp(1, oikos_grid_exponents(grid)[1]);
  for (int i = 0; i < K; i++) // with the weight below just under the bound, by 2^-46: rounded to
                              // the grid it is the bound
    x[i] = sign * (real)(bound * (1 + 0x1p-23));
  assert_true(oikos_sum_add(grid, &one, 1, x, (real)(1 - 0x1p-23)));
  for (int64_t bit = (int64_t)1 << 40; bit;
       bit >>= 1) { // Horner: double, then add one where the bit is set
    oikos_sum_merge(grid, &sum, &sum);
    if (max_terms & bit)
      oikos_sum_merge(grid, &sum, &one);
  }
  oikos_sum_get(grid, &sum, 1, 1, result);
  for (size_t i = 0; i < K; i++)
    check_near((double)result[i], (double)max_terms * bound * (double)sign, 0x1p-24, 0, i,
               "sum of largest terms");
  assert_false(oikos_grid_refit(grid, &sum));
  oikos_sum_destroy(&one);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

static void test_largest(void **state) {
  (void)state;
  const int64_t counts[] = {1, 2, 3, 25, 1000, 1024, (int64_t)1 << 20, ((int64_t)1 << 31) - 1};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    check_largest(counts[i], 1);
    check_largest(counts[i], -1);
  }
}

/* Not finite, or too large to tell: counted in counter 0 and nowhere else. */
static void test_not_finite(void **state) {
  (void)state;
  const double bad[] = {(double)NAN,       (double)-NAN, (double)INFINITY,
                        -(double)INFINITY, 0x1p127,      -0x1p127};
  for (int fast = 0; fast < 2; fast++) {
    oikos_grid *grid = grid_of(10, fast);
    oikos_sum sum = sum_of(grid), empty = sum_of(grid);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      real x[K] = {1, 2, 3};
      x[i % 2 ? 0 : K - 1] = (real)bad[i];
      assert_false(oikos_sum_add(grid, &sum, 1, x, 1));
      assert_int_equal(sum.words[0], i + 1);
    }
    assert_false(oikos_grid_refit(grid, &sum));
    sum.words[0] = 0;
    assert_true(same(grid, &sum, &empty));
    for (size_t i = 0; i < oikos_grid_plain(grid); i++)
      assert_true(sum.plain[i] == 0);
    oikos_sum_destroy(&sum);
    oikos_sum_destroy(&empty);
    oikos_grid_destroy(grid);
  }
}

/* Zeros of both signs add nothing; the smallest numbers of all are exact once the exponent is
 * there. */
static void test_tiny(void **state) {
  (void)state;
  oikos_grid *grid = grid_of(4, false);
  oikos_sum sum = sum_of(grid);
  const real zeros[K] = {0, (real)-0.0, 0, (real)-0.0},
             tiny[K] = {(real)0x1p-149, (real)-0x1p-149, (real)0x1p-126};
  real result[K];
  assert_true(oikos_sum_add(grid, &sum, 1, zeros, 1));
  oikos_sum_get(grid, &sum, 1, 1, result);
  for (int i = 0; i < K; i++)
    assert_true(result[i] == 0 && !signbit(result[i]));
  for (int pass = 0; pass < 2; pass++) {
    assert_true(oikos_sum_add(grid, &sum, 1, tiny, 1));
    assert_true(oikos_sum_add(grid, &sum, 1, tiny, 2));
    oikos_sum_get(grid, &sum, 1, 1, result);
    if (pass == 0)
      assert_true(oikos_grid_refit(grid, &sum)); // the grid was far too coarse for them
    oikos_sum_zero(grid, &sum);
  }
  for (int i = 0; i < K; i++)
    assert_true(result[i] == 3 * tiny[i]);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

/* The exponent follows the data down and up: 2^(E-16) <= largest < 2^(E-8) after each settled step.
 */
static void test_follow(void **state) {
  (void)state;
  const double sizes[] = {100, 1, 1e-3, 1e-9, 1e-20, 3e-38, 1e-9, 1e4, 1e30, 0x1p125, 1};
  oikos_grid *grid = grid_of(4, false);
  oikos_sum sum = sum_of(grid);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const real x[K] = {(real)(sizes[i] / 3), (real)-sizes[i]};
    int tries = 0;
    do {
      oikos_sum_zero(grid, &sum);
      assert_true(oikos_sum_add(grid, &sum, 1, x, 1));
      assert_true(tries++ < 2);
    } while (oikos_grid_refit(grid, &sum));
    int exponent = oikos_grid_exponents(grid)[1];
    assert_true(fabs((double)x[1]) < ldexp(1, exponent - 8) &&
                fabs((double)x[1]) >= ldexp(1, exponent - 16));
  }
  oikos_sum_zero(grid, &sum);
  int exponent = oikos_grid_exponents(grid)[1];
  assert_false(oikos_grid_refit(grid, &sum)); // a step without terms
  assert_int_equal(oikos_grid_exponents(grid)[1], exponent);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

/* Weights scale the terms; counters are the caller's and merge like all words. */
static void test_weights(void **state) {
  (void)state;
  oikos_grid *grid = grid_of(4, false);
  oikos_sum a = sum_of(grid), b = sum_of(grid);
  const real x[3] = {1, -2, (real)0.375};
  real result[3];
  oikos_sum_add(grid, &a, 0, x, (real)0.25);
  oikos_sum_add(grid, &b, 0, x, (real)0.5);
  a.words[1] += 5;
  b.words[2] += 7;
  oikos_sum_merge(grid, &a, &b);
  oikos_sum_get(grid, &a, 0, 4, result);
  for (int i = 0; i < 3; i++)
    assert_true(result[i] == 3 * x[i]);
  const real fine[3] = {(real)(1 + 0x1p-12)}; // the product is not rounded before it is added
  oikos_sum_zero(grid, &b);
  oikos_sum_add(grid, &b, 0, fine, (real)(1 + 0x1p-20));
  oikos_sum_add(grid, &b, 0, fine, -1);
  oikos_sum_get(grid, &b, 0, 1, result);
  assert_true((double)result[0] == 0x1p-20 + 0x1p-32);
  assert_true(a.words[0] == 0 && a.words[1] == 5 && a.words[2] == 7);
  oikos_sum_destroy(&a);
  oikos_sum_destroy(&b);
  oikos_grid_destroy(grid);
}

/* Fast: real additions in the order given, and no second try. */
/* The least power of two that is not lost beside `largest` on a grid that follows it. */
static int least_kept(int64_t terms, double largest) {
  oikos_grid *grid = grid_of(terms, false);
  oikos_sum sum = sum_of(grid);
  real x[K] = {(real)largest}, out[K];
  int least = 0;
  for (int again = 0; again < 2; again++) { // the second time the grid is in its usual place
    oikos_sum_zero(grid, &sum);
    oikos_sum_add(grid, &sum, 1, x, 1);
    oikos_grid_refit(grid, &sum);
  }
  for (int e = 0; e > -100; e--) {
    x[1] = (real)ldexp(1, e);
    oikos_sum_zero(grid, &sum);
    oikos_sum_add(grid, &sum, 1, x, 1);
    oikos_sum_get(grid, &sum, 1, 1, out);
    if (out[1] != 0)
      least = e;
  }
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
  return least;
}

/* What is lost beside the largest number of a segment is what the header says, whatever that number
 * is. */
static void test_small_beside_large(void **state) {
  (void)state;
  const struct {
    int64_t terms;
    int bits;
  } cases[] = {{1, 0}, {25, 5}, {1024, 10}, {1 << 20, 20}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    int most = -1000, fewest = 1000;
    for (int e = -20; e < 20; e++)
      for (int f = 0; f < 2; f++) {
        double largest = ldexp(f ? 1.999 : 1, e);
        int lost = least_kept(cases[k].terms, largest) - 1 - e; // relative to 2^e
        most = lost > most ? lost : most;
        fewest = lost < fewest ? lost : fewest;
      }
    if (most > cases[k].bits - 47 || fewest < cases[k].bits - 55)
      fail_msg("%lld terms: from 2^%d to 2^%d is lost beside 1, said are 2^%d to 2^%d",
               (long long)cases[k].terms, fewest, most, cases[k].bits - 55, cases[k].bits - 47);
    print_message("%lld terms: up to 2^%d to 2^%d of the largest is lost\n",
                  (long long)cases[k].terms, fewest, most);
  }
}

static void test_fast(void **state) {
  (void)state;
  const int64_t n = 1000;
  oikos_grid *grid = grid_of(n, true);
  oikos_sum sum = sum_of(grid);
  real *x = draw(n), naive[K] = {0}, result[K];
  x[0] = 1000000;
  add_all(grid, &sum, n, x);
  for (int64_t i = 0; i < n * K; i++)
    naive[i % K] += x[i];
  oikos_sum_get(grid, &sum, 1, 1, result);
  assert_memory_equal(result, naive, sizeof naive);
  oikos_sum_merge(grid, &sum, &sum);
  oikos_sum_get(grid, &sum, 1, 0.5, result);
  assert_memory_equal(result, naive, sizeof naive);
  assert_false(oikos_grid_refit(grid, &sum));
  free(x);
  oikos_sum_destroy(&sum);
  oikos_grid_destroy(grid);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accuracy),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_largest),
      cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_tiny),
      cmocka_unit_test(test_follow),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_small_beside_large),
      cmocka_unit_test(test_fast),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
