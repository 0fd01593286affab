/* SPDX-License-Identifier: MIT
 * Texts of tables, whatever they are written in. */
#ifndef OIKOS_IMPORT_TEXT_H
#define OIKOS_IMPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OIKOS_TEXT_BYTES = 520 };

/** Copy a text as UTF-8: as it is if it is UTF-8, otherwise read as ISO-8859-1. False if it has
 * control characters or does not fit in @p to (OIKOS_TEXT_BYTES). */
bool oikos_text_to_utf8(const char *text, char *to);

/** Whether a text can be an id: UTF-8 without control characters, of 1 to 128 bytes. */
bool oikos_text_is_id(const char *text);

/** A whole number alone in a text, within 64 bits. */
bool oikos_parse_whole(const char *text, int64_t *value);

/** The year that ends a title: "Heat (1995)". */
bool oikos_title_year(const char *title, double *year);

#endif
