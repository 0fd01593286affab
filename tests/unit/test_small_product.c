/* SPDX-License-Identifier: MIT
 * The three matrix products against plain loops in double, over shapes on both sides of every limit
 * of the kernels; that those of our own kernels have rows whose bits depend on nothing but their
 * own numbers, and that all have the same bits for the same shape. */
#include <float.h>

#include "check.h"

#include "base/random.h"
#include "math/blas.h"

typedef oikos_real real;
typedef enum how { NN, NT, TN } how;

enum { MOST = 128 * 128, GUARD = 16 };

static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 23, 24, 25},
                    lengths[] = {1, 2, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40, 64, 65, 81, 100};

enum { ROWS = sizeof rows / sizeof *rows, LENGTHS = sizeof lengths / sizeof *lengths };

static void draw(size_t count, uint64_t number, real *x) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, number, 0);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)oikos_random_uniform(&r, -1, 1);
}

static void multiply(how way, size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                     real *c) {
  if (way == NN)
    oikos_gemm_nn(m, n, k, a, b, beta, c);
  else if (way == NT)
    oikos_gemm_nt(m, n, k, a, b, beta, c);
  else
    oikos_gemm_tn(m, n, k, a, b, beta, c);
}

/* One product; c stands between guards that must not change, and holds no numbers if beta is 0. */
static void check(how way, size_t m, size_t n, size_t k, const real *a, const real *b, real beta,
                  const real *old, real *memory) {
  real *c = memory + GUARD;
  for (size_t i = 0; i < m * n + 2 * GUARD; i++)
    memory[i] = (real)7;
  for (size_t i = 0; i < m * n; i++)
    c[i] = beta == 0 ? (real)NAN : old[i];
  multiply(way, m, n, k, a, b, beta, c);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = beta == 0 ? 0 : (double)beta * (double)old[i * n + j], size = fabs(sum);
      for (size_t l = 0; l < k; l++) {
        double term = (double)(way == TN ? a[l * m + i] : a[i * k + l]) *
                      (double)(way == NT ? b[j * k + l] : b[l * n + j]);
        sum += term;
        size += fabs(term);
      }
      double allowed = (double)(k + 2) * tolerance(FLT_EPSILON, DBL_EPSILON) * size;
      if (!(fabs((double)c[i * n + j] - sum) <= allowed))
        fail_msg("%s of %zu x %zu x %zu, beta %g: (%zu,%zu) is %.9g, not %.9g",
                 (const char *[]){"nn", "nt", "tn"}[way], m, n, k, (double)beta, i, j,
                 (double)c[i * n + j], sum);
    }
  for (size_t i = 0; i < GUARD; i++)
    assert_true(memory[i] == 7 && c[m * n + i] == 7);
}

static void test_shapes(void **state) {
  (void)state;
  static const real betas[] = {0, 1, (real)-0.5};
  real *a = array(MOST, sizeof *a), *b = array(MOST, sizeof *b), *old = array(MOST, sizeof *old),
       *c = array(MOST + 2 * GUARD, sizeof *c);
  draw(MOST, 0, a);
  draw(MOST, 1, b);
  draw(MOST, 2, old);
  for (size_t r = 0; r < ROWS; r++)
    for (size_t i = 0; i < LENGTHS; i++)
      for (size_t j = 0; j < LENGTHS; j++) {
        real beta = betas[(r + i + j) % 3];
        check(NN, rows[r], lengths[i], lengths[j], a + j % 3, b + i % 3, beta, old, c);
        check(NT, rows[r], lengths[i], lengths[j], a + i % 3, b + j % 3, beta, old, c);
        check(TN, lengths[i], lengths[j], rows[r], a + j % 3, b + r % 3, beta, old, c);
      }
  free(a);
  free(b);
  free(old);
  free(c);
}

/* Whether this library has kernels of its own; without, all products are OpenBLAS's. */
static bool has_kernels(void) {
  static const real one = 1;
  real c[64], x[64] = {0};
  return oikos_small_nn(1, 64, 1, &one, x, 0, c);
}

