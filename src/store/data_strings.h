/* SPDX-License-Identifier: MIT
 * Texts of any length, as h5py writes them. */
#ifndef OIKOS_STORE_DATA_STRINGS_H
#define OIKOS_STORE_DATA_STRINGS_H

#include <hdf5.h>

#include "oikos/error.h"

enum { OIKOS_DATA_TEXT = 4096 /* the longest, with its 0 */ };

/** Read n texts of variable length; memory grows with what they hold. *names point into *text, and
 * both are released by free(), also after an error. */
oikos_status oikos_data_strings(hid_t dataset, const char *name, int64_t n, char **text,
                                char ***names, oikos_error *err);

#endif
