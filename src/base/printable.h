/* SPDX-License-Identifier: MIT
 * Texts of users and files, before a terminal sees them. */
#ifndef OIKOS_BASE_PRINTABLE_H
#define OIKOS_BASE_PRINTABLE_H

#include <stddef.h>

/** Length of the UTF-8 character at @p s, which ends by a 0; 0 for control characters, overlong
 * forms, surrogates and what is not UTF-8. */
size_t oikos_utf8_length(const char *s);

/** Put `?` in place of each byte that is not of such a character, but for line ends and tabs. */
void oikos_make_printable(char *text);

#endif
