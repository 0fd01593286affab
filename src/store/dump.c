/* SPDX-License-Identifier: MIT */
#include "store/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/hdf5_util.h"
#include "store/sync.h"
#include "store/temporary.h"

#ifdef OIKOS_DOUBLE
#define REAL H5T_NATIVE_DOUBLE
#else
#define REAL H5T_NATIVE_FLOAT
#endif

struct oikos_dump {
  hid_t file;
  int held; /* the temporary file */
  oikos_hdf5_quiet was;
  char path[OIKOS_NAME_MAX], temporary[OIKOS_NAME_MAX];
};

oikos_status oikos_dump_create(const char *path, const char *config, size_t numbers,
                               oikos_dump **dump, oikos_error *err) {
  off_t bytes = (off_t)(numbers * sizeof(oikos_real)) + (1 << 20);
  oikos_dump *d;
  *dump = NULL;
  OIKOS_TRY(oikos_alloc(&d, 1, sizeof *d, "a dump", err));
  d->file = H5I_INVALID_HID;
  d->held = -1;
  d->was = oikos_hdf5_silence();
  snprintf(d->path, sizeof d->path, "%s", path);
  oikos_status status = oikos_temporary_hold(path, d->temporary, &d->held, err);
  if (status != OIKOS_OK)
    d->temporary[0] = 0;
  if (status == OIKOS_OK)
    status = oikos_reserve(d->temporary, bytes, err);
  hid_t access = oikos_hdf5_access();
  if (status == OIKOS_OK)
    d->file = H5Fcreate(d->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (status == OIKOS_OK)
    status = d->file < 0 ? oikos_hdf5_fail(err, "it cannot be created")
                         : oikos_put_text(d->file, "config", config, err);
  if (status == OIKOS_OK) {
    *dump = d;
    return OIKOS_OK;
  }
  oikos_dump_close(d, false, NULL);
  return oikos_fail_prefix(err, "%s cannot be written: ", path);
}

oikos_status oikos_dump_write(oikos_dump *dump, const char *path, int n_dims, const int64_t *dims,
                              const oikos_real *data, oikos_error *err) {
  hsize_t size[8];
  for (int d = 0; d < n_dims && d < 8; d++)
    size[d] = (hsize_t)dims[d];
  hid_t space = n_dims ? H5Screate_simple(n_dims, size, NULL) : H5Screate(H5S_SCALAR),
        links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t dataset = H5Dcreate2(dump->file, path, REAL, space, links, H5P_DEFAULT, H5P_DEFAULT);
  herr_t bad = dataset < 0 ? -1 : H5Dwrite(dataset, REAL, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  if (dataset >= 0)
    H5Dclose(dataset);
  H5Pclose(links);
  H5Sclose(space);
  return bad < 0 ? oikos_hdf5_fail(err, "dataset %s cannot be written", path) : OIKOS_OK;
}

oikos_status oikos_dump_close(oikos_dump *d, bool whole, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  if (d->file >= 0 && H5Fclose(d->file) < 0)
    status = oikos_hdf5_fail(err, "it cannot be closed");
  oikos_hdf5_restore(d->was);
  if (status == OIKOS_OK && whole)
    status = oikos_sync_file(d->temporary, err);
  if (status == OIKOS_OK && whole)
    status = oikos_rename_synced(d->temporary, d->path, err);
  if ((status != OIKOS_OK || !whole) && d->temporary[0])
    unlink(d->temporary);
  if (d->held >= 0)
    close(d->held);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s cannot be written: ", d->path);
  free(d);
  return status;
}
