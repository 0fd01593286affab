/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <math.h>

static void write_value(FILE *out, int digits, double value) {
  if (isfinite(value))
    fprintf(out, "%.*g", digits, value);
  else
    fputs("null", out);
}

void oikos_json_number(FILE *out, const char *name, int digits, double value) {
  fprintf(out, ", \"%s\": ", name);
  write_value(out, digits, value);
}

void oikos_json_list(FILE *out, const char *name, int digits, size_t n, const void *x,
                     size_t size) {
  fprintf(out, ", \"%s\": [", name);
  for (size_t i = 0; i < n; i++) {
    fputs(i ? ", " : "", out);
    write_value(out, digits,
                size == sizeof(float) ? (double)((const float *)x)[i] : ((const double *)x)[i]);
  }
  fputc(']', out);
}
