/* SPDX-License-Identifier: MIT */
#include "store/table_load.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_read.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

/* Everything but the numbers, as this rank read it. */
typedef struct tables {
  int64_t *group_first;
  char *group_text, *feature_text, *target_text; /* fixed-length texts */
  char **group_name, **feature_name, **target_name;
} tables;

static void free_tables(tables *t) {
  free(t->group_first);
  free(t->group_text);
  free(t->feature_text);
  free(t->target_text);
  free(t->group_name);
  free(t->feature_name);
  free(t->target_name);
  free(t);
}

static oikos_status check_index(const oikos_table_index *x, const hsize_t features[2],
                                const hsize_t targets[2], oikos_error *err) {
  if (features[1] != (hsize_t)x->n_features || targets[1] != (hsize_t)x->n_targets ||
      features[0] != targets[0])
    return oikos_fail(err, OIKOS_ERROR,
                      "/features is %llu x %llu and /targets %llu x %llu, which does not fit %lld "
                      "feature and %lld target names",
                      (unsigned long long)features[0], (unsigned long long)features[1],
                      (unsigned long long)targets[0], (unsigned long long)targets[1],
                      (long long)x->n_features, (long long)x->n_targets);
  if (x->group_first[0] != 0 || x->group_first[x->n_groups] != x->n_rows)
    return oikos_fail(err, OIKOS_ERROR, "/group_first does not run from 0 to the number of rows");
  for (int64_t g = 0; g < x->n_groups; g++)
    if (x->group_first[g] >= x->group_first[g + 1])
      return oikos_fail(err, OIKOS_ERROR, "group %lld (%.60s) has no rows by /group_first",
                        (long long)g, x->group_name[g]);
  return OIKOS_OK;
}

static oikos_status read_shape(hid_t file, const char *name, hsize_t dims[2], oikos_error *err) {
  hid_t dataset;
  OIKOS_TRY(oikos_data_open(file, name, 2, H5T_FLOAT, &dataset, dims, err));
  H5Dclose(dataset);
  return OIKOS_OK;
}

static oikos_status read_index(hid_t file, oikos_table_index *x, tables *t, oikos_error *err) {
  hsize_t features[2] = {0}, targets[2] = {0};
  OIKOS_TRY(oikos_data_expect(file, "oikos table", 1, err));
  OIKOS_TRY(read_shape(file, "features", features, err));
  OIKOS_TRY(read_shape(file, "targets", targets, err));
  OIKOS_TRY(
      oikos_data_texts(file, "group_name", &x->n_groups, &t->group_text, &t->group_name, err));
  OIKOS_TRY(oikos_data_texts(file, "feature_name", &x->n_features, &t->feature_text,
                             &t->feature_name, err));
  OIKOS_TRY(
      oikos_data_texts(file, "target_name", &x->n_targets, &t->target_text, &t->target_name, err));
  OIKOS_TRY(oikos_data_numbers(file, "group_first", H5T_NATIVE_INT64, 8, x->n_groups + 1,
                               &t->group_first, err));
  x->n_rows = (int64_t)features[0];
  x->group_first = t->group_first;
  x->group_name = (const char *const *)t->group_name;
  x->feature_name = (const char *const *)t->feature_name;
  x->target_name = (const char *const *)t->target_name;
  return check_index(x, features, targets, err);
}

static oikos_status read_matrix(hid_t file, const char *name, int64_t first, int64_t count,
                                int64_t columns, float *numbers, oikos_error *err) {
  hsize_t start[2] = {(hsize_t)first, 0}, size[2] = {(hsize_t)count, (hsize_t)columns};
  float *to = numbers + first * columns;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset),
        memory = H5Screate_simple(2, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  oikos_status status = OIKOS_OK;
  if (H5Dread(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, to) < 0)
    status = oikos_hdf5_fail(err, "/%s, rows %lld to %lld cannot be read", name, (long long)first,
                             (long long)(first + count - 1));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  for (int64_t i = 0; i < count * columns && status == OIKOS_OK; i++)
    if (!isfinite(to[i]))
      status = oikos_fail(err, OIKOS_ERROR, "/%s, row %lld, column %lld is not a finite number",
                          name, (long long)(first + i / columns), (long long)(i % columns));
  return status;
}

/* This rank's share of its node's copy. */
static oikos_status read_share(const oikos_team *team, hid_t file, const oikos_table_index *x,
                               float *features, float *targets, oikos_error *err) {
  int64_t first, count;
  oikos_share(x->n_rows, team->node_rank, team->node_size, &first, &count);
  if (count == 0)
    return OIKOS_OK;
  OIKOS_TRY(read_matrix(file, "features", first, count, x->n_features, features, err));
  return read_matrix(file, "targets", first, count, x->n_targets, targets, err);
}

static oikos_status share_numbers(const oikos_team *team, hid_t file, oikos_table_data *data,
                                  oikos_error *err) {
  const oikos_table_index *x = &data->index;
  size_t n = oikos_mul((size_t)x->n_rows, (size_t)(x->n_features + x->n_targets));
  if (n > SIZE_MAX / 4 / sizeof(float))
    return oikos_fail(err, OIKOS_ERROR, "%lld rows of %lld numbers are too large",
                      (long long)x->n_rows, (long long)(x->n_features + x->n_targets));
  float *features;
  OIKOS_TRY(oikos_data_share(team, n * sizeof *features, &data->window, &features, err));
  float *targets = features + x->n_rows * x->n_features;
  MPI_Win_fence(0, data->window);
  oikos_status status = read_share(team, file, x, features, targets, err);
  MPI_Win_fence(0, data->window);
  data->features = features;
  data->targets = targets;
  return status;
}

static oikos_status load(const oikos_team *team, const char *path, oikos_table_data *data,
                         oikos_error *err) {
  hid_t file;
  OIKOS_TRY(oikos_data_check(team, path, &data->about, err));
  OIKOS_TRY(oikos_mpiio_open_each(team, path, &file, err));
  oikos_status status = oikos_alloc(&data->memory, 1, sizeof(tables), "a table file", err);
  if (status == OIKOS_OK)
    status = read_index(file, &data->index, data->memory, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_table(&data->index, &data->about.print, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_check(file, &data->about.print, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, share_numbers(team, file, data, err), err);
  H5Fclose(file);
  return status;
}

oikos_status oikos_table_load(const oikos_team *team, const char *path, oikos_table_data *data,
                              oikos_error *err) {
  *data = (oikos_table_data){.window = MPI_WIN_NULL};
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = load(team, path, data, err);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK) {
    oikos_table_unload(data);
    oikos_fail_prefix(err, "%s: ", path);
  }
  return status;
}

void oikos_table_unload(oikos_table_data *data) {
  if (data->window != MPI_WIN_NULL)
    MPI_Win_free(&data->window);
  if (data->memory)
    free_tables(data->memory);
  *data = (oikos_table_data){.window = MPI_WIN_NULL};
}
