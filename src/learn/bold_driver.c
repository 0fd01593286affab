/* SPDX-License-Identifier: MIT */
#include "learn/bold_driver.h"

double oikos_bold_driver(double factor, double range, double before, double after) {
  double next = after < before ? 1.05 * factor : 0.5 * factor; // a NaN fails the comparison
  next = next > range ? range : next;
  return next < 1 / range ? 1 / range : next;
}
