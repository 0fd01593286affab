/* SPDX-License-Identifier: MIT
 * What the readers of importers' files have in common. Files are not trusted: every size and type
 * is checked before it is used. */
#ifndef OIKOS_STORE_DATA_READ_H
#define OIKOS_STORE_DATA_READ_H

#include <hdf5.h>

#include "dist/node_memory.h"

/** An open file, and who reads it. */
typedef struct oikos_data_in {
  const oikos_team *team;
  hid_t file;
} oikos_data_in;

/** Check the attributes format and format_version. */
oikos_status oikos_data_expect(const oikos_data_in *in, const char *format, int32_t version,
                               oikos_error *err);

/** Open a dataset of n_dims dimensions, each between 1 and 2^40, of a class of types, all of whose
 * elements were written into this file: what it says to hold and does not would be read as zeros,
 * and take memory that a small file has no right to. */
oikos_status oikos_data_open(const oikos_data_in *in, const char *name, int n_dims,
                             H5T_class_t class, hid_t *dataset, hsize_t *dims, oikos_error *err);

/** The same for its shape alone. */
oikos_status oikos_data_shape(const oikos_data_in *in, const char *name, int n_dims,
                              H5T_class_t class, hsize_t *dims, oikos_error *err);

/** How many entries a one-dimensional dataset has. */
oikos_status oikos_data_count(const oikos_data_in *in, const char *name, H5T_class_t class,
                              int64_t *n, oikos_error *err);

/** The same, and an error unless it has n. */
oikos_status oikos_data_expect_count(const oikos_data_in *in, const char *name, H5T_class_t class,
                                     int64_t n, oikos_error *err);

/** Read rows first .. first + count - 1 of an open dataset, of row_bytes bytes each in memory,
 * block by block; each block is a beat of the team's pulse. */
oikos_status oikos_data_rows(const oikos_data_in *in, hid_t dataset, const char *name, hid_t type,
                             int64_t first, int64_t count, size_t row_bytes, void *to,
                             oikos_error *err);

/** Read a whole one-dimensional dataset of n whole numbers of @p size bytes; *out is released by
 * free(). */
oikos_status oikos_data_numbers(const oikos_data_in *in, const char *name, hid_t type, size_t size,
                                int64_t n, void *out, oikos_error *err);

/** Read a whole dataset of n texts; *names point into *text, and both are released by free(). */
oikos_status oikos_data_texts(const oikos_data_in *in, const char *name, int64_t n, char **text,
                              char ***names, oikos_error *err);

/** Memory for what all ranks of a node read together, each its part. Where a node cannot share
 * memory, each of its ranks has a copy of its own and reads all. */
typedef struct oikos_data_memory {
  oikos_node_memory shared;
  void *local;
  int part, parts; /* of this rank; 0 of 1 if the copy is its own */
} oikos_data_memory;

/** Take memory; *out is where it is. Collective; on failure nothing is to be released. */
oikos_status oikos_data_take(const oikos_team *team, size_t bytes, oikos_data_memory *m, void *out,
                             oikos_error *err);

/** All ranks have read, or failed to: the end of filling memory. Collective. */
oikos_status oikos_data_filled(const oikos_team *team, oikos_status status, oikos_error *err);

/** Not collective. */
void oikos_data_release(oikos_data_memory *m);

#endif
