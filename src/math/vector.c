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

/* The sum of LANES sums in the order of oikos_dot, written out: they stay in registers. */
static double fold(const double *s) {
  return (((s[0] + s[8]) + (s[4] + s[12])) + ((s[2] + s[10]) + (s[6] + s[14]))) +
         (((s[1] + s[9]) + (s[5] + s[13])) + ((s[3] + s[11]) + (s[7] + s[15])));
}

void oikos_norms(size_t rows, size_t columns, const oikos_real *restrict x, double *restrict norm) {
  size_t rest = columns % LANES, whole = columns - rest;
  for (size_t r = 0; r < rows; r++) {
    const oikos_real *row = x + r * columns, *end = row + whole;
    double sum[LANES] = {0};
    for (size_t i = 0; i < whole; i += LANES)
      for (size_t k = 0; k < LANES; k++)
        sum[k] += (double)row[i + k] * (double)row[i + k];
    if (rest > 0 && (rows - r - 1) * columns + rest >= LANES) // the next rows may be read along
      for (size_t k = 0; k < LANES; k++) {
        double value = k < rest ? (double)end[k] : 0;
        sum[k] += value * value;
      }
    else
      for (size_t k = 0; k < rest; k++)
        sum[k] += (double)end[k] * (double)end[k];
    norm[r] = sqrt(fold(sum));
  }
}

void oikos_add_columns(size_t rows, size_t columns, const oikos_real *restrict a,
                       oikos_real *restrict sum) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      sum[j] += a[i * columns + j];
}
