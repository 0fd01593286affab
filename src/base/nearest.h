/* SPDX-License-Identifier: MIT
 *
 * The names that a wrong one may have meant, for messages: "no user 9999 in ml.h5; near: 99, 909".
 *
 * A name is as far from what was wanted as the edits that make the latter the beginning of the
 * name: a letter more, less or another one, or two neighbours swapped (Damerau, "A technique for
 * computer detection and correction of spelling errors", CACM 7(3), 1964; no letter is edited
 * twice); 0 if the name has it anywhere inside. So "Heat" finds "Heat (1995)", and "Haet" does. Of
 * n letters (n + 2) / 3 may be wrong, at most 6, but none of a single one.
 *
 * Nearer names come first; of equally near ones that with more leading letters in common, then that
 * of the length more alike, then the lower number. Letters of the Latin alphabet are compared
 * without case; letters are bytes, so that one beyond ASCII counts as several. Of each text the
 * first 127 bytes count.
 *
 * A million names take some tenths of a second, one or two seconds at the worst: only the band of
 * the table in which the distance can stay below the fifth best so far is filled (Ukkonen,
 * "Algorithms for approximate string matching", Information and Control 64, 1985, section 2), row
 * by row until no entry of it does.
 */
#ifndef OIKOS_BASE_NEAREST_H
#define OIKOS_BASE_NEAREST_H

#include <stddef.h>
#include <stdint.h>

/** How many names are found at most. */
enum { OIKOS_NEAREST = 5 };

/**
 * @param names  (n)
 * @param found  the numbers of the nearest, the best first
 * @return how many there are; 0 for an empty text
 */
int oikos_nearest(const char *wanted, int64_t n, const char *const *names,
                  int64_t found[OIKOS_NEAREST]);

/** The same as text: "a, b, c". Names that do not fit in @p to (size > 0) are left out. Returns how
 * many stand there; for 0 the text is empty. */
int oikos_nearest_text(const char *wanted, int64_t n, const char *const *names, size_t size,
                       char *to);

#endif
