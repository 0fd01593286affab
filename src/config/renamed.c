/* SPDX-License-Identifier: MIT
 * Keys that had another name in an older version: that is read too, with a hint, and the new one is
 * written. A key that is renamed is a line here. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"

static const struct {
  const char *old, *now;
} table[] = {
    {"task.own_row", "task.self_row"},
};

enum { RENAMED = sizeof table / sizeof *table };

static int find(const char *key) {
  int k = 0;
  while (k < RENAMED && strcmp(table[k].old, key) != 0)
    k++;
  return k;
}

const char *oikos_option_name_now(const char *key) {
  int k = find(key);
  return k < RENAMED ? table[k].now : key;
}

void oikos_option_given_as(const char *key, oikos_config *config) {
  int k = find(key);
  if (k < RENAMED)
    config->old_names |= UINT64_C(1) << k;
}

bool oikos_config_hint(const oikos_config *c, int index, char *out, size_t size) {
  int k = 0;
  for (; k < RENAMED; k++)
    if (c->old_names >> k & 1 && index-- == 0)
      break;
  if (k == RENAMED)
    return false;
  int line = c->given[oikos_option_find(table[k].now) - oikos_options()];
  char place[OIKOS_PATH + 16] = "--set";
  if (line > 0)
    snprintf(place, sizeof place, "%s:%d", c->file, line);
  snprintf(out, size, "%s: %s is called %s now; the old name is still read", place, table[k].old,
           table[k].now);
  return true;
}
