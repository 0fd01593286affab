/* SPDX-License-Identifier: MIT */
#include "store/data_about.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/file_bytes.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

enum { SIGNATURE = 8, UNSEALED = 0, SEALED = 1 };

static oikos_status agree(const oikos_team *team, oikos_status status, oikos_error *err) {
  return team ? oikos_agree(team, status, err) : status;
}

/* Which of the two it is. What is neither never comes to HDF5, which would look for its signature
 * further behind: so a damaged seal is no way around the digest. */
static oikos_status look(const char *path, int *kind, oikos_error *err) {
  static const char hdf5[SIGNATURE] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  char begin[SIGNATURE] = "";
  int64_t size;
  int fd;
  if (access(path, F_OK) != 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "it does not exist or cannot be reached: %s (a relative path starts from the "
                      "current folder; `oikos import` makes such files)",
                      strerror(errno));
  OIKOS_TRY(oikos_bytes_open(path, &fd, &size, err));
  oikos_status status =
      oikos_bytes_read(fd, 0, begin, size < SIGNATURE ? (size_t)size : SIGNATURE, err);
  close(fd);
  OIKOS_TRY(status);
  *kind = oikos_seal_is(path, OIKOS_DATA_SEAL) ? SEALED : UNSEALED;
  if (*kind == SEALED || memcmp(begin, hdf5, SIGNATURE) == 0)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR,
                    memcmp(begin, "oikos ch", SIGNATURE) == 0
                        ? "it is a checkpoint, not a data file (oikos images, oikos table, oikos "
                          "ratings) of `oikos import`"
                        : "it is not a readable HDF5 file, as `oikos import` writes them (damaged, "
                          "or of another kind)");
}

oikos_status oikos_data_check(const oikos_team *team, const char *path, oikos_data_about *about,
                              oikos_error *err) {
  int kind = UNSEALED;
  bool reads = !team || team->rank == 0;
  memset(about->digest, 0, sizeof about->digest);
  if (team)
    OIKOS_TRY(oikos_mpiio_look_each(team, path, err));
  OIKOS_TRY(agree(team, reads ? look(path, &kind, err) : OIKOS_OK, err));
  if (team)
    oikos_broadcast(team, &kind, sizeof kind);
  if (kind == UNSEALED)
    return OIKOS_OK;
  OIKOS_TRY(oikos_seal_check(team, path, OIKOS_DATA_SEAL, err));
  return agree(team, oikos_seal_hash(path, OIKOS_DATA_SEAL, about->digest, err), err);
}

oikos_status oikos_fingerprint_put(hid_t file, const oikos_fingerprint *print, oikos_error *err) {
  OIKOS_TRY(oikos_put_text(file, "fingerprint_inputs", print->inputs, err));
  return oikos_put_text(file, "fingerprint_names", print->names, err);
}

static oikos_status check(hid_t file, const char *name, const char *right, oikos_error *err) {
  char *found = NULL;
  if (H5Aexists(file, name) <= 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_get_text(file, name, &found, err));
  bool same = strcmp(found, right) == 0;
  free(found);
  return same ? OIKOS_OK
              : oikos_fail(err, OIKOS_ERROR,
                           "its names are not those that it was written with, by its attribute %s; "
                           "if they were changed on purpose, delete the attribute",
                           name);
}

oikos_status oikos_fingerprint_check(hid_t file, const oikos_fingerprint *print, oikos_error *err) {
  OIKOS_TRY(check(file, "fingerprint_inputs", print->inputs, err));
  return check(file, "fingerprint_names", print->names, err);
}
