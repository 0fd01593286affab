/* SPDX-License-Identifier: MIT */
#include "oikos/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

oikos_status oikos_fail(oikos_error *err, oikos_status status, const char *format, ...) {
  if (err) {
    va_list args;
    va_start(args, format);
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    oikos_make_printable(err->message);
  }
  return status;
}

oikos_status oikos_fail_prefix(oikos_error *err, const char *format, ...) {
  char old[sizeof err->message];
  if (!err)
    return OIKOS_ERROR;
  memcpy(old, err->message, sizeof old);
  va_list args;
  va_start(args, format);
  int n = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (n >= 0 && (size_t)n < sizeof err->message)
    snprintf(err->message + n, sizeof err->message - (size_t)n, "%s", old);
  oikos_make_printable(err->message);
  return err->status;
}
