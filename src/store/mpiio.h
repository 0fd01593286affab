/* SPDX-License-Identifier: MIT
 *
 * The one seam to parallel files: all that is said to MPI-IO and to HDF5's parallel driver.
 *
 * Files are read and written by each rank for itself, with no collective call on the file: a rank
 * that fails says so when all agree next, and none waits for it. (MPI-IO does not promise that
 * ranks come out of a collective call that failed on one: a disk that rank 0 alone lost left the
 * others in H5Fclose for ever.) So a file is laid out by one rank first, with all its metadata, and
 * then all fill it at once. HDF5's errors are to be silenced by the
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

/** Open a file of oikos_mpiio_create, which rank 0 has laid out, to write what is this rank's: on
 * all, or on none. Collective; on success release by oikos_mpiio_close. */
oikos_status oikos_mpiio_open_to_write(const oikos_team *team, const char *path, hid_t *file,
                                       oikos_error *err);

/** A transfer that waits for nobody, for H5Dwrite; released by H5Pclose. */
hid_t oikos_mpiio_alone(void);

/** Close it, when this rank has written with this status, and agree. Collective. */
oikos_status oikos_mpiio_close(const oikos_team *team, hid_t file, oikos_status written,
                               oikos_error *err);

/** How many rows of this many bytes are read or written at a time: team->block, 16 MiB by default,
 * or one row. */
int64_t oikos_mpiio_rows(const oikos_team *team, size_t bytes);

#endif
