/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "run/trainer_impl.h"

void oikos_trainer_say(const oikos_trainer *t, const char *format, ...) {
  char text[OIKOS_PATH + 512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (t->observer.message)
    t->observer.message(t->observer.user, text);
}
