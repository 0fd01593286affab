/* SPDX-License-Identifier: MIT
 * Filling memory from a checkpoint. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"

/* What a field is called in this file: its old name where that alone is there. */
static const char *name_in(hid_t file, const oikos_field *f) {
  bool old = f->old_name && H5Lexists(file, f->name, H5P_DEFAULT) <= 0 &&
             H5Lexists(file, f->old_name, H5P_DEFAULT) > 0;
  return old ? f->old_name : f->name;
}

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

/* One field on its way into memory, by blocks of rows. What is spread over ranks is read by its
 * owners. Of what all hold, each of a few ranks reads a part of every block, and they exchange
 * them: every byte leaves the disk once. */
typedef struct field_reader {
  const oikos_team *team;
  const oikos_field *f;
  bool absent;                 /* optional, and not in the file: zeros */
  int64_t first, count, block; /* rows that this rank holds; rows of a block */
  size_t bytes;                /* of a row */
  int readers;                 /* of what all hold */
  hid_t dataset;
  char *buffer; /* a block, where rows do not stand together in memory */
  int *counts;  /* (size) bytes of a block that each rank reads, (size) where they begin */
} field_reader;

enum { LEAST_PART = 1 << 20 /* bytes: below that it is not worth while to share a block out */ };

static oikos_status open_dataset(field_reader *r, hid_t file, oikos_error *err) {
  if (r->f->optional && H5Lexists(file, r->f->name, H5P_DEFAULT) <= 0) {
    r->absent = name_in(file, r->f) == r->f->name; // it has no old name either
    if (r->absent)
      return OIKOS_OK;
  }
  r->dataset = H5Dopen2(file, name_in(file, r->f), H5P_DEFAULT);
  if (r->dataset < 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset %s is missing", r->f->name);
  return check_shape(r->f, r->dataset, err);
}

static oikos_status begin(field_reader *r, hid_t file, oikos_error *err) {
  size_t gathered = r->f->stride == oikos_field_row(r->f) ? 0 : (size_t)r->block;
  OIKOS_TRY(open_dataset(r, file, err));
  OIKOS_TRY(oikos_alloc(&r->buffer, gathered, r->bytes, r->f->name, err));
  return oikos_alloc(&r->counts, 2 * (size_t)r->team->size, sizeof *r->counts, r->f->name, err);
}

/* This rank's part of a block of n rows that begins with row `first`, to be put behind each other
 * from `rows` on. */
static oikos_status read_part(const field_reader *r, int64_t first, int64_t n, char *rows,
                              oikos_error *err) {
  int64_t from = 0, count = n;
  if (!r->f->owned)
    oikos_share(n, r->team->rank, r->readers, &from, &count);
  if (count == 0 || (!r->f->owned && r->team->rank >= r->readers))
    return OIKOS_OK;
  rows += (size_t)from * r->bytes;
  if (r->absent)
    memset(rows, 0, (size_t)count * r->bytes);
  else
    OIKOS_TRY(read_rows(r->f, r->dataset, first + from, count, rows, err));
  return oikos_field_check(r->f, rows, first + from, count, err);
}

/* All parts of a block to all ranks. */
static void exchange(const field_reader *r, int64_t n, char *rows) {
  int size = r->team->size, *starts = r->counts + size;
  if (r->readers == 1) {
    oikos_broadcast(r->team, rows, (size_t)n * r->bytes);
    return;
  }
  for (int k = 0; k < size; k++) {
    int64_t from = 0, count = 0;
    if (k < r->readers)
      oikos_share(n, k, r->readers, &from, &count);
    r->counts[k] = (int)((size_t)count * r->bytes);
    starts[k] = (int)((size_t)from * r->bytes);
  }
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, rows, r->counts, starts, MPI_BYTE,
                 r->team->world);
}

/* A rank whose read fails still takes part in the exchanges. */
static oikos_status fill(const field_reader *r, oikos_error *err) {
  bool together = r->f->stride == oikos_field_row(r->f);
  oikos_status status = OIKOS_OK;
  for (int64_t offset = 0; offset < r->count; offset += r->block) {
    int64_t n = r->count - offset < r->block ? r->count - offset : r->block;
    char *rows = together ? oikos_field_at(r->f, r->first + offset) : r->buffer;
    if (status == OIKOS_OK)
      status = read_part(r, r->first + offset, n, rows, err);
    if (!r->f->owned)
      exchange(r, n, rows);
    for (int64_t i = 0; !together && i < n; i++)
      memcpy(oikos_field_at(r->f, r->first + offset + i), rows + (size_t)i * r->bytes, r->bytes);
    if (status == OIKOS_OK)
      status = oikos_pulse_check(r->team->pulse, err);
  }
  return status;
}

/* How many ranks read a part of a block. */
static int readers_of(const field_reader *r) {
  size_t parts = (size_t)r->block * r->bytes / LEAST_PART, ranks = (size_t)r->team->size,
         rows = (size_t)r->block;
  parts = parts < rows ? parts : rows;
  parts = parts < ranks ? parts : ranks;
  return parts > 1 ? (int)parts : 1;
}

static oikos_status read_field(const oikos_team *team, const oikos_field *f, hid_t file,
                               oikos_error *err) {
  field_reader r = {.team = team,
                    .f = f,
                    .first = f->owned ? f->first : 0,
                    .count = f->owned ? f->count : f->dims[0],
                    .bytes = oikos_field_row(f) * oikos_field_element(f),
                    .dataset = -1};
  r.block = oikos_mpiio_rows(team, r.bytes);
  r.block = r.count < r.block ? r.count : r.block;
  r.readers = readers_of(&r);
  oikos_status status = oikos_agree(team, begin(&r, file, err), err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, fill(&r, err), err);
  if (r.dataset >= 0)
    H5Dclose(r.dataset);
  free(r.buffer);
  free(r.counts);
  return status;
}

oikos_status oikos_checkpoint_read(const oikos_team *team, const oikos_checkpoint *c,
                                   const oikos_field *fields, int n, oikos_error *err) {
  hid_t file;
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = oikos_mpiio_open_each(team, oikos_checkpoint_file(c), &file, err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, oikos_checkpoint_same(c, err), err);
  else
    file = H5I_INVALID_HID;
  for (int i = 0; status == OIKOS_OK && i < n; i++)
    if (!oikos_field_empty(&fields[i]))
      status = read_field(team, &fields[i], file, err);
  if (file >= 0)
    H5Fclose(file);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", oikos_checkpoint_file(c));
  return status;
}
