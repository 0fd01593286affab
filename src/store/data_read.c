/* SPDX-License-Identifier: MIT */
#include "store/data_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_strings.h"
#include "store/hdf5_util.h"

static const int64_t MAX_COUNT = INT64_C(1) << 40;

oikos_status oikos_data_expect(hid_t file, const char *format, int32_t version, oikos_error *err) {
  char *found = NULL;
  int32_t found_version = 0;
  OIKOS_TRY(oikos_get_text(file, "format", &found, err));
  bool right = strcmp(found, format) == 0;
  free(found);
  if (!right)
    return oikos_fail(err, OIKOS_ERROR,
                      "attribute format is not \"%s\"; make the file with `oikos import`", format);
  OIKOS_TRY(oikos_get_number(file, "format_version", H5T_NATIVE_INT32, &found_version, err));
  if (found_version != version)
    return oikos_fail(err, OIKOS_ERROR, "it has format version %d, but this oikos reads %d",
                      found_version, version);
  return OIKOS_OK;
}

/* Open a dataset of n_dims dimensions, each between 1 and 2^40, of a class of types. */
oikos_status oikos_data_open(hid_t file, const char *name, int n_dims, H5T_class_t class,
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
  return oikos_fail(err, OIKOS_ERROR, "dataset /%s has another type or shape than such a file has",
                    name);
}

/* Read a whole one-dimensional dataset of n numbers. */
oikos_status oikos_data_numbers(hid_t file, const char *name, hid_t type, size_t size, int64_t n,
                                void *out, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(oikos_data_open(file, name, 1, H5T_INTEGER, &dataset, dims, err));
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

/* Read with room for a 0 behind each: h5py's texts of a fixed length may fill it. */
static oikos_status read_fixed_texts(hid_t dataset, hid_t stored, const char *name, int64_t n,
                                     char **text, char ***names, oikos_error *err) {
  size_t width = H5Tget_size(stored) + 1;
  if (width > OIKOS_DATA_TEXT + 1)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s has texts of up to %zu bytes, expected %d",
                      name, width - 1, OIKOS_DATA_TEXT - 1);
  OIKOS_TRY(oikos_alloc(text, (size_t)n, width, name, err));
  OIKOS_TRY(oikos_alloc(names, (size_t)n, sizeof **names, name, err));
  hid_t type = H5Tcopy(H5T_C_S1);
  oikos_status status = OIKOS_OK;
  if (H5Tset_size(type, width) < 0 || H5Tset_cset(type, H5Tget_cset(stored)) < 0 ||
      H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0)
    status = oikos_hdf5_fail(err, "dataset /%s cannot be read", name);
  H5Tclose(type);
  for (int64_t i = 0; status == OIKOS_OK && i < n; i++)
    (*names)[i] = *text + (size_t)i * width;
  return status;
}

static oikos_status read_texts(hid_t dataset, const char *name, int64_t n, char **text,
                               char ***names, oikos_error *err) {
  hid_t type = H5Dget_type(dataset);
  oikos_status status = H5Tis_variable_str(type) > 0
                            ? oikos_data_strings(dataset, name, n, text, names, err)
                            : read_fixed_texts(dataset, type, name, n, text, names, err);
  H5Tclose(type);
  return status;
}

oikos_status oikos_data_texts(hid_t file, const char *name, int64_t *n, char **text, char ***names,
                              oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(oikos_data_open(file, name, 1, H5T_STRING, &dataset, dims, err));
  *n = (int64_t)dims[0];
  oikos_status status = read_texts(dataset, name, *n, text, names, err);
  H5Dclose(dataset);
  return status;
}

oikos_status oikos_data_share(const oikos_team *team, size_t bytes, MPI_Win *window, void *out,
                              oikos_error *err) {
  void *mine, *shared;
  MPI_Aint size;
  int unit;
  if (MPI_Win_allocate_shared(team->node_rank == 0 ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL,
                              team->node, &mine, window) != MPI_SUCCESS)
    return oikos_fail(err, OIKOS_ERROR, "%zu bytes of memory shared by the node could not be had",
                      bytes);
  MPI_Win_shared_query(*window, 0, &size, &unit, &shared);
  memcpy(out, &shared, sizeof shared);
  return OIKOS_OK;
}
