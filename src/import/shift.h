/* SPDX-License-Identifier: MIT
 * Numbers that float32 does not tell apart where they stand, such as times in seconds since 1970,
 * are stored less a constant, which their column's name then says: "time - 1600000000". */
#ifndef OIKOS_IMPORT_SHIFT_H
#define OIKOS_IMPORT_SHIFT_H

#include <stdint.h>

#include "oikos/error.h"

/** A column of numbers, which need not be adjacent. NaN is passed over. */
typedef struct oikos_shift_column {
  const char *name;
  const double *first;
  int64_t n, stride;
  const int32_t *group; /**< (n) or NULL for one group */
  int64_t n_groups;
} oikos_shift_column;

/**
 * What to subtract: 0 if float32 tells the numbers of a group apart, to a thousandth of their
 * range, in nine of ten groups that have a range; if none has one, those of all groups.
 * @return OIKOS_ERROR, with what to do, if no constant would help
 */
oikos_status oikos_shift_choose(const oikos_shift_column *column, double *shift, oikos_error *err);

enum { OIKOS_SHIFT_TEXT = 48 };

/** " - 1600000000" or " + 5", to be put behind the name of a column that is shifted by that. */
void oikos_shift_text(double shift, char text[OIKOS_SHIFT_TEXT]);

#endif
