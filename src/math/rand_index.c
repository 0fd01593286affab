/* SPDX-License-Identifier: MIT */
#include "math/rand_index.h"

#include <math.h>

static double pairs(double n) {
  return n * (n - 1) / 2;
}

/* The pairs inside each part of a partition: sums of `width` counts, `step` apart, for each of n
 * parts that begin `stride` apart. */
static double pairs_inside(size_t n, size_t stride, size_t width, size_t step,
                           const int64_t *count) {
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    double part = 0;
    for (size_t j = 0; j < width; j++)
      part += (double)count[i * stride + j * step];
    total += pairs(part);
  }
  return total;
}

double oikos_adjusted_rand(size_t rows, size_t columns, const int64_t *count) {
  double all = 0, together = pairs_inside(rows * columns, 1, 1, 1, count);
  for (size_t i = 0; i < rows * columns; i++)
    all += (double)count[i];
  double in_rows = pairs_inside(rows, columns, columns, 1, count),
         in_columns = pairs_inside(columns, 1, rows, columns, count);
  double expected = in_rows * in_columns / pairs(all), most = (in_rows + in_columns) / 2;
  return most == expected || !(all > 1) ? NAN : (together - expected) / (most - expected);
}
