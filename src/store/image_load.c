/* SPDX-License-Identifier: MIT */
#include "store/image_load.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_read.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

/* Everything but the pixels, as this rank read it. */
typedef struct tables {
  int64_t *class_start;
  int32_t *class_group;
  uint8_t *split;
  char *class_text, *group_text; /* (n, width) fixed-length texts */
  char **class_name, **group_name;
} tables;

static void free_tables(tables *t) {
  free(t->class_start);
  free(t->class_group);
  free(t->split);
  free(t->class_text);
  free(t->group_text);
  free(t->class_name);
  free(t->group_name);
  free(t);
}

static oikos_status check_index(const oikos_image_index *x, oikos_error *err) {
  if (x->class_start[0] != 0 || x->class_start[x->n_classes] != x->n_images)
    return oikos_fail(err, OIKOS_ERROR, "/class_start does not run from 0 to the number of images");
  for (int64_t k = 0; k < x->n_classes; k++)
    if (x->class_start[k] > x->class_start[k + 1] || x->class_group[k] < 0 ||
        x->class_group[k] >= x->n_groups || x->split[k] > 2)
      return oikos_fail(err, OIKOS_ERROR,
                        "class %lld (%.60s) has a start, a group or a split out of range",
                        (long long)k, x->class_name[k]);
  return OIKOS_OK;
}

static oikos_status read_index(hid_t file, oikos_image_index *x, tables *t, oikos_error *err) {
  OIKOS_TRY(oikos_data_expect(file, "oikos images", 1, err));
  hid_t dataset;
  hsize_t dims[4] = {0};
  OIKOS_TRY(oikos_data_open(file, "images", 4, H5T_INTEGER, &dataset, dims, err));
  H5Dclose(dataset);
  *x = (oikos_image_index){.n_images = (int64_t)dims[0],
                           .height = (int64_t)dims[1],
                           .width = (int64_t)dims[2],
                           .channels = (int64_t)dims[3]};
  OIKOS_TRY(
      oikos_data_texts(file, "class_name", &x->n_classes, &t->class_text, &t->class_name, err));
  OIKOS_TRY(
      oikos_data_texts(file, "group_name", &x->n_groups, &t->group_text, &t->group_name, err));
  OIKOS_TRY(oikos_data_numbers(file, "class_start", H5T_NATIVE_INT64, 8, x->n_classes + 1,
                               &t->class_start, err));
  OIKOS_TRY(oikos_data_numbers(file, "class_group", H5T_NATIVE_INT32, 4, x->n_classes,
                               &t->class_group, err));
  OIKOS_TRY(oikos_data_numbers(file, "split", H5T_NATIVE_UINT8, 1, x->n_classes, &t->split, err));
  x->class_start = t->class_start;
  x->class_group = t->class_group;
  x->split = t->split;
  x->class_name = (const char *const *)t->class_name;
  x->group_name = (const char *const *)t->group_name;
  return check_index(x, err);
}

static size_t image_bytes(const oikos_image_index *x) {
  return oikos_mul(oikos_mul((size_t)x->height, (size_t)x->width), (size_t)x->channels);
}

/* This rank's share of its node's copy. */
static oikos_status read_share(const oikos_team *team, hid_t file, const oikos_image_index *x,
                               uint8_t *pixels, oikos_error *err) {
  int64_t first, count;
  oikos_share(x->n_images, team->node_rank, team->node_size, &first, &count);
  hid_t dataset = H5Dopen2(file, "images", H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t start[4] = {(hsize_t)first},
          size[4] = {(hsize_t)count, (hsize_t)x->height, (hsize_t)x->width, (hsize_t)x->channels};
  oikos_status status = OIKOS_OK;
  if (count > 0) {
    hid_t memory = H5Screate_simple(4, size, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
    if (H5Dread(dataset, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT,
                pixels + (size_t)first * image_bytes(x)) < 0)
      status = oikos_hdf5_fail(err, "images %lld to %lld cannot be read", (long long)first,
                               (long long)(first + count - 1));
    H5Sclose(memory);
  }
  H5Sclose(space);
  H5Dclose(dataset);
  return status;
}

static oikos_status share_pixels(const oikos_team *team, hid_t file, oikos_image_data *data,
                                 oikos_error *err) {
  size_t bytes = oikos_mul((size_t)data->index.n_images, image_bytes(&data->index));
  if (bytes > SIZE_MAX / 4)
    return oikos_fail(err, OIKOS_ERROR,
                      "its images would take %zu bytes each, %lld of them: too large",
                      image_bytes(&data->index), (long long)data->index.n_images);
  uint8_t *pixels;
  OIKOS_TRY(oikos_data_share(team, bytes, &data->window, &pixels, err));
  MPI_Win_fence(0, data->window);
  oikos_status status = read_share(team, file, &data->index, pixels, err);
  MPI_Win_fence(0, data->window);
  data->pixels = pixels;
  return status;
}

static oikos_status load(const oikos_team *team, const char *path, oikos_image_data *data,
                         oikos_error *err) {
  hid_t file;
  OIKOS_TRY(oikos_data_check(team, path, &data->about, err));
  OIKOS_TRY(oikos_mpiio_open_each(team, path, &file, err));
  oikos_status status = oikos_alloc(&data->memory, 1, sizeof(tables), "an image file", err);
  if (status == OIKOS_OK)
    status = read_index(file, &data->index, data->memory, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_images(&data->index, &data->about.print, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_check(file, &data->about.print, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, share_pixels(team, file, data, err), err);
  H5Fclose(file);
  return status;
}

oikos_status oikos_image_load(const oikos_team *team, const char *path, oikos_image_data *data,
                              oikos_error *err) {
  *data = (oikos_image_data){.window = MPI_WIN_NULL};
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = load(team, path, data, err);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK) {
    oikos_image_unload(data);
    oikos_fail_prefix(err, "%s: ", path);
  }
  return status;
}

void oikos_image_unload(oikos_image_data *data) {
  if (data->window != MPI_WIN_NULL)
    MPI_Win_free(&data->window);
  if (data->memory)
    free_tables(data->memory);
  *data = (oikos_image_data){.window = MPI_WIN_NULL};
}
