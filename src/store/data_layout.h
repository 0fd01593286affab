/* SPDX-License-Identifier: MIT
 * How a dataset lies in its file, before anything of it is read. */
#ifndef OIKOS_STORE_DATA_LAYOUT_H
#define OIKOS_STORE_DATA_LAYOUT_H

#include <stddef.h>

#include <hdf5.h>

#include "oikos/error.h"

/** Refuse a dataset that lies in other files, that was not written in full, that holds more than
 * its stored bytes can, or whose chunks take much more memory than a row.
 * @param bytes  of an element in the file */
oikos_status oikos_data_check_layout(hid_t file, hid_t dataset, const char *name, int n_dims,
                                     const hsize_t *dims, size_t bytes, oikos_error *err);

#endif
