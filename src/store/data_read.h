/* SPDX-License-Identifier: MIT
 * What the readers of importers' files have in common. Files are not trusted: every size and type
 * is checked before it is used. */
#ifndef OIKOS_STORE_DATA_READ_H
#define OIKOS_STORE_DATA_READ_H

#include <hdf5.h>

#include "dist/team.h"

/** Check the attributes format and format_version. */
oikos_status oikos_data_expect(hid_t file, const char *format, int32_t version, oikos_error *err);

/** Open a dataset of n_dims dimensions, each between 1 and 2^40, of a class of types. */
oikos_status oikos_data_open(hid_t file, const char *name, int n_dims, H5T_class_t class,
                             hid_t *dataset, hsize_t *dims, oikos_error *err);

/** Read a whole one-dimensional dataset of n whole numbers of @p size bytes; *out is released by
 * free(). */
oikos_status oikos_data_numbers(hid_t file, const char *name, hid_t type, size_t size, int64_t n,
                                void *out, oikos_error *err);

/** Read a whole dataset of texts: *n of them; *names point into *text, and both are released by
 * free(). */
oikos_status oikos_data_texts(hid_t file, const char *name, int64_t *n, char **text, char ***names,
                              oikos_error *err);

/** Memory that the ranks of a node share, at *out. Collective; released by MPI_Win_free. */
oikos_status oikos_data_share(const oikos_team *team, size_t bytes, MPI_Win *window, void *out,
                              oikos_error *err);

#endif
