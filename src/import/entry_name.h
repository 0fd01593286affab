/* SPDX-License-Identifier: MIT
 * Names that come out of archives. */
#ifndef OIKOS_IMPORT_ENTRY_NAME_H
#define OIKOS_IMPORT_ENTRY_NAME_H

#include <stdbool.h>

#include "oikos/error.h"

/**
 * Check that @p name (NULL allowed, refused) is a relative path without `..`, backslash or control
 * character, in UTF-8, of at most 1,024 bytes. The message shows the name with everything
 * unprintable replaced.
 */
oikos_status oikos_entry_name_check(const char *name, oikos_error *err);

/** Whether a text is UTF-8 without control characters. */
bool oikos_text_is_clean(const char *text);

#endif
