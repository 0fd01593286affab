/* SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <stdbool.h>

size_t oikos_utf8_length(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  size_t n = s[0] < 0x80   ? 1
             : s[0] < 0xC2 ? 0
             : s[0] < 0xE0 ? 2
             : s[0] < 0xF0 ? 3
             : s[0] < 0xF5 ? 4
                           : 0;
  if (n == 1)
    return s[0] >= 0x20 && s[0] != 0x7F;
  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xC0) != 0x80)
      return 0;
  bool bad = (n == 2 && s[0] == 0xC2 && s[1] < 0xA0) || (s[0] == 0xE0 && s[1] < 0xA0) ||
             (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
             (s[0] == 0xF4 && s[1] > 0x8F);
  return bad ? 0 : n;
}

void oikos_make_printable(char *text) {
  while (*text) {
    size_t n = oikos_utf8_length(text);
    if (n == 0 && *text != '\n' && *text != '\t')
      *text = '?';
    text += n ? n : 1;
  }
}
