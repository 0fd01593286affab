/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_STORE_CHECKPOINT_IMPL_H
#define OIKOS_STORE_CHECKPOINT_IMPL_H

#include "store/checkpoint.h"
#include "store/hdf5_util.h"

enum { OIKOS_USER_BLOCK = 512, OIKOS_FORMAT_VERSION = 1 };

#define OIKOS_CHECKPOINT_MAGIC  "oikos checkpoint 1\n"
#define OIKOS_CHECKPOINT_FORMAT "oikos checkpoint"

/** The memory type of a field's elements, and its size. */
hid_t oikos_field_hdf5(const oikos_field *f);
size_t oikos_field_element(const oikos_field *f);

/** Elements in one row; rows this rank writes: its own, or its share of what all have. */
size_t oikos_field_row(const oikos_field *f);
void oikos_field_rows(const oikos_field *f, const oikos_team *team, int64_t *first, int64_t *count);
bool oikos_field_empty(const oikos_field *f);

/** The address of a row: counted from 0 in the dataset. */
char *oikos_field_at(const oikos_field *f, int64_t row);

/** The checksum's part of `count` rows of `bytes` bytes that stand one after the other, the first
 * being row `first`. */
uint64_t oikos_rows_checksum(const char *rows, int64_t first, int64_t count, size_t bytes);

/** XXH3-128 of all bytes behind the user block, as 32 hex digits. */
oikos_status oikos_file_hash(const char *path, char hash[OIKOS_DIGEST], oikos_error *err);

/** Call visit(user, dataset id, path) for every dataset, in the order of their paths; stops at a
 * status. */
typedef oikos_status oikos_dataset_visitor(void *user, hid_t dataset, const char *path,
                                           oikos_error *err);
oikos_status oikos_visit_datasets(hid_t file, oikos_dataset_visitor *visit, void *user,
                                  oikos_error *err);

#endif
