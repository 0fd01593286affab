/* SPDX-License-Identifier: MIT */
#include "store/folders.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sync.h"

/* Whether a part of a path ends here, which is copied then. */
static bool is_part(const char *path, size_t length, char *part) {
  snprintf(part, OIKOS_NAME_MAX, "%.*s", (int)length, path);
  return path[length] == '/' || path[length] == 0;
}

size_t oikos_folders_missing(const char *path) {
  char part[OIKOS_NAME_MAX];
  size_t all = strlen(path);
  for (size_t length = 1; length <= all; length++)
    if (is_part(path, length, part) && access(part, F_OK) != 0 && errno == ENOENT)
      return length;
  return 0;
}

void oikos_folders_remove(const char *path, size_t missing) {
  char part[OIKOS_NAME_MAX];
  for (size_t length = strlen(path); missing && length >= missing; length--)
    if (is_part(path, length, part) && rmdir(part) != 0)
      return;
}
