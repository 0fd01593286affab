/* SPDX-License-Identifier: MIT */
#include "math/interval.h"

#include <math.h>

double oikos_checkpoint_interval(double d, double m) {
  double least = 19 * d, x = d / (2 * m),
         best = x < 1 ? sqrt(2 * d * m) * (1 + sqrt(x) / 3 + x / 9) - d : m;
  return best > least ? best : least;
}
