/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/* Of the C library itself: nothing is allocated, and it need not be released. */
static locale_t c_locale(void) {
  return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double oikos_number_read(const char *text, char **end) {
  return strtod_l(text, end, c_locale());
}

locale_t oikos_numbers_begin(void) {
  return uselocale(c_locale());
}

void oikos_numbers_end(locale_t before) {
  uselocale(before);
}

const char *oikos_number_text(double value, char *text) {
  locale_t before = oikos_numbers_begin();
  for (int digits = 15; digits <= 17; digits++) { // the shortest that reads back to the same
    snprintf(text, OIKOS_NUMBER_TEXT, "%.*g", digits, value);
    if (oikos_number_read(text, NULL) == value)
      break;
  }
  oikos_numbers_end(before);
  return text;
}
