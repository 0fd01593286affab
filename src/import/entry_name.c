/* SPDX-License-Identifier: MIT */
#include "import/entry_name.h"

#include <stdbool.h>
#include <string.h>

#include "base/printable.h"

enum { MAX_NAME = 1024, SHOWN = 200 };

bool oikos_text_is_clean(const char *text) {
  for (size_t n; *text; text += n) {
    n = oikos_utf8_length(text);
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
  if (!what)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR, "the entry '%.*s' %s; refused", SHOWN, name ? name : "",
                    what);
}
