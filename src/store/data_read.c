/* SPDX-License-Identifier: MIT */
#include "store/data_read.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_layout.h"
#include "store/data_strings.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

static const int64_t MAX_COUNT = INT64_C(1) << 40;

oikos_status oikos_data_expect(const oikos_data_in *in, const char *format, int32_t version,
                               oikos_error *err) {
  char *found = NULL;
  int32_t found_version = 0;
  OIKOS_TRY(oikos_get_text(in->file, "format", &found, err));
  bool right = strcmp(found, format) == 0;
  free(found);
  if (!right)
    return oikos_fail(err, OIKOS_ERROR,
                      "attribute format is not \"%s\"; make the file with `oikos import`", format);
  OIKOS_TRY(oikos_get_number(in->file, "format_version", H5T_NATIVE_INT32, &found_version, err));
  if (found_version != version)
    return oikos_fail(err, OIKOS_ERROR, "it has format version %d, but this oikos reads %d",
                      found_version, version);
  return OIKOS_OK;
}

/* A link to another place may lead into another file. */
static oikos_status check_link(hid_t file, const char *name, oikos_error *err) {
  H5L_info_t info;
  if (H5Lget_info(file, name, &info, H5P_DEFAULT) < 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s is missing", name);
  if (info.type != H5L_TYPE_HARD)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s is a link, expected the dataset itself", name);
  return OIKOS_OK;
}

static bool fits(hid_t dataset, int n_dims, H5T_class_t class, hsize_t *dims, size_t *bytes) {
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  bool good = H5Sget_simple_extent_ndims(space) == n_dims && H5Tget_class(type) == class;
  *bytes = H5Tget_size(type);
  if (good)
    H5Sget_simple_extent_dims(space, dims, NULL);
  for (int d = 0; good && d < n_dims; d++)
    good = dims[d] >= 1 && dims[d] <= (hsize_t)MAX_COUNT;
  H5Tclose(type);
  H5Sclose(space);
  return good;
}

oikos_status oikos_data_open(const oikos_data_in *in, const char *name, int n_dims,
                             H5T_class_t class, hid_t *dataset, hsize_t *dims, oikos_error *err) {
  size_t bytes;
  OIKOS_TRY(check_link(in->file, name, err));
  *dataset = H5Dopen2(in->file, name, H5P_DEFAULT);
  if (*dataset < 0)
    return oikos_fail(err, OIKOS_ERROR, "/%s is no dataset", name);
  oikos_status status =
      fits(*dataset, n_dims, class, dims, &bytes)
          ? oikos_data_check_layout(in->file, *dataset, name, n_dims, dims, bytes, err)
          : oikos_fail(err, OIKOS_ERROR,
                       "dataset /%s has another type or shape than such a file has", name);
  if (status != OIKOS_OK) {
    H5Dclose(*dataset);
    *dataset = -1;
  }
  return status;
}

oikos_status oikos_data_shape(const oikos_data_in *in, const char *name, int n_dims,
                              H5T_class_t class, hsize_t *dims, oikos_error *err) {
  hid_t dataset;
  OIKOS_TRY(oikos_data_open(in, name, n_dims, class, &dataset, dims, err));
  H5Dclose(dataset);
  return OIKOS_OK;
}

oikos_status oikos_data_count(const oikos_data_in *in, const char *name, H5T_class_t class,
                              int64_t *n, oikos_error *err) {
  hsize_t dims[1] = {0};
  OIKOS_TRY(oikos_data_shape(in, name, 1, class, dims, err));
  *n = (int64_t)dims[0];
  return OIKOS_OK;
}

oikos_status oikos_data_expect_count(const oikos_data_in *in, const char *name, H5T_class_t class,
                                     int64_t n, oikos_error *err) {
  int64_t found;
  OIKOS_TRY(oikos_data_count(in, name, class, &found, err));
  return found == n ? OIKOS_OK
                    : oikos_fail(err, OIKOS_ERROR, "dataset /%s has %lld entries, expected %lld",
                                 name, (long long)found, (long long)n);
}

static herr_t read_block(hid_t dataset, hid_t type, int64_t first, int64_t count, void *to) {
  hsize_t start[H5S_MAX_RANK] = {0}, size[H5S_MAX_RANK];
  hid_t space = H5Dget_space(dataset);
  int n = H5Sget_simple_extent_dims(space, size, NULL);
  start[0] = (hsize_t)first;
  size[0] = (hsize_t)count;
  hid_t memory = H5Screate_simple(n, size, NULL);
  herr_t bad = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  if (bad >= 0)
    bad = H5Dread(dataset, type, memory, space, H5P_DEFAULT, to);
  H5Sclose(memory);
  H5Sclose(space);
  return bad;
}

oikos_status oikos_data_rows(const oikos_data_in *in, hid_t dataset, const char *name, hid_t type,
                             int64_t first, int64_t count, size_t row_bytes, void *to,
                             oikos_error *err) {
  int64_t rows = oikos_mpiio_rows(in->team, row_bytes);
  for (int64_t offset = 0; offset < count; offset += rows) {
    int64_t n = count - offset < rows ? count - offset : rows;
    if (read_block(dataset, type, first + offset, n, (char *)to + (size_t)offset * row_bytes) < 0)
      return oikos_hdf5_fail(err, "dataset /%s, rows %lld to %lld cannot be read", name,
                             (long long)(first + offset), (long long)(first + offset + n - 1));
    OIKOS_TRY(oikos_pulse_check(in->team->pulse, err));
  }
  return OIKOS_OK;
}

oikos_status oikos_data_numbers(const oikos_data_in *in, const char *name, hid_t type, size_t size,
                                int64_t n, void *out, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  void *data = NULL;
  OIKOS_TRY(oikos_data_expect_count(in, name, H5T_INTEGER, n, err));
  OIKOS_TRY(oikos_data_open(in, name, 1, H5T_INTEGER, &dataset, dims, err));
  oikos_status status = oikos_alloc(&data, (size_t)n, size, name, err);
  if (status == OIKOS_OK)
    status = oikos_data_rows(in, dataset, name, type, 0, n, size, data, err);
  H5Dclose(dataset);
  memcpy(out, &data, sizeof data); // freed with the tables
  return status;
}

/* Read with room for a 0 behind each: h5py's texts of a fixed length may fill it. */
static oikos_status read_fixed_texts(const oikos_data_in *in, hid_t dataset, hid_t stored,
                                     const char *name, int64_t n, char **text, char ***names,
                                     oikos_error *err) {
  size_t width = H5Tget_size(stored) + 1;
  if (width > OIKOS_DATA_TEXT + 1)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s has texts of up to %zu bytes, expected %d",
                      name, width - 1, OIKOS_DATA_TEXT - 1);
  OIKOS_TRY(oikos_alloc(text, (size_t)n, width, name, err));
  OIKOS_TRY(oikos_alloc(names, (size_t)n, sizeof **names, name, err));
  hid_t type = H5Tcopy(H5T_C_S1);
  oikos_status status = OIKOS_OK;
  if (H5Tset_size(type, width) < 0 || H5Tset_cset(type, H5Tget_cset(stored)) < 0)
    status = oikos_hdf5_fail(err, "dataset /%s cannot be read", name);
  if (status == OIKOS_OK)
    status = oikos_data_rows(in, dataset, name, type, 0, n, width, *text, err);
  H5Tclose(type);
  for (int64_t i = 0; status == OIKOS_OK && i < n; i++)
    (*names)[i] = *text + (size_t)i * width;
  return status;
}

