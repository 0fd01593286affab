/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_IMPORT_NUMBER_H
#define OIKOS_IMPORT_NUMBER_H

#include <stdbool.h>

/** A decimal number alone in a text, as strtod reads it in the C locale; false for anything else,
 * infinities and NaN. */
bool oikos_parse_number(const char *text, double *value);

#endif
