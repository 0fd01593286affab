/* SPDX-License-Identifier: MIT */
#include "store/hints.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The next KEY=VALUE of a text into two strings; false if it is none. */
static bool next_hint(const char **text, char key[MPI_MAX_INFO_KEY + 1],
                      char value[MPI_MAX_INFO_VAL + 1]) {
  const char *end = strchrnul(*text, ' '), *equals = strchr(*text, '=');
  if (!equals || equals > end || equals == *text || equals + 1 == end ||
      equals - *text > MPI_MAX_INFO_KEY || end - equals - 1 > MPI_MAX_INFO_VAL)
    return false;
  snprintf(key, MPI_MAX_INFO_KEY + 1, "%.*s", (int)(equals - *text), *text);
  snprintf(value, MPI_MAX_INFO_VAL + 1, "%.*s", (int)(end - equals - 1), equals + 1);
  *text = *end ? end + 1 : end;
  return true;
}

oikos_status oikos_hints_create(const char *text, MPI_Info *hints, oikos_error *err) {
  char key[MPI_MAX_INFO_KEY + 1], value[MPI_MAX_INFO_VAL + 1];
  const char *all = text;
  *hints = MPI_INFO_NULL;
  if (!*text)
    return OIKOS_OK;
  MPI_Info_create(hints);
  while (*text) {
    if (!next_hint(&text, key, value)) {
      MPI_Info_free(hints);
      return oikos_fail(err, OIKOS_USAGE,
                        "checkpoint.hints: expected KEY=VALUE KEY=VALUE ..., such as "
                        "striping_factor=8, found %s",
                        all);
    }
    MPI_Info_set(*hints, key, value);
  }
  return OIKOS_OK;
}
