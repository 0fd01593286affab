/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"
#include "store/sync.h"

/* One write: its fields, which go out by blocks of rows. */
typedef struct writer {
  const oikos_team *team;
  const oikos_field *fields;
  int n;
  uint64_t *checksum; /* (n) */
  int64_t *rounds;    /* (n) blocks of the rank that has most of them */
  char *packed;       /* a block of rows that do not stand together in memory */
} writer;

static size_t row_bytes(const oikos_field *f) {
  return oikos_field_row(f) * oikos_field_element(f);
}

/* This rank's block number `round` of a field: where its rows begin and how many they are, maybe
 * none. */
static void block_of(const writer *w, const oikos_field *f, int64_t round, int64_t *first,
                     int64_t *count) {
  int64_t block = oikos_mpiio_rows(w->team, row_bytes(f));
  oikos_field_rows(f, w->team, first, count);
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
  for (int i = 0; i < w->n; i++) {
    const oikos_field *f = &w->fields[i];
    int64_t first, count;
    block_of(w, f, 0, &first, &count);
    size_t bytes = f->stride == oikos_field_row(f) ? 0 : oikos_mul(row_bytes(f), (size_t)count);
    largest = bytes > largest ? bytes : largest;
  }
  return oikos_alloc(&w->packed, largest, 1, "a checkpoint", err);
}

