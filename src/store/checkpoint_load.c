/* SPDX-License-Identifier: MIT
 * Filling memory from a checkpoint: what all ranks hold is read by rank 0 and broadcast; what is
 * spread over ranks is read by its owners. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"

static oikos_status check_shape(const oikos_field *f, hid_t dataset, hid_t space,
                                oikos_error *err) {
  hsize_t dims[OIKOS_FIELD_DIMS] = {0};
  int n = H5Sget_simple_extent_ndims(space);
  bool fits = n == f->n_dims;
  if (fits)
    H5Sget_simple_extent_dims(space, dims, NULL);
  for (int d = 0; fits && d < n; d++)
    fits = dims[d] == (hsize_t)f->dims[d];
  hid_t type = H5Dget_type(dataset);
  bool same = H5Tget_class(type) == H5Tget_class(oikos_field_hdf5(f)) &&
              H5Tget_size(type) == oikos_field_element(f);
  H5Tclose(type);
  if (!same)
    return oikos_fail(err, OIKOS_ERROR,
                      "dataset %s has another number type: was it written in another precision?",
                      f->name);
  if (!fits)
    return oikos_fail(err, OIKOS_ERROR, "dataset %s has another shape than the configuration gives",
                      f->name);
  return OIKOS_OK;
}

/* Read rows first..first+count-1 into buffer, which holds zeros, one after the other. */
static oikos_status read_rows(const oikos_field *f, hid_t file, int64_t first, int64_t count,
                              void *buffer, oikos_error *err) {
  if (f->optional && H5Lexists(file, f->name, H5P_DEFAULT) <= 0)
    return OIKOS_OK;
  hid_t dataset = H5Dopen2(file, f->name, H5P_DEFAULT);
  if (dataset < 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset %s is missing", f->name);
  hid_t space = H5Dget_space(dataset);
  oikos_status status = check_shape(f, dataset, space, err);
  if (status == OIKOS_OK && count > 0) {
    hsize_t start[OIKOS_FIELD_DIMS] = {(hsize_t)first}, size[OIKOS_FIELD_DIMS] = {(hsize_t)count};
    for (int d = 1; d < f->n_dims; d++)
      size[d] = (hsize_t)f->dims[d];
    hid_t memory = H5Screate_simple(f->n_dims, size, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
    if (H5Dread(dataset, oikos_field_hdf5(f), memory, space, H5P_DEFAULT, buffer) < 0)
      status = oikos_hdf5_fail(err, "dataset %s cannot be read", f->name);
    H5Sclose(memory);
  }
  H5Sclose(space);
  H5Dclose(dataset);
  return status;
}

static oikos_status read_field(const oikos_team *team, const oikos_field *f, hid_t file,
                               oikos_error *err) {
  int64_t first = f->owned ? f->first : 0, count = f->owned ? f->count : f->dims[0];
  size_t bytes = oikos_field_row(f) * oikos_field_element(f);
  char *buffer = NULL;
  oikos_status status = oikos_alloc(&buffer, (size_t)count, bytes, f->name, err);
  if (status == OIKOS_OK && (f->owned || team->rank == 0))
    status = read_rows(f, file, first, count, buffer, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK) {
    if (!f->owned)
      oikos_broadcast(team, buffer, (size_t)count * bytes);
    for (int64_t i = 0; i < count; i++)
      memcpy(oikos_field_at(f, first + i), buffer + (size_t)i * bytes, bytes);
  }
  free(buffer);
  return status;
}

oikos_status oikos_checkpoint_read(const oikos_team *team, const char *path,
                                   const oikos_field *fields, int n, oikos_error *err) {
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, team->world, MPI_INFO_NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  oikos_status status =
      file < 0 ? oikos_hdf5_fail(err, "it cannot be opened by all ranks") : OIKOS_OK;
  status = oikos_agree(team, status, err);
  for (int i = 0; status == OIKOS_OK && i < n; i++)
    if (!oikos_field_empty(&fields[i]))
      status = read_field(team, &fields[i], file, err);
  if (file >= 0)
    H5Fclose(file);
  H5Pclose(access);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}
