/* SPDX-License-Identifier: MIT */
#include "math/kernel.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "math/blas.h"

typedef oikos_real real;

/* What a kernel needs: 0 SSE, 1 AVX, 2 AVX2 and FMA, 3 AVX-512. */
static int level_of(const char *name) {
  static const struct {
    const char *name;
    int level;
  } table[] = {
      {"Sandybridge", 1}, {"Bulldozer", 1},      {"Piledriver", 1}, {"Steamroller", 1},
      {"Excavator", 1},   {"Haswell", 2},        {"Zen", 2},        {"SkylakeX", 3},
      {"Cooperlake", 3},  {"SapphireRapids", 3},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].name, name) == 0)
      return table[i].level;
  return 0;
}

#if defined __AVX512F__
enum { COMPILED = 3 };
#elif defined __AVX2__
enum { COMPILED = 2 };
#else
enum { COMPILED = 0 };
#endif

const char *oikos_kernel_name(void) {
  return openblas_get_corename();
}

bool oikos_kernel_is_poor(const char *name) {
  return level_of(name) < COMPILED;
}

bool oikos_kernel_has_small_products(void) {
  return level_of(oikos_kernel_name()) == 3;
}

enum { SIDE = 72 };

/* One product against a naive one in double; entries are small integers, so that every kernel must
 * be exact. */
static bool product_is_right(int m, int n, int k, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb) {
  static const real one = 1;
  real a[SIDE * SIDE], b[SIDE * SIDE], c[SIDE * SIDE];
  int lda = ta == CblasNoTrans ? k : m, ldb = tb == CblasNoTrans ? n : k;
  for (int i = 0; i < SIDE * SIDE; i++) {
    a[i] = (real)(i * 7 % 15 - 7);
    b[i] = (real)(i * 11 % 13 - 6);
    c[i] = 1;
  }
  OIKOS_GEMM(CblasRowMajor, ta, tb, m, n, k, one, a, lda, b, ldb, one, c, n);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 1;
      for (int l = 0; l < k; l++)
        sum += (double)(ta == CblasNoTrans ? a[i * lda + l] : a[l * lda + i]) *
               (double)(tb == CblasNoTrans ? b[l * ldb + j] : b[j * ldb + l]);
      if ((double)c[i * n + j] != sum)
        return false;
    }
  return true;
}

bool oikos_kernel_self_test(void) {
  static const int shape[][3] = {{1, 1, 1},    {5, 40, 1},   {10, 40, 40}, {3, 5, 7},
                                 {64, 64, 72}, {17, 33, 65}, {72, 9, 64},  {1, 72, 31}};
  static const CBLAS_TRANSPOSE t[] = {CblasNoTrans, CblasTrans};
  for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
    for (int i = 0; i < 4; i++)
      if (!product_is_right(shape[s][0], shape[s][1], shape[s][2], t[i & 1], t[i >> 1]))
        return false;
  return true;
}
