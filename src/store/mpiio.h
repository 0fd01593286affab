/* SPDX-License-Identifier: MIT
 *
 * The one seam to parallel files: all that is said to MPI-IO and to HDF5's parallel driver.
 *
 * Files are read by each rank for itself, with no collective call: a rank that cannot read says so,
 * and none waits for it. Files are written by all ranks together, after every rank has opened the
 * file by itself and all have agreed that they could. HDF5's errors are to be silenced by the
 * caller (oikos_hdf5_silence); messages do not name the path.
 */
#ifndef OIKOS_STORE_MPIIO_H
#define OIKOS_STORE_MPIIO_H

#include <hdf5.h>

#include "dist/team.h"

/** Whether every rank finds a regular file of the same size that it may read, before anything is
 * read of it. A message of some ranks only says where. Collective. */
oikos_status oikos_mpiio_look_each(const oikos_team *team, const char *path, oikos_error *err);

/** Open an HDF5 file to read it, by this process alone: a regular file, or a message that says what
 * is there. No lock is asked for, which not all file systems have. On success release by H5Fclose.
 */
oikos_status oikos_mpiio_open_alone(const char *path, hid_t *file, oikos_error *err);

/** The same by every rank for itself: on all, or on none. Collective; on success release by
 * H5Fclose, which need not be together. */
oikos_status oikos_mpiio_open_each(const oikos_team *team, const char *path, hid_t *file,
                                   oikos_error *err);

/** Make a new empty file under a temporary name beside @p path, with the team's hints (striping
 * cannot change later), and tell all ranks its name. Collective.
 * @param[out] name  (OIKOS_NAME_MAX); empty if there is no such file */
oikos_status oikos_mpiio_create(const oikos_team *team, const char *path, char *name,
                                oikos_error *err);

/** Open a file of oikos_mpiio_create to write it, by all ranks together. Collective; on success
 * release by oikos_mpiio_close. */
oikos_status oikos_mpiio_open_together(const oikos_team *team, const char *path, hid_t *file,
                                       oikos_error *err);

/** Fail, with what HDF5 says: a call on a file that is open together failed on this rank. The
 * others may be in the same call, or in the next one, and MPI-IO does not promise that they come
 * out of it: the process ends with the message, if somebody ends processes (base/pulse.h). Else,
 * and on a rank that is alone, it comes back. Not collective.
 * @param path  for that message
 * @param what  failed */
oikos_status oikos_mpiio_strand(const oikos_team *team, const char *path, const char *what,
                                oikos_error *err);

/** Collective. @param path  for the message */
oikos_status oikos_mpiio_close(const oikos_team *team, const char *path, hid_t file,
                               oikos_error *err);

/** How many rows of this many bytes are read or written at a time: team->block, 16 MiB by default,
 * or one row. */
int64_t oikos_mpiio_rows(const oikos_team *team, size_t bytes);

#endif