/* Each row of a product of our own kernels by itself, at another address. */
static void test_bits(void **state) {
  (void)state;
  enum { M = 17, N = 100, K = 81 };
  if (!has_kernels())
    skip();
  real *a = array(M * K, sizeof *a), *b = array(N * K, sizeof *b), *c = array(M * N, sizeof *c),
       *shifted = array(N * K + 3, sizeof *shifted), *one = array(N + 3, sizeof *one);
  draw(M * K, 3, a);
  draw(N * K, 4, b);
  memcpy(shifted + 3, b, N * K * sizeof *b);
  for (int way = NN; way <= NT; way++) {
    multiply((how)way, M, N, K, a, b, 0, c);
    for (size_t i = 0; i < M; i++) {
      multiply((how)way, 1, N, K, a + i * K, shifted + 3, 0, one + 1 + i % 3);
      assert_memory_equal(c + i * N, one + 1 + i % 3, N * sizeof *c);
    }
  }
  free(a);
  free(b);
  free(c);
  free(shifted);
  free(one);
}

/* What every product keeps, OpenBLAS's too: of the same shape the same bits, wherever it is
 * computed. (Of another number of rows OpenBLAS's rows are others: nothing may lean on that.) */
static void test_same_shape(void **state) {
  (void)state;
  enum { M = 130, N = 96, K = 100 };
  static const size_t m[] = {1, 5, 24, 25, 36, 37, M};
  real *a = array(M * K + 3, sizeof *a), *b = array(N * K + 5, sizeof *b),
       *c = array(M * N, sizeof *c), *elsewhere = array(M * N + 7, sizeof *elsewhere);
  draw(M * K, 5, a);
  draw(N * K, 6, b);
  for (int way = NN; way <= TN; way++)
    for (size_t i = 0; i < sizeof m / sizeof *m; i++) {
      multiply((how)way, m[i], N, K, a, b, 0, c);
      for (size_t shift = 1; shift <= 3; shift++) {
        memmove(a + shift, a, M * K * sizeof *a);
        memmove(b + shift + 2, b, N * K * sizeof *b);
        multiply((how)way, m[i], N, K, a + shift, b + shift + 2, 0, elsewhere + shift * 2 + 1);
        memmove(a, a + shift, M * K * sizeof *a);
        memmove(b, b + shift + 2, N * K * sizeof *b);
        assert_memory_equal(c, elsewhere + shift * 2 + 1, m[i] * N * sizeof *c);
      }
    }
  free(a);
  free(b);
  free(c);
  free(elsewhere);
}

/* The limits of the rule: who computes what. */
static void test_rule(void **state) {
  (void)state;
  if (!has_kernels())
    skip();
  real *a = array(MOST, sizeof *a), *b = array(MOST, sizeof *b), *c = array(MOST, sizeof *c);
  assert_true(oikos_small_nn(5, 100, 100, a, b, 0, c));
  assert_true(oikos_small_nt(5, 100, 100, a, b, 0, c));
  assert_true(oikos_small_tn(100, 100, 5, a, b, 0, c));
  assert_true(oikos_small_nt(5, 100, 1, a, b, 0, c));
  assert_true(oikos_small_tn(100, 1, 5, a, b, 0, c));
  assert_false(oikos_small_nn(25, 100, 100, a, b, 0, c));
  assert_false(oikos_small_nt(25, 100, 100, a, b, 0, c));
  assert_false(oikos_small_tn(100, 100, 25, a, b, 0, c));
  assert_false(oikos_small_nn(5, 1024, 1024, a, b, 0, c));
  assert_false(oikos_small_nt(0, 100, 100, a, b, 0, c));
  size_t whole =
      1; // numbers of a vector, whatever this library's are: the same limit for all three
  while (whole < 64 && !oikos_small_nn(5, whole, 100, a, b, 0, c))
    whole *= 2;
  assert_true(whole > 1);
  for (size_t length = 2; length < 64; length++) {
    assert_int_equal(oikos_small_nn(5, length, 100, a, b, 0, c), length >= whole);
    assert_int_equal(oikos_small_nt(5, 100, length, a, b, 0, c), length >= whole);
    assert_int_equal(oikos_small_tn(100, length, 5, a, b, 0, c), length >= whole);
  }
  free(a);
  free(b);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_bits),
                                     cmocka_unit_test(test_same_shape),
                                     cmocka_unit_test(test_rule)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
