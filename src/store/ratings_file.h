/* SPDX-License-Identifier: MIT
 *
 * The ratings file: what `oikos import movielens`, `csv` with --user and `ratings-demo` write. One
 * HDF5 file, version 1:
 *
 *   attribute  format          string  "oikos ratings"
 *   attribute  format_version  int32   1
 *   attribute  source          string  what it was imported from
 *   attribute  rows_skipped    int64   bad rows that were left out
 *   attribute  duplicates      int64   ratings left out because their user rated the item again
 *
 *   /value        float32 (ratings)    user by user; of one user by time, then in the source's
 * order /time         int64 (ratings)      seconds; all 0 if the source has none /user, /item int32
 * (ratings) /user_first   int64 (users + 1)    user u gave ratings user_first[u] ..
 * user_first[u+1]-1 /item_first   int64 (items + 1)    item i got the ratings /item_rating  int32
 * (ratings)      item_rating[item_first[i] .. item_first[i+1]-1], by time, then by number
 *   /split_name   string (splits)      the publisher's splits
 *   /split_NAME   uint8 (ratings)      one for each: 0 in neither part, 1 base, 2 test
 *
 * and for SIDE user and item, each of which may have no rating:
 *
 *   /SIDE_id              string (n)             unique; whole numbers first, by value, then texts
 *   /SIDE_title           string (n)             "" if unknown
 *   /SIDE_number_name     string (numbers)
 *   /SIDE_number          float32 (n, numbers)   an unknown one is the mean of the known
 *   /SIDE_field_name      string (fields)        features that are categories
 *   /SIDE_field_first     int64 (fields + 1)     field f has categories field_first[f] ..
 *                                                field_first[f+1]-1
 *   /SIDE_value_name      string (categories)    the value that a category stands for
 *   /SIDE_category_first  int64 (n + 1)          k has category[category_first[k]] ..
 *                                                category[category_first[k+1]-1]
 *   /SIDE_category        int32                  ascending; several of one field, or none, may be
 *
 * Strings are UTF-8. What would be empty (no splits, titles, numbers or fields) is not there.
 */
#ifndef OIKOS_STORE_RATINGS_FILE_H
#define OIKOS_STORE_RATINGS_FILE_H

#include "oikos/error.h"
#include "tasks/ratings_index.h"

/** Write a ratings file. Writes under a temporary name, then renames: a failed import leaves no
 * file. Not collective: called by one process. */
oikos_status oikos_ratings_file_write(const char *path, const oikos_ratings_index *index,
                                      oikos_error *err);

#endif
