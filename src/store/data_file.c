/* SPDX-License-Identifier: MIT */
#include "store/data_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_about.h"
#include "store/hdf5_util.h"
#include "store/sync.h"
#include "store/temporary.h"

oikos_status oikos_data_fail(oikos_error *err, const char *what) {
  return oikos_hdf5_fail(err, "%s cannot be written; check the space and the rights", what);
}

/* A UTF-8 type of @p bytes bytes, the final 0 included; H5I_INVALID_HID on failure. */
static hid_t text_type(size_t bytes) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, bytes) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    return type;
  if (type >= 0)
    H5Tclose(type);
  return H5I_INVALID_HID;
}

/* A dataset without times: equal input gives equal bytes. */
static oikos_status put(hid_t file, const char *name, hid_t file_type, hid_t memory_type,
                        int n_dims, const hsize_t *dims, const void *data, oikos_error *err) {
  hid_t space = H5Screate_simple(n_dims, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  oikos_status status = OIKOS_OK;
  if (space >= 0 && list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
    dataset = H5Dcreate2(file, name, file_type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (dataset < 0 || H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    status = oikos_data_fail(err, name);
  if (dataset >= 0 && H5Dclose(dataset) < 0 && status == OIKOS_OK)
    status = oikos_data_fail(err, name);
  if (list >= 0)
    H5Pclose(list);
  if (space >= 0)
    H5Sclose(space);
  return status;
}

oikos_status oikos_put_array(hid_t file, const char *name, hid_t file_type, hid_t memory_type,
                             int64_t n, const void *data, oikos_error *err) {
  hsize_t dims[1] = {(hsize_t)n};
  return put(file, name, file_type, memory_type, 1, dims, data, err);
}

oikos_status oikos_put_matrix(hid_t file, const char *name, int64_t rows, int64_t columns,
                              const float *data, oikos_error *err) {
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)columns};
  return put(file, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, dims, data, err);
}

/* Strings of one fixed size (the longest, and its final 0): a reader needs one bounded buffer. */
oikos_status oikos_put_strings(hid_t file, const char *name, int64_t n, const char *const *strings,
                               oikos_error *err) {
  size_t bytes = 2;
  char *table;
  for (int64_t i = 0; i < n; i++)
    bytes = strlen(strings[i]) + 1 > bytes ? strlen(strings[i]) + 1 : bytes;
  OIKOS_TRY(oikos_alloc(&table, (size_t)n, bytes, name, err));
  for (int64_t i = 0; i < n; i++)
    memcpy(table + (size_t)i * bytes, strings[i], strlen(strings[i]));
  hid_t type = text_type(bytes);
  oikos_status status = type < 0 ? oikos_data_fail(err, name)
                                 : oikos_put_array(file, name, type, type, n, table, err);
  if (type >= 0)
    H5Tclose(type);
  free(table);
  return status;
}

/*
 * Let the close of a file that cannot be written (the disk is full) succeed on memory instead. A
 * failed H5Fclose keeps the file, and HDF5 1.10 then crashes when the program ends.
 */
static void divert(hid_t file) {
  int *descriptor, memory = memfd_create("oikos", MFD_CLOEXEC);
  if (memory < 0)
    return;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&descriptor) >= 0)
    dup2(memory, *descriptor);
  close(memory);
}

static oikos_status write_file(const char *path, oikos_data_writer *write, void *user,
                               oikos_error *err) {
  // a disk so full that HDF5 cannot even begin makes it fail again at the end of the process
  OIKOS_TRY(oikos_reserve(path, 1 << 20, err));
  hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = oikos_hdf5_access();
  H5Pset_userblock(creation, OIKOS_SEAL);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  H5Pclose(access);
  H5Pclose(creation);
  if (file < 0)
    return oikos_data_fail(err, "a new file");
  oikos_status status = write(user, file, err);
  if (status == OIKOS_OK && H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
    status = oikos_data_fail(err, "the file");
  if (status != OIKOS_OK)
    divert(file);
  if (H5Fclose(file) < 0 && status == OIKOS_OK)
    status = oikos_data_fail(err, "the end of the file");
  return status;
}

oikos_status oikos_data_file_write(const char *path, oikos_data_writer *write, void *user,
                                   oikos_error *err) {
  char temporary[OIKOS_NAME_MAX];
  int held;
  if (oikos_temporary_hold(path, temporary, &held, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "writing %s: ", path);
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = write_file(temporary, write, user, err);
  oikos_hdf5_restore(was);
  if (status == OIKOS_OK)
    status = oikos_seal_write(NULL, temporary, OIKOS_DATA_SEAL, err);
  if (status == OIKOS_OK)
    status = oikos_sync_file(temporary, err);
  if (status == OIKOS_OK)
    status = oikos_rename_synced(temporary, path, err);
  if (status != OIKOS_OK) {
    unlink(temporary);
    oikos_fail_prefix(err, "writing %s: ", path);
  }
  close(held);
  return status;
}