/* The fields' checksums, and how many rounds each takes. */
static void sum_checksums(const writer *w) {
  for (int i = 0; i < w->n; i++) {
    const oikos_field *f = &w->fields[i];
    int64_t first, count;
    for (block_of(w, f, 0, &first, &count); count > 0;
         block_of(w, f, ++w->rounds[i], &first, &count))
      w->checksum[i] +=
          oikos_rows_checksum(rows_of(w, f, first, count), first, count, row_bytes(f));
  }
  MPI_Allreduce(MPI_IN_PLACE, w->checksum, w->n, MPI_UINT64_T, MPI_SUM, w->team->world);
  MPI_Allreduce(MPI_IN_PLACE, w->rounds, w->n, MPI_INT64_T, MPI_MAX, w->team->world);
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

/* Lay one dataset out: its place in the file is taken, its data not written yet. */
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
  H5Pset_userblock(creation, OIKOS_USER_BLOCK);
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

/* Fill a part of a dataset: one block of every rank, all ranks together. */
static herr_t write_block(const writer *w, hid_t dataset, const oikos_field *f, int64_t round) {
  int64_t first, count;
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
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  return bad;
}

/* Fill one dataset. A failure on this rank leaves it in step with the others. */
static oikos_status write_field(const writer *w, hid_t file, int i, oikos_error *err) {
  herr_t bad = 0;
  hid_t dataset = H5Dopen2(file, w->fields[i].name, H5P_DEFAULT);
  for (int64_t round = 0; round < w->rounds[i]; round++)
    bad |= write_block(w, dataset, &w->fields[i], round);
  H5Dclose(dataset);
  return bad < 0 ? oikos_hdf5_fail(err, "dataset %s cannot be written", w->fields[i].name)
                 : OIKOS_OK;
}

static oikos_status write_data(const writer *w, const char *path, oikos_error *err) {
  hid_t file;
  oikos_status status = OIKOS_OK;
  OIKOS_TRY(oikos_mpiio_open_together(w->team, path, &file, err));
  // every rank goes through every collective call, so that a failure on one leaves none waiting
  for (int i = 0; i < w->n; i++) {
    oikos_error one;
    if (!oikos_field_empty(&w->fields[i]) && write_field(w, file, i, &one) != OIKOS_OK &&
        status == OIKOS_OK) {
      status = one.status;
      if (err)
        *err = one;
    }
  }
  oikos_status closed = oikos_mpiio_close(w->team, file, status == OIKOS_OK ? err : NULL);
  return oikos_agree(w->team, status == OIKOS_OK ? closed : status, err);
}

/* The checksum of a dataset in the file, read by blocks of rows. */
static oikos_status sum_dataset(hid_t dataset, const char *path, uint64_t *sum, oikos_error *err) {
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  hsize_t dims[OIKOS_FIELD_DIMS] = {0}, start[OIKOS_FIELD_DIMS] = {0};
  int n_dims = H5Sget_simple_extent_ndims(space);
  if (n_dims >= 1 && n_dims <= OIKOS_FIELD_DIMS)
    H5Sget_simple_extent_dims(space, dims, NULL);
  size_t bytes =
      dims[0] ? (size_t)H5Sget_simple_extent_npoints(space) / (size_t)dims[0] * H5Tget_size(type)
              : 0;
  int64_t rows = (int64_t)dims[0], block = oikos_mpiio_rows(NULL, bytes);
  block = rows < block ? rows : block;
  char *data = NULL;
  oikos_status status = oikos_alloc(&data, (size_t)block, bytes, path, err);
  *sum = 0;
  for (int64_t first = 0; status == OIKOS_OK && first < rows; first += block) {
    dims[0] = (hsize_t)(rows - first < block ? rows - first : block);
    start[0] = (hsize_t)first;
    hid_t memory = H5Screate_simple(n_dims, dims, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, dims, NULL);
    if (H5Dread(dataset, type, memory, space, H5P_DEFAULT, data) < 0)
      status = oikos_hdf5_fail(err, "dataset %s cannot be read back", path);
    *sum += oikos_rows_checksum(data, first, (int64_t)dims[0], bytes);
    H5Sclose(memory);
  }
  free(data);
  H5Tclose(type);
  H5Sclose(space);
  return status;
}

/* Data that was read back must have the checksum that was taken in memory. */
static oikos_status check_dataset(void *user, hid_t dataset, const char *path, oikos_error *err) {
  (void)user;
  uint64_t written, read;
  OIKOS_TRY(oikos_get_number(dataset, "checksum", H5T_NATIVE_UINT64, &written, err));
  OIKOS_TRY(sum_dataset(dataset, path, &read, err));
  if (read != written)
    return oikos_fail(
        err, OIKOS_ERROR,
        "dataset %s was read back with other bits than written: the disk or its driver is faulty",
        path);
  return OIKOS_OK;
}

static oikos_status read_back(const char *path, oikos_error *err) {
  hid_t file;
  OIKOS_TRY(oikos_mpiio_open_alone(path, &file, err));
  oikos_status status = oikos_visit_datasets(file, check_dataset, NULL, err);
  H5Fclose(file);
  return status;
}

static oikos_status seal(const char *path, oikos_error *err) {
  char hash[OIKOS_DIGEST], block[OIKOS_USER_BLOCK] = "";
  OIKOS_TRY(oikos_sync_file(path, err));
  OIKOS_TRY(read_back(path, err));
  OIKOS_TRY(oikos_file_hash(path, hash, err));
  snprintf(block, sizeof block, "%sxxh3-128 %s\n", OIKOS_CHECKPOINT_MAGIC, hash);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || pwrite(fd, block, sizeof block, 0) != (ssize_t)sizeof block) {
    oikos_status status =
        oikos_fail(err, OIKOS_ERROR, "its user block cannot be written: %s", strerror(errno));
    if (fd >= 0)
      close(fd);
    return status;
  }
  close(fd);
  return oikos_sync_file(path, err);
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
  OIKOS_TRY(oikos_agree(w->team, prepare(w, err), err));
  sum_checksums(w);
  OIKOS_TRY(oikos_mpiio_create(w->team, path, temporary, err));
  oikos_status status = w->team->rank == 0 ? create(w, temporary, info, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(w->team, status, err));
  OIKOS_TRY(write_data(w, temporary, err));
  if (w->team->rank == 0) {
    status = seal(temporary, err);
    if (status == OIKOS_OK)
      status = oikos_rename_synced(temporary, path, err);
  }
  return oikos_agree(w->team, status, err);
}

oikos_status oikos_checkpoint_write(const oikos_team *team, const char *path,
                                    const oikos_checkpoint_info *info, const oikos_field *fields,
                                    int n, oikos_error *err) {
  writer w = {.team = team, .fields = fields, .n = n};
  char temporary[OIKOS_NAME_MAX] = "";
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = write_and_seal(&w, path, temporary, info, err);
  oikos_hdf5_restore(was);
  free(w.checksum);
  free(w.rounds);
  free(w.packed);
  if (status != OIKOS_OK) {
    if (team->rank == 0 && temporary[0])
      unlink(temporary);
    oikos_fail_prefix(err, "checkpoint %s could not be written: ", path);
  }
  return status;
}
