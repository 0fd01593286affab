/* SPDX-License-Identifier: MIT
 * One option: to find it, to read the words it may be, to print its value. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"

const oikos_option *oikos_option_find(const char *key) {
  for (const oikos_option *o = oikos_options(); o->key; o++)
    if (strcmp(o->key, key) == 0)
      return o;
  return NULL;
}

int oikos_choice_index(const char *choices, const char *word) {
  size_t length = strlen(word);
  int index = 0;
  for (const char *at = choices; length && at; index++) {
    if (strncmp(at, word, length) == 0 && (at[length] == '|' || at[length] == 0))
      return index;
    const char *bar = strchr(at, '|');
    at = bar ? bar + 1 : NULL;
  }
  return -1;
}

void oikos_choice_word(const char *choices, int index, char *out) {
  const char *at = choices;
  while (index-- > 0 && strchr(at, '|'))
    at = strchr(at, '|') + 1;
  size_t length = strcspn(at, "|");
  snprintf(out, OIKOS_NAME, "%.*s", (int)length, at);
}

void oikos_number_print(double value, FILE *out) {
  char text[32];
  for (int digits = 15; digits <= 17; digits++) { // the shortest that reads back to the same
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value)
      break;
  }
  fputs(text, out);
}

void oikos_option_print(const oikos_option *o, const oikos_config *c, FILE *out) {
  const void *at = oikos_option_at(o, c);
  char word[OIKOS_NAME];
  switch (o->type) {
  case OPTION_INT:
    fprintf(out, "%lld", (long long)*(const int64_t *)at);
    break;
  case OPTION_REAL:
    oikos_number_print(*(const double *)at, out);
    break;
  case OPTION_BOOL:
    fputs(*(const bool *)at ? "true" : "false", out);
    break;
  case OPTION_CHOICE:
    oikos_choice_word(o->choices, *(const int *)at, word);
    fputs(word, out);
    break;
  case OPTION_STRING:
    fputc('"', out);
    for (const char *s = at; *s; s++)
      fprintf(out,
              *s == '"' || *s == '\\'      ? "\\%c"
              : iscntrl((unsigned char)*s) ? "\\x%02x"
                                           : "%c",
              *s);
    fputc('"', out);
    break;
  case OPTION_STRINGS: {
    const oikos_strings *list = at;
    fputc('[', out);
    for (int i = 0; i < list->n; i++)
      fprintf(out, "%s%s", i ? ", " : "", list->item[i]);
    fputc(']', out);
    break;
  }
  case OPTION_LAYERS:
    break;
  }
}
