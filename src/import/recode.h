/* SPDX-License-Identifier: MIT
 * Text of any encoding that the C library knows, as UTF-8. */
#ifndef OIKOS_IMPORT_RECODE_H
#define OIKOS_IMPORT_RECODE_H

#include "import/csv_source.h"

typedef struct oikos_recode oikos_recode;

/** Begin. @p from stays the caller's and outlives it. @return OIKOS_USAGE for an unknown encoding
 */
oikos_status oikos_recode_open(oikos_recode **out, const oikos_csv_source *from,
                               const char *encoding, oikos_error *err);
void oikos_recode_close(oikos_recode *r);

/** The oikos_csv_source's function. What the encoding does not have becomes a byte of 0, which no
 * row may have. */
oikos_status oikos_recode_read(void *recode, void *to, size_t size, size_t *got, oikos_error *err);

#endif
