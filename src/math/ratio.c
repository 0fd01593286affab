/* SPDX-License-Identifier: MIT */
#include "math/ratio.h"

#include <math.h>

#include "math/student.h"

static double sum(size_t m, size_t stride, const double *x) {
  double total = 0;
  for (size_t i = 0; i < m; i++)
    total += x[i * stride];
  return total;
}

/* Clusters that anything was drawn of. */
static int64_t count(size_t m, size_t stride, const double *n) {
  int64_t units = 0;
  for (size_t i = 0; i < m; i++)
    units += n[i * stride] > 0;
  return units;
}

/* The half width of a mean per rating, from squared residuals of the clusters and all ratings. */
static double half_width(int64_t units, double squares, double ratings) {
  double m = (double)units;
  return units > 1 ? oikos_student_95(units - 1) * sqrt(m / (m - 1) * squares) / ratings : NAN;
}

oikos_ratio oikos_ratio_of(size_t m, size_t stride, const double *s, const double *n) {
  double ratings = sum(m, stride, n), ratio = sum(m, stride, s) / ratings, squares = 0;
  int64_t units = count(m, stride, n);
  if (ratings == 0)
    return (oikos_ratio){NAN, NAN, 0};
  for (size_t i = 0; i < m; i++) {
    double residual = s[i * stride] - ratio * n[i * stride];
    squares += residual * residual;
  }
  return (oikos_ratio){ratio, half_width(units, squares, ratings), units};
}

/* d sqrt(x) / dx, given the root; 0 for 0, where there is no error that could vary. */
static double slope(double root) {
  return root > 0 ? 1 / (2 * root) : 0;
}

oikos_ratio oikos_ratio_root(size_t m, size_t stride, const double *s, const double *n) {
  oikos_ratio r = oikos_ratio_of(m, stride, s, n);
  double root = sqrt(r.value);
  return (oikos_ratio){root, slope(root) * r.interval, r.units};
}

oikos_ratio oikos_ratio_difference(size_t m, size_t stride, const double *a, const double *b,
                                   const double *n) {
  double ratings = sum(m, stride, n), squares = 0;
  int64_t units = count(m, stride, n);
  if (ratings == 0)
    return (oikos_ratio){NAN, NAN, 0};
  double mean_a = sum(m, stride, a) / ratings, mean_b = sum(m, stride, b) / ratings;
  double root_a = sqrt(mean_a), root_b = sqrt(mean_b);
  for (size_t i = 0; i < m; i++) {
    double residual = slope(root_a) * (a[i * stride] - mean_a * n[i * stride]) -
                      slope(root_b) * (b[i * stride] - mean_b * n[i * stride]);
    squares += residual * residual;
  }
  return (oikos_ratio){root_a - root_b, half_width(units, squares, ratings), units};
}

oikos_ratio oikos_ratio_gain(size_t m, size_t stride, const double *a, const double *b) {
  oikos_ratio r = oikos_ratio_root(m, stride, a, b);
  return (oikos_ratio){1 - r.value, r.interval, r.units};
}

oikos_ratio oikos_ratio_mean(size_t m, size_t stride, const double *x) {
  double mean = 0, squares = 0; // Welford's update
  int64_t units = 0;
  for (size_t i = 0; i < m; i++) {
    double difference = x[i * stride] - mean;
    if (isnan(x[i * stride]))
      continue;
    mean += difference / (double)++units;
    squares += difference * (x[i * stride] - mean);
  }
  return (oikos_ratio){units > 0 ? mean : NAN, half_width(units, squares, (double)units), units};
}
