/* SPDX-License-Identifier: MIT
 * The sine without libm: the same bits on every processor and with every C library, in loops of
 * which the compiler makes vectors. */
#ifndef OIKOS_MATH_SINE_H
#define OIKOS_MATH_SINE_H

#include <stdint.h>
#include <string.h>

/** sin x within 2^-51, for |x| up to 2^20. x is n pi + r with |r| up to pi / 2, of which the series
 * is taken, whose first term left out is below 2^-59; an odd n turns the sign. */
static inline double oikos_sine(double x) {
  static const double inverse[] = {-1. / 51090942171709440000.,
                                   1. / 121645100408832000.,
                                   -1. / 355687428096000.,
                                   1. / 1307674368000.,
                                   -1. / 6227020800.,
                                   1. / 39916800.,
                                   -1. / 362880.,
                                   1. / 5040.,
                                   -1. / 120.,
                                   1. / 6.};
  // pi in three numbers; of the first two a product with n is exact
  const double pi[] = {0x1.921fb544p1, 0x1.0b4611a6p-33, 0x1.3198a2e037073p-68};
  const double magic = 0x1.8p52; // beside it there is no room for fractions
  double shifted = x * 0x1.45f306dc9c883p-2 + magic, n = shifted - magic,
         r = ((x - n * pi[0]) - n * pi[1]) - n * pi[2], square = r * r, sum = inverse[0];
  for (int k = 1; k < 10; k++)
    sum = sum * square + inverse[k];
  double sine = r - r * (square * sum);
  uint64_t bits, turns;
  memcpy(&turns, &shifted, sizeof turns);
  memcpy(&bits, &sine, sizeof bits);
  bits ^= turns << 63;
  memcpy(&sine, &bits, sizeof sine);
  return sine;
}

#endif
