/* SPDX-License-Identifier: MIT */
#include "math/ratio.h"

#include <math.h>

static double sum(size_t m, size_t stride, const double *x) {
  double total = 0;
  for (size_t i = 0; i < m; i++)
    total += x[i * stride];
  return total;
}

/* The half width of a mean per rating, from squared residuals of the clusters and all ratings. */
static double half_width(size_t m, double squares, double ratings) {
  return m > 1 ? 1.96 * sqrt((double)m / (double)(m - 1) * squares) / ratings : 0;
}

oikos_ratio oikos_ratio_of(size_t m, size_t stride, const double *s, const double *n) {
  double ratings = sum(m, stride, n), ratio = sum(m, stride, s) / ratings, squares = 0;
  if (ratings == 0)
    return (oikos_ratio){NAN, 0};
  for (size_t i = 0; i < m; i++) {
    double residual = s[i * stride] - ratio * n[i * stride];
    squares += residual * residual;
  }
  return (oikos_ratio){ratio, half_width(m, squares, ratings)};
}

/* d sqrt(x) / dx, given the root; 0 for 0, where there is no error that could vary. */
static double slope(double root) {
  return root > 0 ? 1 / (2 * root) : 0;
}

oikos_ratio oikos_ratio_root(size_t m, size_t stride, const double *s, const double *n) {
  oikos_ratio r = oikos_ratio_of(m, stride, s, n);
  double root = sqrt(r.value);
  return (oikos_ratio){root, slope(root) * r.interval};
}

oikos_ratio oikos_ratio_difference(size_t m, size_t stride, const double *a, const double *b,
                                   const double *n) {
  double ratings = sum(m, stride, n), squares = 0;
  if (ratings == 0)
    return (oikos_ratio){NAN, 0};
  double mean_a = sum(m, stride, a) / ratings, mean_b = sum(m, stride, b) / ratings;
  double root_a = sqrt(mean_a), root_b = sqrt(mean_b);
  for (size_t i = 0; i < m; i++) {
    double residual = slope(root_a) * (a[i * stride] - mean_a * n[i * stride]) -
                      slope(root_b) * (b[i * stride] - mean_b * n[i * stride]);
    squares += residual * residual;
  }
  return (oikos_ratio){root_a - root_b, half_width(m, squares, ratings)};
}

oikos_ratio oikos_ratio_gain(size_t m, size_t stride, const double *a, const double *b) {
  oikos_ratio r = oikos_ratio_root(m, stride, a, b);
  return (oikos_ratio){1 - r.value, r.interval};
}
