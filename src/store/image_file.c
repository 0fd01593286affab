/* SPDX-License-Identifier: MIT */
#include "store/image_file.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/hdf5_util.h"
#include "store/sync.h"

enum { CHUNK_BYTES = 1 << 20, DEFLATE_LEVEL = 4, FORMAT_VERSION = 1 };
static const int64_t MAX_IMAGE_BYTES = INT64_C(1) << 30; /* HDF5 chunks must stay below 4 GiB */

static oikos_status h5_fail(oikos_error *err, const char *what) {
  return oikos_hdf5_fail(err, "%s cannot be written; check the space and the rights", what);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static oikos_status check_names(const oikos_image_index *index, oikos_error *err) {
  const char **sorted;
  oikos_status status = OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&sorted, (size_t)index->n_classes, sizeof *sorted, "the class names", err));
  memcpy(sorted, index->class_name, (size_t)index->n_classes * sizeof *sorted);
  qsort(sorted, (size_t)index->n_classes, sizeof *sorted, by_text);
  for (int64_t k = 1; k < index->n_classes && status == OIKOS_OK; k++)
    if (!strcmp(sorted[k - 1], sorted[k]))
      status = oikos_fail(err, OIKOS_ERROR, "the class name '%s' occurs twice; names must differ",
                          sorted[k]);
  free(sorted);
  return status;
}

static oikos_status check_classes(const oikos_image_index *index, oikos_error *err) {
  if (index->class_start[0] != 0 || index->class_start[index->n_classes] != index->n_images)
    return oikos_fail(err, OIKOS_ERROR, "class_start must run from 0 to the %lld images",
                      (long long)index->n_images);
  for (int64_t k = 0; k < index->n_classes; k++) {
    if (index->class_start[k] > index->class_start[k + 1])
      return oikos_fail(err, OIKOS_ERROR, "class_start falls after class %lld", (long long)k);
    if (index->class_group[k] < 0 || index->class_group[k] >= index->n_groups ||
        index->split[k] > 2)
      return oikos_fail(err, OIKOS_ERROR, "class %lld has group %d of %lld and split %d of 3",
                        (long long)k, (int)index->class_group[k], (long long)index->n_groups,
                        (int)index->split[k]);
  }
  return check_names(index, err);
}

