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
typedef struct group_tables {
  int64_t *group_first;
  char *group_text, *feature_text, *target_text; /* fixed-length texts */
  char **group_name, **feature_name, **target_name;
} group_tables;

static void free_tables(group_tables *t) {
  free(t->group_first);
  free(t->group_text);
  free(t->feature_text);
  free(t->target_text);
  free(t->group_name);
  free(t->feature_name);
  free(t->target_name);
  free(t);
}

static oikos_status check_index(const oikos_table_index *x, oikos_error *err) {
  if (x->group_first[0] != 0 || x->group_first[x->n_groups] != x->n_rows)
    return oikos_fail(err, OIKOS_ERROR, "/group_first does not run from 0 to the number of rows");
  for (int64_t g = 0; g < x->n_groups; g++)
    if (x->group_first[g] >= x->group_first[g + 1])
      return oikos_fail(err, OIKOS_ERROR, "group %lld (%.60s) has no rows by /group_first",
                        (long long)g, x->group_name[g]);
  return OIKOS_OK;
}

/* What there is of each, before anything of it is read. */
static oikos_status read_counts(const oikos_data_in *in, oikos_table_index *x, oikos_error *err) {
  hsize_t features[2] = {0}, targets[2] = {0};
  OIKOS_TRY(oikos_data_shape(in, "features", 2, H5T_FLOAT, features, err));
  OIKOS_TRY(oikos_data_shape(in, "targets", 2, H5T_FLOAT, targets, err));
  OIKOS_TRY(oikos_data_count(in, "feature_name", H5T_STRING, &x->n_features, err));
  OIKOS_TRY(oikos_data_count(in, "target_name", H5T_STRING, &x->n_targets, err));
  OIKOS_TRY(oikos_data_count(in, "group_name", H5T_STRING, &x->n_groups, err));
  x->n_rows = (int64_t)features[0];
  if (features[1] != (hsize_t)x->n_features || targets[1] != (hsize_t)x->n_targets ||
      features[0] != targets[0])
    return oikos_fail(err, OIKOS_ERROR,
                      "/features is %llu x %llu and /targets %llu x %llu, which does not fit %lld "
                      "feature and %lld target names",
                      (unsigned long long)features[0], (unsigned long long)features[1],
                      (unsigned long long)targets[0], (unsigned long long)targets[1],
                      (long long)x->n_features, (long long)x->n_targets);
  return oikos_data_expect_count(in, "group_first", H5T_INTEGER, x->n_groups + 1, err);
}

static oikos_status read_index(const oikos_data_in *in, oikos_table_index *x, group_tables *t,
                               oikos_error *err) {
  OIKOS_TRY(oikos_data_expect(in, "oikos table", 1, err));
  OIKOS_TRY(read_counts(in, x, err));
  OIKOS_TRY(oikos_data_numbers(in, "group_first", H5T_NATIVE_INT64, 8, x->n_groups + 1,
                               &t->group_first, err));
  OIKOS_TRY(oikos_data_texts(in, "group_name", x->n_groups, &t->group_text, &t->group_name, err));
  OIKOS_TRY(
      oikos_data_texts(in, "feature_name", x->n_features, &t->feature_text, &t->feature_name, err));
  OIKOS_TRY(
      oikos_data_texts(in, "target_name", x->n_targets, &t->target_text, &t->target_name, err));
  x->group_first = t->group_first;
  x->group_name = (const char *const *)t->group_name;
  x->feature_name = (const char *const *)t->feature_name;
  x->target_name = (const char *const *)t->target_name;
  return check_index(x, err);
}

static oikos_status read_matrix(const oikos_data_in *in, const char *name, int64_t first,
                                int64_t count, int64_t columns, float *numbers, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[2];
  float *to = numbers + first * columns;
  OIKOS_TRY(oikos_data_open(in, name, 2, H5T_FLOAT, &dataset, dims, err));
  oikos_status status = oikos_data_rows(in, dataset, name, H5T_NATIVE_FLOAT, first, count,
                                        (size_t)columns * sizeof *to, to, err);
  H5Dclose(dataset);
  for (int64_t i = 0; i < count * columns && status == OIKOS_OK; i++)
    if (!isfinite(to[i]))
      status = oikos_fail(err, OIKOS_ERROR, "/%s, row %lld, column %lld is not a finite number",
                          name, (long long)(first + i / columns), (long long)(i % columns));
  return status;
}

/* This rank's share of its node's copy. */
static oikos_status read_share(const oikos_data_in *in, const oikos_table_data *data,
                               float *features, float *targets, oikos_error *err) {
  const oikos_table_index *x = &data->index;
  int64_t first, count;
  oikos_share(x->n_rows, data->memory.part, data->memory.parts, &first, &count);
  OIKOS_TRY(read_matrix(in, "features", first, count, x->n_features, features, err));
  return read_matrix(in, "targets", first, count, x->n_targets, targets, err);
}

static oikos_status share_numbers(const oikos_data_in *in, oikos_table_data *data,
                                  oikos_error *err) {
  const oikos_table_index *x = &data->index;
  size_t n = oikos_mul((size_t)x->n_rows, (size_t)(x->n_features + x->n_targets));
  float *features;
  OIKOS_TRY(
      oikos_data_take(in->team, oikos_mul(n, sizeof *features), &data->memory, &features, err));
  float *targets = features + x->n_rows * x->n_features;
  data->features = features;
  data->targets = targets;
  return oikos_data_filled(in->team, read_share(in, data, features, targets, err), err);
}

static oikos_status load(const oikos_team *team, const char *path, oikos_table_data *data,
                         oikos_error *err) {
  oikos_data_in in = {.team = team};
  OIKOS_TRY(oikos_data_check(team, path, &data->about, err));
  OIKOS_TRY(oikos_mpiio_open_each(team, path, &in.file, err));
  oikos_status status = oikos_alloc(&data->tables, 1, sizeof(group_tables), "a table file", err);
  if (status == OIKOS_OK)
    status = read_index(&in, &data->index, data->tables, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_table(&data->index, &data->about.print, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_check(in.file, &data->about.print, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = share_numbers(&in, data, err);
  H5Fclose(in.file);
  return status;
}

oikos_status oikos_table_load(const oikos_team *team, const char *path, oikos_table_data *data,
                              oikos_error *err) {
  *data = (oikos_table_data){0};
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
  oikos_data_release(&data->memory);
  if (data->tables)
    free_tables(data->tables);
  *data = (oikos_table_data){0};
}
