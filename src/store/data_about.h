/* SPDX-License-Identifier: MIT
 *
 * How a data file knows itself: sealed (store/seal.h, "oikos data 1") with a digest of all its
 * bytes, and with the attributes fingerprint_inputs and fingerprint_names (store/fingerprint.h).
 * Files of 0.1.0 and of one's own bear neither; they are HDF5 from their first byte on.
 */
#ifndef OIKOS_STORE_DATA_ABOUT_H
#define OIKOS_STORE_DATA_ABOUT_H

#include <hdf5.h>

#include "store/fingerprint.h"
#include "store/seal.h"

#define OIKOS_DATA_SEAL "oikos data 1"

typedef struct oikos_data_about {
  char digest[OIKOS_DIGEST]; /* of all bytes, which have been looked at; "": it bears none */
  oikos_fingerprint print;
} oikos_data_about;

/**
 * Check the digest of a file before HDF5 sees it. Each byte is read once, by one rank. Collective;
 * a NULL team: this process alone.
 * @return OIKOS_ERROR for a file that is not as it was written, or of another kind
 */
oikos_status oikos_data_check(const oikos_team *team, const char *path, oikos_data_about *about,
                              oikos_error *err);

/** Write a fingerprint's attributes. */
oikos_status oikos_fingerprint_put(hid_t file, const oikos_fingerprint *print, oikos_error *err);

/** Check that a file that says its fingerprints has these. Not collective. */
oikos_status oikos_fingerprint_check(hid_t file, const oikos_fingerprint *print, oikos_error *err);

#endif
