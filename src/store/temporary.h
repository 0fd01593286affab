/* SPDX-License-Identifier: MIT
 * Temporary files: every file of the program that must be there as a whole or not at all is written
 * under a name that nobody else can have or guess, in the same folder, and then renamed. Not
 * collective. */
#ifndef OIKOS_STORE_TEMPORARY_H
#define OIKOS_STORE_TEMPORARY_H

#include "oikos/error.h"

/** A name beside @p path: that of the file, cut if it is long, ".tmp-", user, host, process number
 * and a random number. @param[out] name  (OIKOS_NAME_MAX) */
oikos_status oikos_temporary_name(const char *path, char *name, oikos_error *err);

/** Make an empty file of such a name. Whatever stands there already, a link too, is an error. */
oikos_status oikos_temporary_create(const char *path, char *name, oikos_error *err);

/** The same where others may write too: the file is locked, which tells of its owner, and those of
 * @p path that nobody holds any more are removed. Such a file is one that nobody has locked, whose
 * name is of a process that this host does not have; or, since not all file systems tell of locks
 * of other hosts, one that was not written for a day.
 * @param[out] held  the lock, released by close(), at the latest when the process ends. HDF5 is to
 * open the file by oikos_hdf5_access */
oikos_status oikos_temporary_hold(const char *path, char *name, int *held, oikos_error *err);

/** Remove what a killed process left of such files of @p path. For who alone may write there. */
void oikos_temporary_sweep(const char *path);

#endif
