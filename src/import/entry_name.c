/* SPDX-License-Identifier: MIT */
#include "import/entry_name.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_NAME = 1024, SHOWN = 200 };

/* Length of the UTF-8 character at s; 0 for overlong forms, surrogates, controls and non-UTF-8. */
static size_t character(const unsigned char *s) {
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

bool oikos_text_is_clean(const char *text) {
  for (size_t n; *text; text += n) {
    n = character((const unsigned char *)text);
    if (n == 0)
      return false;
  }
  return true;
}

static bool has_parent(const char *name) {
  for (const char *part = name;; part++) {
    size_t length = strcspn(part, "/");
    if (length == 2 && part[0] == '.' && part[1] == '.')
      return true;
    part += length;
    if (!*part)
      return false;
  }
}

static const char *fault(const char *name) {
  if (!name || !*name)
    return "has no name in readable text";
  if (strlen(name) > MAX_NAME)
    return "has a name of more than 1024 bytes";
  if (!oikos_text_is_clean(name))
    return "has a name with control characters or not in UTF-8";
  if (name[0] == '/' || strchr(name, '\\') || (name[1] == ':' && name[2] == '/'))
    return "has an absolute path or backslashes";
  if (has_parent(name))
    return "has a path that leaves the archive ('..')";
  return NULL;
}

oikos_status oikos_entry_name_check(const char *name, oikos_error *err) {
  const char *what = fault(name);
  char shown[SHOWN + 1];
  size_t n = 0;
  if (!what)
    return OIKOS_OK;
  for (; name && name[n] && n < SHOWN; n++)
    shown[n] = name[n] >= 0x20 && name[n] < 0x7F ? name[n] : '?';
  shown[n] = '\0';
  return oikos_fail(err, OIKOS_ERROR, "the entry '%s' %s; refused", shown, what);
}
