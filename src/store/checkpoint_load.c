/* SPDX-License-Identifier: MIT
 * Filling memory from a checkpoint: what all ranks hold is read by rank 0 and broadcast; what is
 * spread over ranks is read by its owners. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"

static oikos_status check_shape(const oikos_field *f, hid_t dataset, oikos_error *err) {
  hsize_t dims[OIKOS_FIELD_DIMS] = {0};
  hid_t space = H5Dget_space(dataset);
  int n = H5Sget_simple_extent_ndims(space);
  bool fits = n == f->n_dims;
  if (fits)
    H5Sget_simple_extent_dims(space, dims, NULL);
  H5Sclose(space);
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

/* Read rows first..first+count-1 of an open dataset into buffer, one after the other. */
static oikos_status read_rows(const oikos_field *f, hid_t dataset, int64_t first, int64_t count,
                              void *buffer, oikos_error *err) {
  hsize_t start[OIKOS_FIELD_DIMS] = {(hsize_t)first}, size[OIKOS_FIELD_DIMS] = {(hsize_t)count};
  for (int d = 1; d < f->n_dims; d++)
    size[d] = (hsize_t)f->dims[d];
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(f->n_dims, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  herr_t bad = H5Dread(dataset, oikos_field_hdf5(f), memory, space, H5P_DEFAULT, buffer);
  H5Sclose(memory);
  H5Sclose(space);
  return bad < 0 ? oikos_hdf5_fail(err, "dataset %s cannot be read", f->name) : OIKOS_OK;
}

/* One field on its way into memory: by blocks of rows, which its owners read, or rank 0 for all. */
typedef struct reader {
  const oikos_team *team;
  const oikos_field *f;
  bool reads;
  int64_t first, count, block; /* rows that this rank holds; rows of a block */
  size_t bytes;                /* of a row */
  hid_t dataset;               /* -1 where another rank reads */
  char *buffer;                /* a block */
} reader;

static oikos_status begin(reader *r, hid_t file, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&r->buffer, (size_t)r->block, r->bytes, r->f->name, err));
  if (r->reads && r->f->optional && H5Lexists(file, r->f->name, H5P_DEFAULT) <= 0)
    r->reads = false; // the zeros of the buffer stand for it
  if (!r->reads)
    return OIKOS_OK;
  r->dataset = H5Dopen2(file, r->f->name, H5P_DEFAULT);
  if (r->dataset < 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset %s is missing", r->f->name);
  return check_shape(r->f, r->dataset, err);
}

/* A rank whose read fails still takes part in the broadcasts. */
static oikos_status fill(const reader *r, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  for (int64_t at = 0; at < r->count; at += r->block) {
    int64_t n = r->count - at < r->block ? r->count - at : r->block;
    if (r->reads && status == OIKOS_OK)
      status = read_rows(r->f, r->dataset, r->first + at, n, r->buffer, err);
    if (!r->f->owned)
      oikos_broadcast(r->team, r->buffer, (size_t)n * r->bytes);
    for (int64_t i = 0; i < n; i++)
      memcpy(oikos_field_at(r->f, r->first + at + i), r->buffer + (size_t)i * r->bytes, r->bytes);
  }
  return status;
}

static oikos_status read_field(const oikos_team *team, const oikos_field *f, hid_t file,
                               oikos_error *err) {
  reader r = {.team = team,
              .f = f,
              .reads = f->owned || team->rank == 0,
              .first = f->owned ? f->first : 0,
              .count = f->owned ? f->count : f->dims[0],
              .bytes = oikos_field_row(f) * oikos_field_element(f),
              .dataset = -1};
  r.block = oikos_mpiio_rows(team, r.bytes);
  r.block = r.count < r.block ? r.count : r.block;
  oikos_status status = oikos_agree(team, begin(&r, file, err), err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, fill(&r, err), err);
  if (r.dataset >= 0)
    H5Dclose(r.dataset);
  free(r.buffer);
  return status;
}

oikos_status oikos_checkpoint_read(const oikos_team *team, const char *path,
                                   const oikos_field *fields, int n, oikos_error *err) {
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  hid_t file;
  oikos_status status = oikos_mpiio_open_each(team, path, &file, err);
  for (int i = 0; status == OIKOS_OK && i < n; i++)
    if (!oikos_field_empty(&fields[i]))
      status = read_field(team, &fields[i], file, err);
  if (file >= 0)
    H5Fclose(file);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}
