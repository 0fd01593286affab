/* SPDX-License-Identifier: MIT */
#include "store/table_file.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_about.h"
#include "store/data_file.h"
#include "store/hdf5_util.h"

enum { BLOCK_BYTES = 4 << 20, FORMAT_VERSION = 1 };

/* What put_all writes. */
typedef struct table_content {
  const oikos_table_index *index;
  oikos_table_reader *read;
  void *user;
} table_content;

static oikos_status check(const oikos_table_index *x, oikos_error *err) {
  if (x->n_rows < 1 || x->n_features < 1 || x->n_targets < 1 || x->n_groups < 1)
    return oikos_fail(err, OIKOS_ERROR,
                      "a table file needs at least one row, feature, target and group");
  if (x->group_first[0] != 0 || x->group_first[x->n_groups] != x->n_rows)
    return oikos_fail(err, OIKOS_ERROR, "group_first must run from 0 to the %lld rows",
                      (long long)x->n_rows);
  for (int64_t g = 0; g < x->n_groups; g++)
    if (x->group_first[g] >= x->group_first[g + 1])
      return oikos_fail(err, OIKOS_ERROR, "group %lld has no rows", (long long)g);
  return OIKOS_OK;
}

/* A dataset of numbers (rows, columns), without times: equal input gives equal bytes. */
static hid_t create_matrix(hid_t file, const char *name, int64_t rows, int64_t columns) {
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)columns};
  hid_t space = H5Screate_simple(2, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  if (space >= 0 && list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
    dataset = H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (list >= 0)
    H5Pclose(list);
  if (space >= 0)
    H5Sclose(space);
  return dataset;
}

static oikos_status put_rows(hid_t dataset, int64_t first, int64_t count, int64_t columns,
                             const float *numbers, oikos_error *err) {
  hsize_t start[2] = {(hsize_t)first, 0}, block[2] = {(hsize_t)count, (hsize_t)columns};
  hid_t memory = H5Screate_simple(2, block, NULL), space = H5Dget_space(dataset);
  oikos_status status = OIKOS_OK;
  if (memory < 0 || space < 0 ||
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) < 0 ||
      H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, numbers) < 0)
    status = oikos_data_fail(err, "the rows");
  if (memory >= 0)
    H5Sclose(memory);
  if (space >= 0)
    H5Sclose(space);
  return status;
}

static oikos_status put_blocks(const table_content *c, const hid_t dataset[2], int64_t rows,
                               float *block, oikos_error *err) {
  const oikos_table_index *x = c->index;
  float *targets = block + rows * x->n_features;
  for (int64_t first = 0; first < x->n_rows; first += rows) {
    int64_t count = rows < x->n_rows - first ? rows : x->n_rows - first;
    OIKOS_TRY(c->read(c->user, first, count, block, targets, err));
    OIKOS_TRY(put_rows(dataset[0], first, count, x->n_features, block, err));
    OIKOS_TRY(put_rows(dataset[1], first, count, x->n_targets, targets, err));
  }
  return OIKOS_OK;
}

static oikos_status put_numbers(hid_t file, const table_content *c, oikos_error *err) {
  const oikos_table_index *x = c->index;
  int64_t columns = x->n_features + x->n_targets;
  int64_t rows = BLOCK_BYTES / ((int64_t)sizeof(float) * columns) + 1;
  float *block;
  OIKOS_TRY(oikos_alloc(&block, oikos_mul((size_t)rows, (size_t)columns), sizeof *block,
                        "a block of rows", err));
  hid_t dataset[2] = {create_matrix(file, "features", x->n_rows, x->n_features),
                      create_matrix(file, "targets", x->n_rows, x->n_targets)};
  oikos_status status = dataset[0] < 0 || dataset[1] < 0 ? oikos_data_fail(err, "a dataset")
                                                         : put_blocks(c, dataset, rows, block, err);
  for (int d = 0; d < 2; d++)
    if (dataset[d] >= 0 && H5Dclose(dataset[d]) < 0 && status == OIKOS_OK)
      status = oikos_data_fail(err, "the rows");
  free(block);
  return status;
}

static oikos_status put_groups(hid_t file, const oikos_table_index *x, oikos_error *err) {
  int32_t *group;
  OIKOS_TRY(oikos_alloc(&group, (size_t)x->n_rows, sizeof *group, "the groups", err));
  for (int64_t g = 0; g < x->n_groups; g++)
    for (int64_t r = x->group_first[g]; r < x->group_first[g + 1]; r++)
      group[r] = (int32_t)g;
  oikos_status status =
      oikos_put_array(file, "group", H5T_STD_I32LE, H5T_NATIVE_INT32, x->n_rows, group, err);
  free(group);
  if (status == OIKOS_OK)
    status = oikos_put_array(file, "group_first", H5T_STD_I64LE, H5T_NATIVE_INT64, x->n_groups + 1,
                             x->group_first, err);
  return status;
}

static oikos_status put_all(void *user, hid_t file, oikos_error *err) {
  const table_content *c = user;
  const oikos_table_index *x = c->index;
  oikos_fingerprint print;
  int32_t version = FORMAT_VERSION;
  OIKOS_TRY(oikos_put_text(file, "format", "oikos table", err));
  OIKOS_TRY(oikos_put_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  OIKOS_TRY(oikos_put_text(file, "source", x->source, err));
  OIKOS_TRY(oikos_fingerprint_table(x, &print, err));
  OIKOS_TRY(oikos_fingerprint_put(file, &print, err));
  OIKOS_TRY(oikos_put_text(file, "group_column", x->group_column, err));
  OIKOS_TRY(oikos_put_number(file, "rows_skipped", H5T_NATIVE_INT64, &x->skipped, err));
  OIKOS_TRY(oikos_put_strings(file, "group_name", x->n_groups, x->group_name, err));
  OIKOS_TRY(oikos_put_strings(file, "feature_name", x->n_features, x->feature_name, err));
  OIKOS_TRY(oikos_put_strings(file, "target_name", x->n_targets, x->target_name, err));
  OIKOS_TRY(put_groups(file, x, err));
  return put_numbers(file, c, err);
}

oikos_status oikos_table_file_write(const char *path, const oikos_table_index *index,
                                    oikos_table_reader *read, void *user, oikos_error *err) {
  table_content c = {index, read, user};
  if (check(index, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "writing %s: ", path);
  return oikos_data_file_write(path, put_all, &c, err);
}
