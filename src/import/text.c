/* SPDX-License-Identifier: MIT */
#include "import/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/entry_name.h"

enum { MAX_ID = 128 };

bool oikos_text_to_utf8(const char *text, char *to) {
  size_t n = 0;
  if (oikos_text_is_clean(text)) {
    n = strlen(text);
    if (n >= OIKOS_TEXT_BYTES)
      return false;
    memcpy(to, text, n + 1);
    return true;
  }
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (n + 3 > OIKOS_TEXT_BYTES)
      return false;
    if (*c >= 0x80)
      to[n++] = (char)(0xC0 | *c >> 6);
    to[n++] = (char)(*c >= 0x80 ? 0x80 | (*c & 0x3F) : *c);
  }
  to[n] = 0;
  return oikos_text_is_clean(to);
}

bool oikos_text_is_id(const char *text) {
  return *text && strlen(text) <= MAX_ID && oikos_text_is_clean(text);
}

bool oikos_parse_whole(const char *text, int64_t *value) {
  const char *digits = text + (*text == '-');
  size_t length = strlen(digits);
  if (length == 0 || strspn(digits, "0123456789") != length)
    return false;
  errno = 0;
  *value = strtoll(text, NULL, 10);
  return errno == 0;
}

static bool is_year(const char *text) {
  return strspn(text, "0123456789") == 4 && text[4] == ')';
}

bool oikos_title_year(const char *title, double *year) {
  const char *open = strrchr(title, '(');
  if (!open || !is_year(open + 1))
    return false;
  *year = strtol(open + 1, NULL, 10);
  return true;
}
