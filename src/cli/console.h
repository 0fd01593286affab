/* SPDX-License-Identifier: MIT
 * What a terminal gets to see. File names, columns, classes and titles are others' text: all that
 * is written to stdout and stderr goes through one filter, which leaves no control character in it.
 */
#ifndef OIKOS_CLI_CONSOLE_H
#define OIKOS_CLI_CONSOLE_H

#include <stdio.h>

/** stdout and stderr as they were before. */
typedef struct oikos_console {
  FILE *out, *err;
} oikos_console;

/** From now on stdout and stderr are printable (base/printable.h). Without memory for it they are
 * as they were, and nothing is said. */
oikos_console oikos_console_begin(void);

/** Write what is left and put them back, if no other thread may still write; else they last as long
 * as the program. */
void oikos_console_end(const oikos_console *was);

/** Clear the terminal's line on stdout, and stand at its beginning. */
void oikos_console_clear_line(void);

#endif
