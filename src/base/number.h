/* SPDX-License-Identifier: MIT
 * Numbers as text, with a decimal point whatever LC_NUMERIC the program has set: what oikos writes
 * into files it reads everywhere. */
#ifndef OIKOS_BASE_NUMBER_H
#define OIKOS_BASE_NUMBER_H

#include <locale.h>
#include <stdio.h>

enum { OIKOS_NUMBER_TEXT = 32 };

/** strtod in the C locale. */
double oikos_number_read(const char *text, char **end);

/** The fewest digits that read back to the value, into text (OIKOS_NUMBER_TEXT); returns it. */
const char *oikos_number_text(double value, char *text);

/** From here to oikos_numbers_end this thread formats numbers as in the C locale. Returns what
 * oikos_numbers_end is to be given. */
locale_t oikos_numbers_begin(void);
void oikos_numbers_end(locale_t before);

#endif
