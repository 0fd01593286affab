/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_STORE_CHECKPOINT_IMPL_H
#define OIKOS_STORE_CHECKPOINT_IMPL_H

#include "store/checkpoint.h"
#include "store/hdf5_util.h"

enum { OIKOS_FORMAT_VERSION = 2 };

/** What a checkpoint of any version begins with, and its seal with all of its first line. */
#define OIKOS_CHECKPOINT_FORMAT "oikos checkpoint"
#define OIKOS_CHECKPOINT_KIND   "oikos checkpoint 2"

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

/** Whether `count` rows of a field that stand one after the other, the first being row `first`,
 * hold numbers that it may hold. */
oikos_status oikos_field_check(const oikos_field *f, const char *rows, int64_t first, int64_t count,
                               oikos_error *err);

/**
 * Read a file back after it was written, with every byte read once: hash it (store/block_hash.h)
 * and compare the fields' rows, which begin at byte `offset` (n), with the checksums (n) that were
 * taken in memory. Collective.
 */
oikos_status oikos_checkpoint_read_back(const oikos_team *team, const char *path,
                                        const oikos_field *fields, int n, const int64_t *offset,
                                        const uint64_t *checksum, char hash[OIKOS_DIGEST],
                                        oikos_error *err);

/** Whether all bytes of a file are as they were sealed, by the rule of its version. Its message
 * does not name the path. Collective; a NULL team: this process alone. */
oikos_status oikos_checkpoint_verify(const oikos_team *team, const char *path, oikos_error *err);

/** Whether the file is still the one that was hashed. Not collective. */
oikos_status oikos_checkpoint_same(const oikos_checkpoint *checkpoint, oikos_error *err);

/** Open the HDF5 file in a checkpoint that this process has opened; released by H5Fclose. It must
 * be the file that was hashed. */
oikos_status oikos_checkpoint_hdf5(const oikos_checkpoint *checkpoint, hid_t *file,
                                   oikos_error *err);

/** Call visit(user, dataset id, path) for every dataset, in the order of their paths; stops at a
 * status. */
typedef oikos_status oikos_dataset_visitor(void *user, hid_t dataset, const char *path,
                                           oikos_error *err);
oikos_status oikos_visit_datasets(hid_t file, oikos_dataset_visitor *visit, void *user,
                                  oikos_error *err);

#endif
