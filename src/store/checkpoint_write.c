/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"
#include "store/seal.h"
#include "store/sync.h"

enum { SMALL = 1 << 20 /* bytes */ };

/* One write: its fields, which go out by blocks of rows. */
typedef struct writer {
  const oikos_team *team;
  const char *path; /* that the file is to have */
  const oikos_field *fields;
  int n;
  uint64_t *checksum; /* (n) */
  int64_t *rounds;    /* (n) blocks of the rank that has most of them */
  int64_t *offset;    /* (n) where the data begins in the file */
  char *packed;       /* a block of rows that do not stand together in memory */
  int fd;             /* of the file, beside MPI-IO; -1: none */
} writer;

static size_t row_bytes(const oikos_field *f) {
  return oikos_field_row(f) * oikos_field_element(f);
}

/* What all ranks have, if it is small, is written by rank 0 as it makes the file: to gather it
 * from all would take longer. */
static bool is_small(const oikos_field *f) {
  return !f->owned && oikos_field_bytes(f) <= SMALL;
}

/* This rank's block number `round` of a field: where its rows begin and how many they are, maybe
 * none. */
static void block_of(const writer *w, const oikos_field *f, int64_t round, int64_t *first,
                     int64_t *count) {
  int64_t block = oikos_mpiio_rows(w->team, row_bytes(f));
  if (is_small(f)) {
    *first = 0;
    *count = w->team->rank == 0 ? f->dims[0] : 0;
  } else {
    oikos_field_rows(f, w->team, first, count);
  }
  int64_t before = *count < round * block ? *count : round * block;
  *first += before;
  *count = *count - before < block ? *count - before : block;
}

/* The rows of a block, one after the other. */
static const char *rows_of(const writer *w, const oikos_field *f, int64_t first, int64_t count) {
  size_t bytes = row_bytes(f);
  if (f->stride == oikos_field_row(f))
    return oikos_field_at(f, first);
  for (int64_t i = 0; i < count; i++)
    memcpy(w->packed + (size_t)i * bytes, oikos_field_at(f, first + i), bytes);
  return w->packed;
}

static oikos_status prepare(writer *w, oikos_error *err) {
  size_t largest = 0;
  OIKOS_TRY(oikos_alloc(&w->checksum, (size_t)w->n, sizeof *w->checksum, "the checksums", err));
  OIKOS_TRY(oikos_alloc(&w->rounds, (size_t)w->n, sizeof *w->rounds, "the checksums", err));
  OIKOS_TRY(oikos_alloc(&w->offset, (size_t)w->n, sizeof *w->offset, "the checksums", err));
  for (int i = 0; i < w->n; i++) {
    const oikos_field *f = &w->fields[i];
    int64_t first, count;
    block_of(w, f, 0, &first, &count);
    size_t bytes = f->stride == oikos_field_row(f) ? 0 : oikos_mul(row_bytes(f), (size_t)count);
    largest = bytes > largest ? bytes : largest;
  }
  return oikos_alloc(&w->packed, largest, 1, "a checkpoint", err);
}

/* A field's checksum, as far as its rows are this rank's, and how many rounds it takes. Its numbers
 * are checked on the way: what could not be read must not take the place of what can. */
static oikos_status sum_field(const writer *w, int i, oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  int64_t first, count;
  for (block_of(w, f, 0, &first, &count); count > 0;
       block_of(w, f, ++w->rounds[i], &first, &count)) {
    const char *rows = rows_of(w, f, first, count);
    OIKOS_TRY(oikos_field_check(f, rows, first, count, err));
    w->checksum[i] += oikos_rows_checksum(rows, first, count, row_bytes(f));
    oikos_pulse_beat(w->team->pulse);
  }
  return OIKOS_OK;
}

static oikos_status sum_checksums(const writer *w, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  for (int i = 0; status == OIKOS_OK && i < w->n; i++)
    status = sum_field(w, i, err);
  OIKOS_TRY(oikos_agree(w->team, status, err));
  MPI_Allreduce(MPI_IN_PLACE, w->checksum, w->n, MPI_UINT64_T, MPI_SUM, w->team->world);
  MPI_Allreduce(MPI_IN_PLACE, w->rounds, w->n, MPI_INT64_T, MPI_MAX, w->team->world);
  return OIKOS_OK;
}

