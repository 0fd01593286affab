/* SPDX-License-Identifier: MIT */
#include "store/image_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_about.h"
#include "store/data_file.h"
#include "store/hdf5_util.h"

enum { CHUNK_BYTES = 1 << 20, DEFLATE_LEVEL = 4, FORMAT_VERSION = 1 };
static const int64_t MAX_IMAGE_BYTES = INT64_C(1) << 30; /* HDF5 chunks must stay below 4 GiB */

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
    status = oikos_data_fail(err, "images");
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
  oikos_status status = dataset < 0 ? oikos_data_fail(err, "images") : OIKOS_OK;
  for (hsize_t first = 0; first < dims[0] && status == OIKOS_OK; first += rows) {
    hsize_t count = rows < dims[0] - first ? rows : dims[0] - first;
    status = read(user, (int64_t)first, (int64_t)count, pixels, err);
    if (status == OIKOS_OK)
      status = put_rows(dataset, dims, first, count, pixels, err);
  }
  if (dataset >= 0 && H5Dclose(dataset) < 0 && status == OIKOS_OK)
    status = oikos_data_fail(err, "images");
  free(pixels);
  return status;
}

/* What put_all writes. */
typedef struct image_content {
  const oikos_image_index *index;
  size_t image_bytes;
  oikos_image_reader *read;
  void *user;
} image_content;

static oikos_status put_all(void *user, hid_t file, oikos_error *err) {
  const image_content *c = user;
  const oikos_image_index *index = c->index;
  oikos_fingerprint print;
  int32_t version = FORMAT_VERSION;
  int64_t n = index->n_classes;
  OIKOS_TRY(oikos_put_text(file, "format", "oikos images", err));
  OIKOS_TRY(oikos_put_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  OIKOS_TRY(oikos_put_text(file, "source", index->source ? index->source : "", err));
  OIKOS_TRY(oikos_fingerprint_images(index, &print, err));
  OIKOS_TRY(oikos_fingerprint_put(file, &print, err));
  OIKOS_TRY(oikos_put_array(file, "class_start", H5T_STD_I64LE, H5T_NATIVE_INT64, n + 1,
                            index->class_start, err));
  OIKOS_TRY(oikos_put_strings(file, "class_name", n, index->class_name, err));
  OIKOS_TRY(oikos_put_array(file, "class_group", H5T_STD_I32LE, H5T_NATIVE_INT32, n,
                            index->class_group, err));
  OIKOS_TRY(oikos_put_strings(file, "group_name", index->n_groups, index->group_name, err));
  OIKOS_TRY(oikos_put_array(file, "split", H5T_STD_U8LE, H5T_NATIVE_UINT8, n, index->split, err));
  return put_images(file, index, c->image_bytes, c->read, c->user, err);
}

oikos_status oikos_image_file_write(const char *path, const oikos_image_index *index,
                                    oikos_image_reader *read, void *user, oikos_error *err) {
  image_content c = {.index = index, .read = read, .user = user};
  if (check(index, &c.image_bytes, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "writing %s: ", path);
  return oikos_data_file_write(path, put_all, &c, err);
}
