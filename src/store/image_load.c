/* SPDX-License-Identifier: MIT */
#include "store/image_load.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_read.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

/* Everything but the pixels, as this rank read it. */
typedef struct image_tables {
  int64_t *class_start;
  int32_t *class_group;
  uint8_t *split;
  char *class_text, *group_text; /* (n, width) fixed-length texts */
  char **class_name, **group_name;
} image_tables;

static void free_tables(image_tables *t) {
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

/* What there is of each, before anything of it is read. */
static oikos_status read_counts(const oikos_data_in *in, oikos_image_index *x, oikos_error *err) {
  hsize_t dims[4] = {0};
  OIKOS_TRY(oikos_data_shape(in, "images", 4, H5T_INTEGER, dims, err));
  *x = (oikos_image_index){.n_images = (int64_t)dims[0],
                           .height = (int64_t)dims[1],
                           .width = (int64_t)dims[2],
                           .channels = (int64_t)dims[3]};
  OIKOS_TRY(oikos_data_count(in, "split", H5T_INTEGER, &x->n_classes, err));
  OIKOS_TRY(oikos_data_expect_count(in, "class_start", H5T_INTEGER, x->n_classes + 1, err));
  OIKOS_TRY(oikos_data_expect_count(in, "class_group", H5T_INTEGER, x->n_classes, err));
  OIKOS_TRY(oikos_data_expect_count(in, "class_name", H5T_STRING, x->n_classes, err));
  return oikos_data_count(in, "group_name", H5T_STRING, &x->n_groups, err);
}

static oikos_status read_index(const oikos_data_in *in, oikos_image_index *x, image_tables *t,
                               oikos_error *err) {
  OIKOS_TRY(oikos_data_expect(in, "oikos images", 1, err));
  OIKOS_TRY(read_counts(in, x, err));
  OIKOS_TRY(oikos_data_texts(in, "class_name", x->n_classes, &t->class_text, &t->class_name, err));
  OIKOS_TRY(oikos_data_texts(in, "group_name", x->n_groups, &t->group_text, &t->group_name, err));
  OIKOS_TRY(oikos_data_numbers(in, "class_start", H5T_NATIVE_INT64, 8, x->n_classes + 1,
                               &t->class_start, err));
  OIKOS_TRY(oikos_data_numbers(in, "class_group", H5T_NATIVE_INT32, 4, x->n_classes,
                               &t->class_group, err));
  OIKOS_TRY(oikos_data_numbers(in, "split", H5T_NATIVE_UINT8, 1, x->n_classes, &t->split, err));
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
static oikos_status read_share(const oikos_data_in *in, const oikos_image_data *data,
                               uint8_t *pixels, oikos_error *err) {
  const oikos_image_index *x = &data->index;
  int64_t first, count;
  hid_t dataset;
  hsize_t dims[4];
  oikos_share(x->n_images, data->memory.part, data->memory.parts, &first, &count);
  OIKOS_TRY(oikos_data_open(in, "images", 4, H5T_INTEGER, &dataset, dims, err));
  oikos_status status =
      oikos_data_rows(in, dataset, "images", H5T_NATIVE_UINT8, first, count, image_bytes(x),
                      pixels + (size_t)first * image_bytes(x), err);
  H5Dclose(dataset);
  return status;
}

static oikos_status share_pixels(const oikos_data_in *in, oikos_image_data *data,
                                 oikos_error *err) {
  size_t bytes = oikos_mul((size_t)data->index.n_images, image_bytes(&data->index));
  uint8_t *pixels;
  OIKOS_TRY(oikos_data_take(in->team, bytes, &data->memory, &pixels, err));
  data->pixels = pixels;
  return oikos_data_filled(in->team, read_share(in, data, pixels, err), err);
}

static oikos_status load(const oikos_team *team, const char *path, oikos_image_data *data,
                         oikos_error *err) {
  oikos_data_in in = {.team = team};
  OIKOS_TRY(oikos_data_check(team, path, &data->about, err));
  OIKOS_TRY(oikos_mpiio_open_each(team, path, &in.file, err));
  oikos_status status = oikos_alloc(&data->tables, 1, sizeof(image_tables), "an image file", err);
  if (status == OIKOS_OK)
    status = read_index(&in, &data->index, data->tables, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_images(&data->index, &data->about.print, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_check(in.file, &data->about.print, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = share_pixels(&in, data, err);
  H5Fclose(in.file);
  return status;
}

oikos_status oikos_image_load(const oikos_team *team, const char *path, oikos_image_data *data,
                              oikos_error *err) {
  *data = (oikos_image_data){0};
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
  oikos_data_release(&data->memory);
  if (data->tables)
    free_tables(data->tables);
  *data = (oikos_image_data){0};
}
