/* SPDX-License-Identifier: MIT
 * What a terminal gets to see. File names, columns, classes and titles are others' text: all that
 * is written to stdout and stderr goes through one filter, which leaves no control character in it.
 */
#ifndef OIKOS_CLI_CONSOLE_H
#define OIKOS_CLI_CONSOLE_H

/** From now on stdout and stderr are printable (base/printable.h). Without memory for it they are
 * as they were, and nothing is said. */
void oikos_console_begin(void);

/** Clear the terminal's line on stdout, and stand at its beginning. */
void oikos_console_clear_line(void);

#endif
