/* SPDX-License-Identifier: MIT
 * Small HDF5 calls that report into an oikos_error. */
#ifndef OIKOS_STORE_HDF5_UTIL_H
#define OIKOS_STORE_HDF5_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include <hdf5.h>

#include "oikos/error.h"

/** HDF5's own printing of errors, switched off; keep what it was for oikos_hdf5_restore. */
typedef struct oikos_hdf5_quiet {
  H5E_auto2_t function;
  void *data;
} oikos_hdf5_quiet;
oikos_hdf5_quiet oikos_hdf5_silence(void);
void oikos_hdf5_restore(oikos_hdf5_quiet was);

/** How a file is opened by one process: HDF5 asks for no lock, which not all file systems have;
 * released by H5Pclose. */
hid_t oikos_hdf5_access(void);

/** Whether a file is open in HDF5: at the end of the program one that could not be closed. HDF5
 * tries again when MPI is finalised, and crashes (1.10). */
bool oikos_hdf5_holds_files(void);

/** Record "<what>: <HDF5's deepest message>" as OIKOS_ERROR. */
oikos_status oikos_hdf5_fail(oikos_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Attributes of an object. Strings are variable length when read, fixed length when written. */
oikos_status oikos_put_text(hid_t object, const char *name, const char *text, oikos_error *err);
oikos_status oikos_put_number(hid_t object, const char *name, hid_t type, const void *value,
                              oikos_error *err);
oikos_status oikos_get_text(hid_t object, const char *name, char **text,
                            oikos_error *err); /* released by free() */
oikos_status oikos_get_number(hid_t object, const char *name, hid_t type, void *value,
                              oikos_error *err);

#endif
