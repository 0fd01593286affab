/* SPDX-License-Identifier: MIT */
#include "import/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/number.h"

enum { MAX_DIGITS = 19, EXACT_POWER = 22 };

/* A decimal number as (-1)^negative * mantissa * 10^exponent; exact if digits <= MAX_DIGITS. */
typedef struct decimal {
  bool negative;
  uint64_t mantissa;
  int64_t digits, exponent; /* a text is shorter than either can count */
} decimal;

static const char *read_digits(const char *c, decimal *d, int each) {
  for (; *c >= '0' && *c <= '9'; c++) {
    if (d->digits > 0 || *c != '0')
      d->digits++;
    if (d->digits <= MAX_DIGITS)
      d->mantissa = 10 * d->mantissa + (uint64_t)(*c - '0');
    d->exponent += each;
  }
  return c;
}

static const char *read_exponent(const char *c, decimal *d) {
  const char *first = c + 1;
  bool negative = *first == '-';
  int64_t power = 0, most = INT64_C(1) << 53; // more than any text has digits to make up for it
  if (*first == '-' || *first == '+')
    first++;
  for (c = first; *c >= '0' && *c <= '9'; c++)
    power = power < most ? 10 * power + (*c - '0') : power;
  d->exponent += negative ? -power : power;
  return c > first ? c : NULL;
}

/* The form [+-] digits [. digits] [e [+-] digits], with at least one digit before the e. */
static bool read_decimal(const char *c, decimal *d) {
  d->negative = *c == '-';
  if (*c == '-' || *c == '+')
    c++;
  const char *first = c;
  c = read_digits(c, d, 0);
  bool any = c > first;
  if (*c == '.') {
    first = ++c;
    c = read_digits(c, d, -1);
    any |= c > first;
  }
  if (any && (*c == 'e' || *c == 'E'))
    c = read_exponent(c, d);
  return any && c && *c == 0;
}

bool oikos_parse_number(const char *text, double *value) {
  static const double power[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  decimal d = {0};
  if (!read_decimal(text, &d))
    return false;
  // both are exact in double, so that one operation rounds once (Clinger, PLDI 1990, section 3)
  if (d.digits <= MAX_DIGITS && d.mantissa <= UINT64_C(1) << 53 &&
      llabs(d.exponent) <= EXACT_POWER) {
    double m = (double)d.mantissa, p = power[llabs(d.exponent)];
    *value = d.exponent < 0 ? m / p : m * p;
    *value = d.negative ? -*value : *value;
    return true;
  }
  *value = oikos_number_read(text, NULL);
  return isfinite(*value);
}
