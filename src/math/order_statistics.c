/* SPDX-License-Identifier: MIT */
#include "math/order_statistics.h"

#include <math.h>
#include <stdbool.h>

typedef oikos_real real;

/* Let x[at] sink to its place among the first n, below which there is a heap already. */
static void sift(size_t n, size_t at, real *x) {
  real sinking = x[at];
  for (size_t child; (child = 2 * at + 1) < n; at = child) {
    child += child + 1 < n && x[child + 1] > x[child];
    if (!(x[child] > sinking))
      break;
    x[at] = x[child];
  }
  x[at] = sinking;
}

void oikos_sort(size_t n, real *x) {
  for (size_t i = n / 2; i-- > 0;)
    sift(n, i, x);
  for (size_t last = n; last-- > 1;) {
    real most = x[0];
    x[0] = x[last];
    x[last] = most;
    sift(last, 0, x);
  }
}

real oikos_median(size_t n, real *x) {
  oikos_sort(n, x);
  return (real)(((double)x[(n - 1) / 2] + (double)x[n / 2]) / 2);
}

size_t oikos_trimmed(size_t n, double trim) {
  double product = trim * (double)n, whole = rint(product);
  bool meant = fabs(product - whole) <= 1e-12 * whole; // 0.29 * 100 is 28.999999999999996
  return (size_t)(meant ? whole : product);
}

real oikos_trimmed_mean(size_t n, double trim, real *x) {
  size_t drop = oikos_trimmed(n, trim);
  double sum = 0;
  oikos_sort(n, x);
  for (size_t i = drop; i < n - drop; i++)
    sum += (double)x[i];
  return (real)(sum / (double)(n - 2 * drop));
}
