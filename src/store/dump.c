/* SPDX-License-Identifier: MIT */
#include "store/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/hdf5_util.h"
#include "store/sync.h"

#ifdef OIKOS_DOUBLE
#define REAL H5T_NATIVE_DOUBLE
#else
#define REAL H5T_NATIVE_FLOAT
#endif

struct oikos_dump {
  hid_t file;
  oikos_hdf5_quiet was;
};

oikos_status oikos_dump_create(const char *path, const char *config, size_t numbers,
                               oikos_dump **dump, oikos_error *err) {
  off_t bytes = (off_t)(numbers * sizeof(oikos_real)) + (1 << 20);
  *dump = NULL;
  oikos_status status = oikos_reserve(path, bytes, NULL, err);
  if (status == OIKOS_OK)
    status = oikos_alloc(dump, 1, sizeof **dump, "a dump", err);
  if (status != OIKOS_OK) {
    unlink(path);
    return status;
  }
  (*dump)->was = oikos_hdf5_silence();
  (*dump)->file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  status = (*dump)->file < 0 ? oikos_hdf5_fail(err, "%s cannot be created", path)
                             : oikos_put_text((*dump)->file, "config", config, err);
  if (status != OIKOS_OK) {
    oikos_dump_close(*dump, NULL);
    *dump = NULL;
  }
  return status;
}

oikos_status oikos_dump_write(oikos_dump *dump, const char *group, const char *name, int n_dims,
                              const int64_t *dims, const oikos_real *data, oikos_error *err) {
  char path[256];
  hsize_t size[8];
  for (int d = 0; d < n_dims && d < 8; d++)
    size[d] = (hsize_t)dims[d];
  snprintf(path, sizeof path, "%s%s%s", group, *group ? "/" : "", name);
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

oikos_status oikos_dump_close(oikos_dump *dump, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  if (dump->file >= 0 && H5Fclose(dump->file) < 0)
    status = oikos_hdf5_fail(err, "the dump cannot be closed");
  oikos_hdf5_restore(dump->was);
  free(dump);
  return status;
}
