/* SPDX-License-Identifier: MIT
 * Functions of one number that are the same on every processor with fused multiply-adds, and that
 * the compiler makes vectors of: no branches, no libm. */
#ifndef OIKOS_MATH_FUSED_H
#define OIKOS_MATH_FUSED_H

#include <stdint.h>
#include <string.h>

#include "oikos/real.h"

/** a b + c, rounded once. */
static inline oikos_real oikos_fused(oikos_real a, oikos_real b, oikos_real c) {
#ifdef OIKOS_DOUBLE
  return __builtin_fma(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

#ifdef OIKOS_DOUBLE
typedef int64_t oikos_real_bits;
#define OIKOS_FUSED_TERMS 14
enum { OIKOS_MANTISSA = 52, OIKOS_EXPONENT_BIAS = 1023 };
static const oikos_real oikos_fused_magic = 0x1.8p52, oikos_fused_far = 20;
#else
typedef int32_t oikos_real_bits;
#define OIKOS_FUSED_TERMS 8
enum { OIKOS_MANTISSA = 23, OIKOS_EXPONENT_BIAS = 127 };
static const oikos_real oikos_fused_magic = 0x1.8p23F, oikos_fused_far = 10;
#endif

/** e^x - 1 = power * part + (power - 1): x is n log 2 + r, power is 2^n, part e^r - 1, a polynomial
 * (the first terms of its series; what is left out is below 2^-56, of floats 2^-26, of r). For |x|
 * up to 80 (double: 700). */
static inline oikos_real oikos_fused_exponent(oikos_real x, oikos_real *part) {
  static const double inverse[] = {1,
                                   1. / 2,
                                   1. / 6,
                                   1. / 24,
                                   1. / 120,
                                   1. / 720,
                                   1. / 5040,
                                   1. / 40320,
                                   1. / 362880,
                                   1. / 3628800,
                                   1. / 39916800,
                                   1. / 479001600,
                                   1. / 6227020800.,
                                   1. / 87178291200.};
  // log 2 in two numbers, of which the first times a small whole number is exact
  const oikos_real high = (oikos_real)0x1.62ep-1,
                   low = (oikos_real)(0x1.62e42fefa39efp-1 - 0x1.62ep-1);
  oikos_real shifted = oikos_fused(x, (oikos_real)0x1.71547652b82fep0, oikos_fused_magic),
             n = shifted - oikos_fused_magic, r = oikos_fused(-n, low, oikos_fused(-n, high, x)),
             sum = (oikos_real)inverse[OIKOS_FUSED_TERMS - 1], power;
  oikos_real_bits bits;
  for (int k = OIKOS_FUSED_TERMS - 2; k >= 0; k--)
    sum = oikos_fused(sum, r, (oikos_real)inverse[k]);
  memcpy(&bits, &shifted, sizeof bits);
  bits = (oikos_real_bits)((uint64_t)(bits + OIKOS_EXPONENT_BIAS) << OIKOS_MANTISSA);
  memcpy(&power, &bits, sizeof power);
  *part = r * sum;
  return power;
}

/** tanh x, within 2^-22 of itself (double: 2^-51). */
static inline oikos_real oikos_fused_tanh(oikos_real x) {
  oikos_real size = x < 0 ? -x : x, part;
  size = size > oikos_fused_far ? oikos_fused_far : size;
  oikos_real power = oikos_fused_exponent(2 * size, &part),
             less = oikos_fused(power, part, power - 1), // e^2|x| - 1
      y = less / (less + 2);
  return x < 0 ? -y : y;
}

#endif