static oikos_status read_texts(const oikos_data_in *in, hid_t dataset, const char *name, int64_t n,
                               char **text, char ***names, oikos_error *err) {
  hid_t type = H5Dget_type(dataset);
  oikos_status status = H5Tis_variable_str(type) > 0
                            ? oikos_data_strings(dataset, name, n, text, names, err)
                            : read_fixed_texts(in, dataset, type, name, n, text, names, err);
  H5Tclose(type);
  return status;
}

oikos_status oikos_data_texts(const oikos_data_in *in, const char *name, int64_t n, char **text,
                              char ***names, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(oikos_data_expect_count(in, name, H5T_STRING, n, err));
  OIKOS_TRY(oikos_data_open(in, name, 1, H5T_STRING, &dataset, dims, err));
  oikos_status status = read_texts(in, dataset, name, n, text, names, err);
  H5Dclose(dataset);
  return status;
}

/* One rank of a node asks whether the data fits into what its memory has left. */
static oikos_status check_room(const oikos_team *team, size_t bytes, oikos_error *err) {
  size_t available;
  if (team->node_rank != 0 || oikos_node_memory_has(bytes, &available))
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR,
                    "its data takes %.1f MiB on each node, but there are %.1f MiB of memory left",
                    (double)bytes / (1 << 20), (double)available / (1 << 20));
}

oikos_status oikos_data_take(const oikos_team *team, size_t bytes, oikos_data_memory *m, void *out,
                             oikos_error *err) {
  int64_t first, count;
  *m = (oikos_data_memory){.part = team->node_rank, .parts = team->node_size};
  OIKOS_TRY(oikos_agree(team, check_room(team, bytes, err), err));
  oikos_share((int64_t)bytes, m->part, m->parts, &first, &count);
  oikos_status status = OIKOS_OK;
  if (!oikos_node_memory_map(team, bytes, (size_t)first, (size_t)count, &m->shared)) {
    *m = (oikos_data_memory){.parts = 1};
    status = oikos_alloc(&m->local, bytes, 1, "its data", err);
  }
  status = oikos_agree(team, status, err);
  if (status != OIKOS_OK)
    oikos_data_release(m);
  void *memory = m->local ? m->local : m->shared.memory;
  memcpy(out, &memory, sizeof memory);
  return status;
}

oikos_status oikos_data_filled(const oikos_team *team, oikos_status status, oikos_error *err) {
  atomic_thread_fence(memory_order_seq_cst); // ranks see what the others have written
  status = oikos_agree(team, status, err);
  atomic_thread_fence(memory_order_seq_cst);
  return status;
}

void oikos_data_release(oikos_data_memory *m) {
  oikos_node_memory_unmap(&m->shared);
  free(m->local);
  *m = (oikos_data_memory){0};
}
