/* SPDX-License-Identifier: MIT */
#include "store/mpiio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"
#include "store/hdf5_util.h"
#include "store/sync.h"
#include "store/temporary.h"

enum { BLOCK = 16 << 20, HOST = 256, SAFE_PATH = 200 };

/* What stands at a path, by POSIX: a regular file that can be opened so. */
static oikos_status look(const char *path, int how, int64_t *size, oikos_error *err) {
  static const char what[] = "it is not a readable HDF5 file";
  struct stat info;
  int file = open(path, how | O_NONBLOCK | O_CLOEXEC); // a FIFO would wait for its other end
  if (file < 0 && errno == ENOENT)
    return oikos_fail(err, OIKOS_USAGE,
                      "it cannot be opened: it does not exist (a relative path starts from the "
                      "current folder)");
  if (file < 0)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be opened: %s", strerror(errno));
  bool known = fstat(file, &info) == 0;
  close(file);
  if (!known || !S_ISREG(info.st_mode))
    return oikos_fail(err, OIKOS_ERROR, "%s, but %s", what,
                      known && S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
  *size = (int64_t)info.st_size;
  return info.st_size > 0 ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "%s: it is empty", what);
}

oikos_status oikos_mpiio_open_alone(const char *path, hid_t *file, oikos_error *err) {
  int64_t size;
  *file = H5I_INVALID_HID;
  OIKOS_TRY(look(path, O_RDONLY, &size, err));
  hid_t access = oikos_hdf5_access();
  *file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return *file < 0
             ? oikos_hdf5_fail(err, "it is not a readable HDF5 file (truncated or of another kind)")
             : OIKOS_OK;
}

/* Agree; what not all ranks have met says on which machine it is so. */
static oikos_status agree(const oikos_team *team, oikos_status status, oikos_error *err) {
  char host[HOST] = "";
  int bad = status != OIKOS_OK, all;
  MPI_Allreduce(&bad, &all, 1, MPI_INT, MPI_SUM, team->world);
  if (bad && all < team->size) {
    gethostname(host, sizeof host - 1);
    oikos_fail_prefix(err, "on %s (rank %d; %d of %d ranks): ", host, team->rank, all, team->size);
  }
  return oikos_agree(team, status, err);
}

/* Copies on the disks of nodes may differ. */
static oikos_status check_same(const oikos_team *team, int64_t size, oikos_error *err) {
  int64_t first = size;
  oikos_broadcast(team, &first, sizeof first);
  oikos_status status = OIKOS_OK;
  if (size != first)
    status =
        oikos_fail(err, OIKOS_ERROR,
                   "it has %lld bytes, but %lld on rank 0: it must be the same file everywhere",
                   (long long)size, (long long)first);
  return agree(team, status, err);
}

oikos_status oikos_mpiio_look_each(const oikos_team *team, const char *path, oikos_error *err) {
  int64_t size = 0;
  OIKOS_TRY(agree(team, look(path, O_RDONLY, &size, err), err));
  return check_same(team, size, err);
}

oikos_status oikos_mpiio_open_each(const oikos_team *team, const char *path, hid_t *file,
                                   oikos_error *err) {
  oikos_status status = agree(team, oikos_mpiio_open_alone(path, file, err), err);
  if (status != OIKOS_OK && *file >= 0)
    H5Fclose(*file);
  if (status != OIKOS_OK)
    *file = H5I_INVALID_HID;
  return status;
}

static oikos_status make(const oikos_team *team, const char *path, char *name, oikos_error *err) {
  MPI_File file;
  if (team->hints == MPI_INFO_NULL)
    return oikos_temporary_create(path, name, err);
  OIKOS_TRY(oikos_temporary_name(path, name, err));
  if (MPI_File_open(MPI_COMM_SELF, name, MPI_MODE_CREATE | MPI_MODE_EXCL | MPI_MODE_WRONLY,
                    team->hints, &file) != MPI_SUCCESS ||
      MPI_File_close(&file) != MPI_SUCCESS)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be created with the hints of checkpoint.hints",
                      name);
  return OIKOS_OK;
}

/* Open MPI 4.1 and 5 end the program on a long path, unless they were told before MPI_Init, as the
 * program does, to leave alone what we do not use. */
static oikos_status check_length(const char *path, oikos_error *err) {
#ifdef OMPI_MAJOR_VERSION
  if (strlen(path) > SAFE_PATH && !getenv("OMPI_MCA_sharedfp"))
    return oikos_fail(err, OIKOS_USAGE,
                      "its path is longer than %d bytes: Open MPI opens such a file only if "
                      "OMPI_MCA_sharedfp=individual is set before MPI_Init",
                      SAFE_PATH);
#else
  (void)path;
  (void)err;
#endif
  return OIKOS_OK;
}

oikos_status oikos_mpiio_create(const oikos_team *team, const char *path, char *name,
                                oikos_error *err) {
  oikos_status status = OIKOS_OK;
  name[0] = 0;
  if (team->rank == 0) {
    status = check_length(path, err);
    if (status == OIKOS_OK)
      status = make(team, path, name, err);
    if (status != OIKOS_OK)
      name[0] = 0;
  }
  oikos_broadcast(team, name, OIKOS_NAME_MAX);
  return oikos_agree(team, status, err);
}

oikos_status oikos_mpiio_open_to_write(const oikos_team *team, const char *path, hid_t *file,
                                       oikos_error *err) {
  int64_t size;
  *file = H5I_INVALID_HID;
  OIKOS_TRY(agree(team, look(path, O_RDWR | O_NOFOLLOW, &size, err), err));
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, MPI_COMM_SELF, team->hints);
  *file = H5Fopen(path, H5F_ACC_RDWR, access);
  H5Pclose(access);
  oikos_status status =
      agree(team, *file < 0 ? oikos_hdf5_fail(err, "it cannot be opened to write") : OIKOS_OK, err);
  if (status != OIKOS_OK && *file >= 0)
    H5Fclose(*file);
  return status;
}

hid_t oikos_mpiio_alone(void) {
  hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_INDEPENDENT);
  return transfer;
}

oikos_status oikos_mpiio_close(const oikos_team *team, hid_t file, oikos_status written,
                               oikos_error *err) {
  bool bad = H5Fclose(file) < 0;
  if (bad && written == OIKOS_OK)
    written = oikos_hdf5_fail(err, "it cannot be closed");
  return agree(team, written, err);
}

int64_t oikos_mpiio_rows(const oikos_team *team, size_t bytes) {
  size_t block = team && team->block ? team->block : BLOCK;
  return bytes == 0 || bytes > block ? 1 : (int64_t)(block / bytes);
}
