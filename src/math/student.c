/* SPDX-License-Identifier: MIT
 * Formulas by their numbers in Abramowitz and Stegun, "Handbook of mathematical functions", 1964.
 */
#include "math/student.h"

#include <math.h>

enum { FEW = 200, HALVINGS = 60 };

static const double pi = 3.14159265358979323846;

/* P(|T| <= t), with t = tan(angle) sqrt(n): 26.7.3 for odd n, 26.7.4 for even. */
static double probability(int64_t n, double angle) {
  double c = cos(angle), term = n % 2 ? c : 1, sum = n > 1 ? term : 0;
  for (int64_t k = n % 2 ? 3 : 2; k < n - 1; k += 2) {
    term *= (double)(k - 1) / (double)k * c * c;
    sum += term;
  }
  return n % 2 ? 2 / pi * (angle + sin(angle) * sum) : sin(angle) * sum;
}

/* 26.7.5, from the normal quantile: what follows after n^-4 is below 1e-10 for more than FEW. */
static double expand(double n) {
  const double x = 1.959963984540054, s = x * x;
  double one = x * (s + 1) / 4, two = x * ((5 * s + 16) * s + 3) / 96,
         three = x * (((3 * s + 19) * s + 17) * s - 15) / 384,
         four = x * ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160;
  return x + (one + (two + (three + four / n) / n) / n) / n;
}

double oikos_student_95(int64_t degrees) {
  double low = 0, high = pi / 2;
  if (degrees < 1)
    return NAN;
  if (degrees > FEW)
    return expand((double)degrees);
  for (int k = 0; k < HALVINGS; k++) {
    double middle = (low + high) / 2;
    if (probability(degrees, middle) < 0.95)
      low = middle;
    else
      high = middle;
  }
  return tan(low) * sqrt((double)degrees);
}
