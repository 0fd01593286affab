/* SPDX-License-Identifier: MIT
 * What the files that importers write have in common: made under a temporary name, synced and
 * renamed, so that a failed import leaves no file; equal input gives equal bytes. Not collective:
 * called by one process. */
#ifndef OIKOS_STORE_DATA_FILE_H
#define OIKOS_STORE_DATA_FILE_H

#include <stdint.h>

#include <hdf5.h>

#include "oikos/error.h"

/** Puts everything into the open file. */
typedef oikos_status oikos_data_writer(void *user, hid_t file, oikos_error *err);

/** Write a file; an existing one is replaced when all is done. */
oikos_status oikos_data_file_write(const char *path, oikos_data_writer *write, void *user,
                                   oikos_error *err);

/** A one-dimensional dataset of n elements. */
oikos_status oikos_put_array(hid_t file, const char *name, hid_t file_type, hid_t memory_type,
                             int64_t n, const void *data, oikos_error *err);

/** A dataset (rows, columns) of float32. */
oikos_status oikos_put_matrix(hid_t file, const char *name, int64_t rows, int64_t columns,
                              const float *data, oikos_error *err);

/** A dataset of n strings of one fixed size, UTF-8. */
oikos_status oikos_put_strings(hid_t file, const char *name, int64_t n, const char *const *strings,
                               oikos_error *err);

/** Record that HDF5 could not write @p what. */
oikos_status oikos_data_fail(oikos_error *err, const char *what);

#endif
