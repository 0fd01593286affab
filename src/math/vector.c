/* SPDX-License-Identifier: MIT */
#include "math/vector.h"

#include <math.h>

enum { LANES = 16 }; // two vectors of doubles: one add waits for the one before

double oikos_dot(size_t n, const oikos_real *a, const oikos_real *b) {
  double sum[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t k = 0; k < LANES; k++)
      sum[k] += (double)a[i + k] * (double)b[i + k];
  for (; i < n; i++)
    sum[i % LANES] += (double)a[i] * (double)b[i];
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t k = 0; k < half; k++)
      sum[k] += sum[k + half];
  return sum[0];
}

double oikos_norm(size_t n, const oikos_real *x) {
  return sqrt(oikos_dot(n, x, x));
}

void oikos_add_columns(size_t rows, size_t columns, const oikos_real *restrict a,
                       oikos_real *restrict sum) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      sum[j] += a[i * columns + j];
}