static oikos_status describe(hid_t file, const oikos_checkpoint_info *info, oikos_error *err) {
  int32_t version = OIKOS_FORMAT_VERSION;
  OIKOS_TRY(oikos_put_text(file, "format", OIKOS_CHECKPOINT_FORMAT, err));
  OIKOS_TRY(oikos_put_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  OIKOS_TRY(oikos_put_number(file, "step", H5T_NATIVE_INT64, &info->step, err));
  OIKOS_TRY(oikos_put_number(file, "records", H5T_NATIVE_INT64, &info->records, err));
  OIKOS_TRY(oikos_put_number(file, "ranks", H5T_NATIVE_INT64, &info->ranks, err));
  OIKOS_TRY(oikos_put_text(file, "config", info->config, err));
  OIKOS_TRY(oikos_put_text(file, "oikos_version", info->version, err));
  OIKOS_TRY(oikos_put_text(file, "libraries", info->libraries, err));
  OIKOS_TRY(oikos_put_text(file, "numerics", info->numerics, err));
  return oikos_put_text(file, "created", info->created, err);
}

static oikos_status fill_small(hid_t dataset, const oikos_field *f, oikos_error *err) {
  char *rows;
  size_t bytes = row_bytes(f);
  OIKOS_TRY(oikos_alloc(&rows, (size_t)f->dims[0], bytes, f->name, err));
  for (int64_t i = 0; i < f->dims[0]; i++)
    memcpy(rows + (size_t)i * bytes, oikos_field_at(f, i), bytes);
  herr_t bad = H5Dwrite(dataset, oikos_field_hdf5(f), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
  free(rows);
  return bad < 0 ? oikos_hdf5_fail(err, "dataset %s cannot be written", f->name) : OIKOS_OK;
}

/* Lay one dataset out: its place in the file is taken, its data not written yet unless it is small.
 */
static oikos_status create_dataset(const writer *w, hid_t file, int i, oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  hsize_t dims[OIKOS_FIELD_DIMS];
  int32_t state = !f->not_state;
  for (int d = 0; d < f->n_dims; d++)
    dims[d] = (hsize_t)f->dims[d];
  hid_t space = H5Screate_simple(f->n_dims, dims, NULL);
  hid_t links = H5Pcreate(H5P_LINK_CREATE), layout = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER);
  hid_t dataset = H5Dcreate2(file, f->name, oikos_field_hdf5(f), space, links, layout, H5P_DEFAULT);
  oikos_status status = OIKOS_OK;
  if (dataset < 0)
    status = oikos_hdf5_fail(err, "dataset %s cannot be created", f->name);
  if (status == OIKOS_OK)
    status = oikos_put_text(dataset, "description", f->meaning, err);
  if (status == OIKOS_OK)
    status = oikos_put_number(dataset, "checksum", H5T_NATIVE_UINT64, &w->checksum[i], err);
  if (status == OIKOS_OK)
    status = oikos_put_number(dataset, "state", H5T_NATIVE_INT32, &state, err);
  if (status == OIKOS_OK && is_small(f))
    status = fill_small(dataset, f, err);
  if (status == OIKOS_OK)
    w->offset[i] = (int64_t)H5Dget_offset(dataset);
  if (dataset >= 0)
    H5Dclose(dataset);
  H5Pclose(layout);
  H5Pclose(links);
  H5Sclose(space);
  return status;
}

/* Rank 0 makes the file with everything but the data, so that all that is left is to fill it. */
static oikos_status create_file(const writer *w, const char *path,
                                const oikos_checkpoint_info *info, oikos_error *err) {
  hid_t creation = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(creation, OIKOS_SEAL);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
  H5Pclose(creation);
  if (file < 0)
    return oikos_hdf5_fail(err, "it cannot be created");
  oikos_status status = describe(file, info, err);
  for (int i = 0; status == OIKOS_OK && i < w->n; i++)
    if (!oikos_field_empty(&w->fields[i]))
      status = create_dataset(w, file, i, err);
  if (H5Fclose(file) < 0 && status == OIKOS_OK)
    status = oikos_hdf5_fail(err, "it cannot be closed");
  return status;
}

/* Fill a part of a dataset: one block of every rank, all ranks together. The disk begins with it at
 * once. */
static herr_t write_block(const writer *w, hid_t dataset, int i, int64_t round) {
  const oikos_field *f = &w->fields[i];
  int64_t first, count, row = (int64_t)row_bytes(f);
  block_of(w, f, round, &first, &count);
  hsize_t start[OIKOS_FIELD_DIMS] = {(hsize_t)first}, size[OIKOS_FIELD_DIMS] = {(hsize_t)count};
  for (int d = 1; d < f->n_dims; d++)
    size[d] = (hsize_t)f->dims[d];
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(f->n_dims, size, NULL),
        transfer = H5Pcreate(H5P_DATASET_XFER);
  // many small parts are gathered before they are written; a large one would only be copied
  bool large = f->dims[0] > oikos_mpiio_rows(w->team, row_bytes(f));
  H5Pset_dxpl_mpio(transfer, large ? H5FD_MPIO_INDEPENDENT : H5FD_MPIO_COLLECTIVE);
  if (count > 0) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  herr_t bad =
      H5Dwrite(dataset, oikos_field_hdf5(f), memory, space, transfer, rows_of(w, f, first, count));
  oikos_sync_begin(w->fd, w->offset[i] + first * row, count * row);
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  return bad;
}

/* Fill one dataset. A rank that fails ends the job, or stays in step with the others. */
static oikos_status write_field(const writer *w, hid_t file, int i, oikos_error *err) {
  char what[320];
  oikos_status status = OIKOS_OK;
  hid_t dataset = H5Dopen2(file, w->fields[i].name, H5P_DEFAULT);
  snprintf(what, sizeof what, "dataset %.256s cannot be written", w->fields[i].name);
  for (int64_t round = 0; round < w->rounds[i]; round++) {
    if (write_block(w, dataset, i, round) < 0)
      status = oikos_mpiio_strand(w->team, w->path, what, err);
    oikos_pulse_beat(w->team->pulse);
  }
  H5Dclose(dataset);
  return status;
}

static oikos_status write_data(writer *w, const char *temporary, oikos_error *err) {
  hid_t file;
  oikos_status status = OIKOS_OK;
  OIKOS_TRY(oikos_mpiio_open_together(w->team, temporary, &file, err));
  w->fd = open(temporary, O_RDWR | O_CLOEXEC); // for a hint alone
  // every rank goes through every collective call, so that a failure on one leaves none waiting
  for (int i = 0; i < w->n; i++) {
    oikos_error one;
    const oikos_field *f = &w->fields[i];
    if (!oikos_field_empty(f) && !is_small(f) && write_field(w, file, i, &one) != OIKOS_OK &&
        status == OIKOS_OK) {
      status = one.status;
      if (err)
        *err = one;
    }
  }
  if (w->fd >= 0)
    close(w->fd);
  oikos_status closed = oikos_mpiio_close(w->team, w->path, file, status == OIKOS_OK ? err : NULL);
  return oikos_agree(w->team, status == OIKOS_OK ? closed : status, err);
}

/* Read the file back, once, and write it to disk meanwhile, from each node what it wrote. */
static oikos_status read_back(const writer *w, const char *path, char hash[OIKOS_DIGEST],
                              oikos_error *err) {
  bool syncs = w->team->node_rank == 0;
  OIKOS_TRY(oikos_checkpoint_read_back(w->team, path, w->fields, w->n, w->offset, w->checksum, hash,
                                       err));
  return oikos_agree(w->team, syncs ? oikos_sync_large(path, w->team->pulse, err) : OIKOS_OK, err);
}

/* The seal, and the name that is looked for. */
static oikos_status seal(const char *temporary, const char *path, const char hash[OIKOS_DIGEST],
                         oikos_error *err) {
  OIKOS_TRY(oikos_seal_put(NULL, temporary, OIKOS_CHECKPOINT_KIND, hash, err));
  OIKOS_TRY(oikos_sync_file(temporary, err));
  return oikos_rename_synced(temporary, path, err);
}

/* About the size that the file will have. */
static off_t size_of(const writer *w) {
  double bytes = 1 << 20;
  for (int i = 0; i < w->n; i++)
    bytes += oikos_field_bytes(&w->fields[i]);
  return (off_t)bytes;
}

/* Take the disk space first. A disk that fills up under MPI-IO makes it hang, and a failed flush
 * makes HDF5 1.10 crash at the end of the process; so both only ever see space that is already
 * theirs. */
static oikos_status create(const writer *w, const char *path, const oikos_checkpoint_info *info,
                           oikos_error *err) {
  OIKOS_TRY(oikos_reserve(path, size_of(w), err));
  OIKOS_TRY(create_file(w, path, info, err));
  return oikos_reserve(path, 0, err);
}

static oikos_status write_and_seal(writer *w, const char *path, char *temporary,
                                   const oikos_checkpoint_info *info, oikos_error *err) {
  char hash[OIKOS_DIGEST];
  OIKOS_TRY(oikos_agree(w->team, prepare(w, err), err));
  OIKOS_TRY(sum_checksums(w, err));
  OIKOS_TRY(oikos_mpiio_create(w->team, path, temporary, err));
  oikos_status status = w->team->rank == 0 ? create(w, temporary, info, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(w->team, status, err));
  MPI_Bcast(w->offset, w->n, MPI_INT64_T, 0, w->team->world);
  OIKOS_TRY(write_data(w, temporary, err));
  OIKOS_TRY(read_back(w, temporary, hash, err));
  return oikos_agree(w->team, w->team->rank == 0 ? seal(temporary, path, hash, err) : OIKOS_OK,
                     err);
}

oikos_status oikos_checkpoint_write(const oikos_team *team, const char *path,
                                    const oikos_checkpoint_info *info, const oikos_field *fields,
                                    int n, oikos_error *err) {
  writer w = {.team = team, .path = path, .fields = fields, .n = n, .fd = -1};
  char temporary[OIKOS_NAME_MAX] = "";
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = write_and_seal(&w, path, temporary, info, err);
  oikos_hdf5_restore(was);
  free(w.checksum);
  free(w.rounds);
  free(w.offset);
  free(w.packed);
  if (status != OIKOS_OK) {
    if (team->rank == 0 && temporary[0])
      unlink(temporary);
    oikos_fail_prefix(err, "checkpoint %s could not be written: ", path);
  }
  return status;
}
