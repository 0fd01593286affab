/* SPDX-License-Identifier: MIT
 * A table about users or items. It is read twice: first to see which columns are numbers. */
#ifndef OIKOS_IMPORT_SIDE_TABLE_H
#define OIKOS_IMPORT_SIDE_TABLE_H

#include "import/ratings.h"

/**
 * Read a table with a header into @p to (r->users or r->items); import/import.h has the rules, and
 * the options `categories` and `exclude` apply.
 * @param id     the column of ids, if it has one of that name; otherwise it is the first
 * @param title  the column of titles; NULL for none
 * @return OIKOS_USAGE for columns that are not there
 */
oikos_status oikos_side_table_read(oikos_rating_collection *r, oikos_entities *to, const char *path,
                                   const char *id, const char *title, oikos_error *err);

#endif