static oikos_status check(const oikos_image_index *index, size_t *image_bytes, oikos_error *err) {
  int64_t side = MAX_IMAGE_BYTES;
  if (index->n_images < 1 || index->n_classes < 1 || index->n_groups < 1)
    return oikos_fail(err, OIKOS_ERROR, "an image file needs at least one image, class and group");
  if (index->height < 1 || index->width < 1 || index->channels < 1 || index->height > side ||
      index->width > side || index->channels > side ||
      oikos_mul(oikos_mul((size_t)index->height, (size_t)index->width), (size_t)index->channels) >
          (size_t)side)
    return oikos_fail(err, OIKOS_ERROR, "images of %lldx%lldx%lld: expected 1 byte to 1 GiB each",
                      (long long)index->height, (long long)index->width,
                      (long long)index->channels);
  *image_bytes = (size_t)(index->height * index->width * index->channels);
  return check_classes(index, err);
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

/* A dataset of n elements, without times: equal input gives equal bytes. */
static oikos_status put_array(hid_t file, const char *name, hid_t file_type, hid_t memory_type,
                              int64_t n, const void *data, oikos_error *err) {
  hsize_t dims[1] = {(hsize_t)n};
  hid_t space = H5Screate_simple(1, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  oikos_status status = OIKOS_OK;
  if (space >= 0 && list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
    dataset = H5Dcreate2(file, name, file_type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (dataset < 0 || H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    status = h5_fail(err, name);
  if (dataset >= 0 && H5Dclose(dataset) < 0 && status == OIKOS_OK)
    status = h5_fail(err, name);
  if (list >= 0)
    H5Pclose(list);
  if (space >= 0)
    H5Sclose(space);
  return status;
}

/* Strings of one fixed size (the longest, and its final 0): a reader needs one bounded buffer. */
static oikos_status put_strings(hid_t file, const char *name, int64_t n, const char *const *strings,
                                oikos_error *err) {
  size_t bytes = 2;
  char *table;
  for (int64_t i = 0; i < n; i++)
    bytes = strlen(strings[i]) + 1 > bytes ? strlen(strings[i]) + 1 : bytes;
  OIKOS_TRY(oikos_alloc(&table, (size_t)n, bytes, name, err));
  for (int64_t i = 0; i < n; i++)
    memcpy(table + (size_t)i * bytes, strings[i], strlen(strings[i]));
  hid_t type = text_type(bytes);
  oikos_status status =
      type < 0 ? h5_fail(err, name) : put_array(file, name, type, type, n, table, err);
  if (type >= 0)
    H5Tclose(type);
  free(table);
  return status;
}

static hid_t create_images(hid_t file, const hsize_t dims[4], hsize_t rows) {
  hsize_t chunk[4] = {rows, dims[1], dims[2], dims[3]};
  hid_t space = H5Screate_simple(4, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  if (space >= 0 && list >= 0 && H5Pset_chunk(list, 4, chunk) >= 0 &&
      H5Pset_deflate(list, DEFLATE_LEVEL) >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
    dataset = H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (list >= 0)
    H5Pclose(list);
  if (space >= 0)
    H5Sclose(space);
  return dataset;
}

static oikos_status put_rows(hid_t dataset, const hsize_t dims[4], hsize_t first, hsize_t count,
                             const uint8_t *pixels, oikos_error *err) {
  hsize_t start[4] = {first, 0, 0, 0}, block[4] = {count, dims[1], dims[2], dims[3]};
  hid_t memory = H5Screate_simple(4, block, NULL), space = H5Dget_space(dataset);
  oikos_status status = OIKOS_OK;
  if (memory < 0 || space < 0 ||
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) < 0 ||
      H5Dwrite(dataset, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, pixels) < 0)
    status = h5_fail(err, "images");
  if (memory >= 0)
    H5Sclose(memory);
  if (space >= 0)
    H5Sclose(space);
  return status;
}

static oikos_status put_images(hid_t file, const oikos_image_index *index, size_t image_bytes,
                               oikos_image_reader *read, void *user, oikos_error *err) {
  hsize_t dims[4] = {(hsize_t)index->n_images, (hsize_t)index->height, (hsize_t)index->width,
                     (hsize_t)index->channels};
  hsize_t rows = image_bytes < CHUNK_BYTES ? CHUNK_BYTES / image_bytes : 1;
  uint8_t *pixels;
  rows = rows < dims[0] ? rows : dims[0];
  OIKOS_TRY(oikos_alloc(&pixels, rows, image_bytes, "a chunk of images", err));
  hid_t dataset = create_images(file, dims, rows);
  oikos_status status = dataset < 0 ? h5_fail(err, "images") : OIKOS_OK;
  for (hsize_t first = 0; first < dims[0] && status == OIKOS_OK; first += rows) {
    hsize_t count = rows < dims[0] - first ? rows : dims[0] - first;
    status = read(user, (int64_t)first, (int64_t)count, pixels, err);
    if (status == OIKOS_OK)
      status = put_rows(dataset, dims, first, count, pixels, err);
  }
  if (dataset >= 0 && H5Dclose(dataset) < 0 && status == OIKOS_OK)
    status = h5_fail(err, "images");
  free(pixels);
  return status;
}

static oikos_status put_all(hid_t file, const oikos_image_index *index, size_t image_bytes,
                            oikos_image_reader *read, void *user, oikos_error *err) {
  int32_t version = FORMAT_VERSION;
  int64_t n = index->n_classes;
  OIKOS_TRY(oikos_put_text(file, "format", "oikos images", err));
  OIKOS_TRY(oikos_put_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  OIKOS_TRY(oikos_put_text(file, "source", index->source ? index->source : "", err));
  OIKOS_TRY(put_array(file, "class_start", H5T_STD_I64LE, H5T_NATIVE_INT64, n + 1,
                      index->class_start, err));
  OIKOS_TRY(put_strings(file, "class_name", n, index->class_name, err));
  OIKOS_TRY(
      put_array(file, "class_group", H5T_STD_I32LE, H5T_NATIVE_INT32, n, index->class_group, err));
  OIKOS_TRY(put_strings(file, "group_name", index->n_groups, index->group_name, err));
  OIKOS_TRY(put_array(file, "split", H5T_STD_U8LE, H5T_NATIVE_UINT8, n, index->split, err));
  return put_images(file, index, image_bytes, read, user, err);
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

static oikos_status write_file(const char *path, const oikos_image_index *index, size_t image_bytes,
                               oikos_image_reader *read, void *user, oikos_error *err) {
  // a disk so full that HDF5 cannot even begin makes it fail again at the end of the process
  OIKOS_TRY(oikos_reserve(path, 1 << 20, err));
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0)
    return h5_fail(err, "a new file");
  oikos_status status = put_all(file, index, image_bytes, read, user, err);
  if (status == OIKOS_OK && H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
    status = h5_fail(err, "the file");
  if (status != OIKOS_OK)
    divert(file);
  if (H5Fclose(file) < 0 && status == OIKOS_OK)
    status = h5_fail(err, "the end of the file");
  return status;
}

oikos_status oikos_image_file_write(const char *path, const oikos_image_index *index,
                                    oikos_image_reader *read, void *user, oikos_error *err) {
  char *temporary;
  size_t image_bytes = 0;
  oikos_status status = check(index, &image_bytes, err);
  if (status == OIKOS_OK && asprintf(&temporary, "%s.tmp-%ld", path, (long)getpid()) < 0)
    status = oikos_fail(err, OIKOS_ERROR, "out of memory for a file name");
  if (status != OIKOS_OK) {
    oikos_fail_prefix(err, "writing %s: ", path);
    return status;
  }
  unlink(temporary); /* left by a killed import that had our process number */
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  status = write_file(temporary, index, image_bytes, read, user, err);
  oikos_hdf5_restore(was);
  if (status == OIKOS_OK)
    status = oikos_sync_file(temporary, err);
  if (status == OIKOS_OK)
    status = oikos_rename_synced(temporary, path, err);
  if (status != OIKOS_OK) {
    unlink(temporary);
    oikos_fail_prefix(err, "writing %s: ", path);
  }
  free(temporary);
  return status;
}
