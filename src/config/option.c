/* SPDX-License-Identifier: MIT
 * One option: to find it, to read the words it may be, to print its value. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "config/options.h"

const oikos_option *oikos_option_find(const char *key) {
  for (const oikos_option *o = oikos_options(); o->key; o++)
    if (strcmp(o->key, key) == 0)
      return o;
  return NULL;
}

/* The key of the table that shares the most leading and trailing letters with a wrong one. */
const char *oikos_option_nearest(const char *wrong_key) {
  const char *best = oikos_options()->key;
  size_t best_score = 0, n = strlen(wrong_key);
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    size_t m = strlen(o->key), head = 0, tail = 0;
    while (head < n && head < m && wrong_key[head] == o->key[head])
      head++;
    while (tail < n && tail < m && wrong_key[n - 1 - tail] == o->key[m - 1 - tail])
      tail++;
    if (head + tail > best_score) {
      best_score = head + tail;
      best = o->key;
    }
  }
  return best;
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

int oikos_option_choice(const oikos_option *o, const oikos_config *c) {
  int index;
  memcpy(&index, oikos_option_at(o, c), sizeof index);
  return index;
}

void oikos_option_choose(const oikos_option *o, int index, oikos_config *c) {
  memcpy(oikos_option_at(o, c), &index, sizeof index);
}

void oikos_number_print(double value, FILE *out) {
  char text[OIKOS_NUMBER_TEXT];
  fputs(oikos_number_text(value, text), out);
}

/* The code point at *s, which moves behind it; UINT32_MAX where there is no valid one. */
static uint32_t next_code(const unsigned char **s) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  uint32_t first = *(*s)++, code;
  int more = first < 0x80 ? 0 : first < 0xc0 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  if (more < 0 || first >= 0xf8)
    return UINT32_MAX;
  code = more ? first & (0x3fU >> more) : first;
  for (int i = 0; i < more; i++, (*s)++) {
    if ((**s & 0xc0) != 0x80)
      return UINT32_MAX;
    code = code << 6 | (**s & 0x3f);
  }
  return code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? UINT32_MAX
                                                                                    : code;
}

bool oikos_utf8_is_valid(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  while (*s)
    if (next_code(&s) == UINT32_MAX)
      return false;
  return true;
}

/* Whether YAML takes it in a text as it is, and no reader breaks a line there. */
static bool is_printable(uint32_t code) {
  return (code >= 0x20 && code < 0x7f) ||
         (code >= 0xa0 && code < 0xfffe && code != 0xfeff && code != 0x2028 && code != 0x2029) ||
         code >= 0x10000;
}

/* As a quoted text of YAML. */
static void print_text(const char *text, FILE *out) {
  fputc('"', out);
  for (const unsigned char *s = (const unsigned char *)text; *s;) {
    const unsigned char *from = s;
    uint32_t code = next_code(&s);
    if (code == '"' || code == '\\')
      fprintf(out, "\\%c", (int)code);
    else if (is_printable(code))
      fwrite(from, 1, (size_t)(s - from), out);
    else
      fprintf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
  }
  fputc('"', out);
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
    oikos_choice_word(o->choices, oikos_option_choice(o, c), word);
    fputs(word, out);
    break;
  case OPTION_STRING:
    print_text(at, out);
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
