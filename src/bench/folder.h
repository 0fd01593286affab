/* SPDX-License-Identifier: MIT
 * A folder for the files of one measurement, which goes away with them. Not collective. */
#ifndef OIKOS_BENCH_FOLDER_H
#define OIKOS_BENCH_FOLDER_H

#include "oikos/error.h"

/** Make one in @p parent; its path into folder (OIKOS_NAME_MAX). "" and OIKOS_USAGE if it cannot be
 * made.
 */
oikos_status oikos_bench_folder_make(const char *parent, char *folder, oikos_error *err);

/** Remove it and the files in it. */
void oikos_bench_folder_remove(const char *folder);

#endif
