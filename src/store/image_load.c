/* SPDX-License-Identifier: MIT */
#include "store/image_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/hdf5_util.h"

enum { MAX_NAME = 4096 };
static const int64_t MAX_COUNT = INT64_C(1) << 40;

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

/* Open a dataset of n_dims dimensions, each between 1 and 2^40, of a class of types. */
static oikos_status open_dataset(hid_t file, const char *name, int n_dims, H5T_class_t class,
                                 hid_t *dataset, hsize_t *dims, oikos_error *err) {
  *dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (*dataset < 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s is missing", name);
  hid_t space = H5Dget_space(*dataset), type = H5Dget_type(*dataset);
  bool fits = H5Sget_simple_extent_ndims(space) == n_dims && H5Tget_class(type) == class;
  if (fits)
    H5Sget_simple_extent_dims(space, dims, NULL);
  for (int d = 0; fits && d < n_dims; d++)
    fits = dims[d] >= 1 && dims[d] <= (hsize_t)MAX_COUNT;
  H5Tclose(type);
  H5Sclose(space);
  if (fits)
    return OIKOS_OK;
  H5Dclose(*dataset);
  *dataset = -1;
  return oikos_fail(err, OIKOS_ERROR,
                    "dataset /%s has another type or shape than an image file has", name);
}

/* Read a whole one-dimensional dataset of n numbers. */
static oikos_status read_numbers(hid_t file, const char *name, hid_t type, size_t size, int64_t n,
                                 void *out, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(open_dataset(file, name, 1, H5T_INTEGER, &dataset, dims, err));
  void *data = NULL;
  oikos_status status = OIKOS_OK;
  if (dims[0] != (hsize_t)n)
    status = oikos_fail(err, OIKOS_ERROR, "dataset /%s has %llu entries, expected %lld", name,
                        (unsigned long long)dims[0], (long long)n);
  if (status == OIKOS_OK)
    status = oikos_alloc(&data, (size_t)n, size, name, err);
  if (status == OIKOS_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    status = oikos_hdf5_fail(err, "dataset /%s cannot be read", name);
  H5Dclose(dataset);
  memcpy(out, &data, sizeof data); // freed with the tables
  return status;
}

static oikos_status read_fixed_texts(hid_t dataset, const char *name, int64_t n, char **text,
                                     char ***names, oikos_error *err) {
  hid_t type = H5Dget_type(dataset);
  size_t width = H5Tget_size(type);
  oikos_status status = OIKOS_OK;
  if (H5Tis_variable_str(type) != 0 || width > MAX_NAME)
    status =
        oikos_fail(err, OIKOS_ERROR, "dataset /%s does not hold texts of a fixed length up to %d",
                   name, MAX_NAME);
  if (status == OIKOS_OK)
    status =
        oikos_alloc(text, oikos_mul((size_t)n, width) + 1, 1, name, err); // the last text ends too
  if (status == OIKOS_OK)
    status = oikos_alloc(names, (size_t)n, sizeof **names, name, err);
  if (status == OIKOS_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0)
    status = oikos_hdf5_fail(err, "dataset /%s cannot be read", name);
  for (int64_t i = 0; status == OIKOS_OK && i < n; i++) {
    (*names)[i] = *text + (size_t)i * width;
    if (!memchr((*names)[i], 0, width))
      status =
          oikos_fail(err, OIKOS_ERROR, "dataset /%s: text %lld does not end", name, (long long)i);
  }
  H5Tclose(type);
  return status;
}

static oikos_status read_texts(hid_t file, const char *name, int64_t *n, char **text, char ***names,
                               oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(open_dataset(file, name, 1, H5T_STRING, &dataset, dims, err));
  *n = (int64_t)dims[0];
  oikos_status status = read_fixed_texts(dataset, name, *n, text, names, err);
  H5Dclose(dataset);
  return status;
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
  char *format = NULL;
  int32_t version = 0;
  OIKOS_TRY(oikos_get_text(file, "format", &format, err));
  bool right = strcmp(format, "oikos images") == 0;
  free(format);
  if (!right)
    return oikos_fail(
        err, OIKOS_ERROR,
        "attribute format is not \"oikos images\"; make the file with `oikos import`");
  OIKOS_TRY(oikos_get_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  if (version != 1)
    return oikos_fail(err, OIKOS_ERROR, "it has format version %d, but this oikos reads 1",
                      version);
  hid_t dataset;
  hsize_t dims[4] = {0};
  OIKOS_TRY(open_dataset(file, "images", 4, H5T_INTEGER, &dataset, dims, err));
  H5Dclose(dataset);
  *x = (oikos_image_index){.n_images = (int64_t)dims[0],
                           .height = (int64_t)dims[1],
                           .width = (int64_t)dims[2],
                           .channels = (int64_t)dims[3]};
  OIKOS_TRY(read_texts(file, "class_name", &x->n_classes, &t->class_text, &t->class_name, err));
  OIKOS_TRY(read_texts(file, "group_name", &x->n_groups, &t->group_text, &t->group_name, err));
  OIKOS_TRY(read_numbers(file, "class_start", H5T_NATIVE_INT64, 8, x->n_classes + 1,
                         &t->class_start, err));
  OIKOS_TRY(
      read_numbers(file, "class_group", H5T_NATIVE_INT32, 4, x->n_classes, &t->class_group, err));
  OIKOS_TRY(read_numbers(file, "split", H5T_NATIVE_UINT8, 1, x->n_classes, &t->split, err));
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
  oikos_status status = OIKOS_OK;
  if (bytes > SIZE_MAX / 4)
    return oikos_fail(err, OIKOS_ERROR,
                      "its images would take %zu bytes each, %lld of them: too large",
                      image_bytes(&data->index), (long long)data->index.n_images);
  uint8_t *mine, *pixels;
  MPI_Aint size;
  int unit;
  if (MPI_Win_allocate_shared(team->node_rank == 0 ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL,
                              team->node, &mine, &data->window) != MPI_SUCCESS)
    return oikos_fail(err, OIKOS_ERROR, "%zu bytes of memory shared by the node could not be had",
                      bytes);
  MPI_Win_shared_query(data->window, 0, &size, &unit, &pixels);
  MPI_Win_fence(0, data->window);
  status = read_share(team, file, &data->index, pixels, err);
  MPI_Win_fence(0, data->window);
  data->pixels = pixels;
  return status;
}

/* One process looks first: a file that is not HDF5 at all gets a plain message and no collective
 * open. */
static oikos_status look(const char *path, oikos_error *err) {
  if (access(path, F_OK) != 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "task.file does not exist (a relative path starts from the current folder); "
                      "make it with `oikos import`");
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0)
    return oikos_hdf5_fail(
        err, "it is not a readable HDF5 file (missing, truncated or of another kind)");
  H5Fclose(file);
  return OIKOS_OK;
}

static oikos_status load(const oikos_team *team, const char *path, oikos_image_data *data,
                         oikos_error *err) {
  OIKOS_TRY(oikos_agree(team, team->rank == 0 ? look(path, err) : OIKOS_OK, err));
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, team->world, MPI_INFO_NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  oikos_status status =
      file < 0 ? oikos_hdf5_fail(err, "it cannot be opened by all ranks") : OIKOS_OK;
  H5Pclose(access);
  if (status == OIKOS_OK)
    status = oikos_alloc(&data->memory, 1, sizeof(tables), "an image file", err);
  if (status == OIKOS_OK)
    status = read_index(file, &data->index, data->memory, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, share_pixels(team, file, data, err), err);
  if (file >= 0)
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
