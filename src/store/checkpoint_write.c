/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"
#include "store/seal.h"
#include "store/sync.h"

enum {
  SMALL = 1 << 20,      /* bytes of what all ranks have; */
  SMALL_PART = 1 << 16, /* of a rank's part of what is spread over them, on average */
  MOST_BLOCKS = 16,     /* in all */
  PIECE = 1 << 18       /* bytes that are still in the cache when they are read again */
};

/* One write: its fields, which go out by blocks of rows. */
typedef struct writer {
  const oikos_team *team;
  const oikos_field *fields;
  int n;
  uint64_t *checksum; /* (n) */
  int64_t *offset;    /* (n) where the data begins in the file */
  char *packed;       /* a block of rows that do not stand together in memory */
  bool *small;        /* (n) written by rank 0 */
  char *gathered; /* on rank 0: all rows of what is small and owned, one field after the other */
  int fd;         /* of the file, beside MPI-IO; -1: none */
  oikos_arena memory;
} writer;

static size_t row_bytes(const oikos_field *f) {
  return oikos_field_row(f) * oikos_field_element(f);
}

/* Whether other ranks have rows of what rank 0 writes. */
static bool is_gathered(const writer *w, int i) {
  return w->small[i] && w->fields[i].owned;
}

/* The rows of a field that this rank gives. */
static void local_rows(const writer *w, int i, int64_t *first, int64_t *count) {
  const oikos_field *f = &w->fields[i];
  *first = 0;
  *count = w->team->rank == 0 ? f->dims[0] : 0;
  if (f->owned || !w->small[i])
    oikos_field_rows(f, w->team, first, count);
}

static int64_t block_rows(const writer *w, int i) {
  return oikos_mpiio_rows(w->team, row_bytes(&w->fields[i]));
}

/* What is small is written by rank 0 as it makes the file: many ranks that write little keep a file
 * system busy for longer than it takes to gather that. Not more than rank 0 has room for. */
static void find_small(writer *w) {
  double left = (double)MOST_BLOCKS * (double)oikos_mpiio_rows(w->team, 1);
  for (int i = 0; i < w->n; i++) {
    const oikos_field *f = &w->fields[i];
    double bytes = oikos_field_bytes(f), most = (double)w->team->size * SMALL_PART;
    w->small[i] = f->owned ? bytes <= most && bytes <= left
                           : bytes <= SMALL && f->dims[0] <= block_rows(w, i);
    left -= is_gathered(w, i) ? bytes : 0;
  }
}

/* This rank's block number `round` of so many rows of a field: where they begin and how many they
 * are, maybe none. */
static void block_of(const writer *w, int i, int64_t block, int64_t round, int64_t *first,
                     int64_t *count) {
  local_rows(w, i, first, count);
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
  OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->checksum, (size_t)w->n, sizeof *w->checksum, err));
  OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->small, (size_t)w->n, sizeof *w->small, err));
  OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->offset, (size_t)w->n, sizeof *w->offset, err));
  find_small(w);
  for (int i = 0; i < w->n; i++) {
    const oikos_field *f = &w->fields[i];
    int64_t first, count;
    block_of(w, i, block_rows(w, i), 0, &first, &count);
    size_t bytes = f->stride == oikos_field_row(f) ? 0 : oikos_mul(row_bytes(f), (size_t)count);
    largest = bytes > largest ? bytes : largest;
  }
  return oikos_arena_alloc(&w->memory, &w->packed, largest, 1, err);
}

/* A field's checksum, as far as its rows are this rank's, and how many rounds it takes. Its numbers
 * are checked on the way: what could not be read must not take the place of what can. */
static oikos_status sum_field(const writer *w, int i, oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  int64_t first, count, block = block_rows(w, i), piece = PIECE / (int64_t)(row_bytes(f) + 1) + 1;
  block = piece < block ? piece : block;
  block_of(w, i, block, 0, &first, &count);
  for (int64_t round = 1; count > 0; block_of(w, i, block, round++, &first, &count)) {
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

/* What is small and owned on its way to rank 0, all of a rank together. */
typedef struct parcel {
  int total, *bytes;       /* (n) of each field that this rank gives */
  char *rows;              /* these, one field after the other */
  int *all, *sum, *offset; /* on rank 0: bytes of each rank (ranks, n), in all, where they begin */
  char *received;          /* on rank 0: the rows of one rank after the other */
  oikos_arena memory;
} parcel;

static oikos_status create_parcel(writer *w, parcel *p, oikos_error *err) {
  size_t ranks = w->team->rank == 0 ? (size_t)w->team->size : 0, n = (size_t)w->n, all = 0;
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &p->bytes, n, sizeof *p->bytes, err));
  for (int i = 0; i < w->n; i++) {
    int64_t first, count;
    local_rows(w, i, &first, &count);
    p->bytes[i] = is_gathered(w, i) ? (int)((size_t)count * row_bytes(&w->fields[i])) : 0;
    p->total += p->bytes[i];
    all += is_gathered(w, i) && ranks ? (size_t)oikos_field_bytes(&w->fields[i]) : 0;
  }
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &p->rows, (size_t)p->total, 1, err));
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &p->all, ranks * (n + 2), sizeof *p->all, err));
  p->sum = p->all + ranks * n;
  p->offset = p->sum + ranks;
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &p->received, all, 1, err));
  return oikos_arena_alloc(&w->memory, &w->gathered, all, 1, err);
}

static void pack(const writer *w, const parcel *p) {
  char *to = p->rows;
  for (int i = 0; i < w->n; i++) {
    size_t bytes = row_bytes(&w->fields[i]);
    int64_t first, count;
    local_rows(w, i, &first, &count);
    for (int64_t k = 0; is_gathered(w, i) && k < count; k++, to += bytes)
      memcpy(to, oikos_field_at(&w->fields[i], first + k), bytes);
  }
}

/* From one rank after the other to one field after the other. */
static void sort(const writer *w, const parcel *p) {
  char *to = w->gathered;
  for (int i = 0; i < w->n; i++)
    for (int r = 0; r < w->team->size; r++) {
      int bytes = p->all[r * w->n + i];
      if (bytes > 0)
        memcpy(to, p->received + p->offset[r], (size_t)bytes);
      to += bytes;
      p->offset[r] += bytes;
    }
}

static void exchange(const writer *w, const parcel *p) {
  MPI_Gather(p->bytes, w->n, MPI_INT, p->all, w->n, MPI_INT, 0, w->team->world);
  for (int r = 0; w->team->rank == 0 && r < w->team->size; r++) {
    for (int i = 0; i < w->n; i++)
      p->sum[r] += p->all[r * w->n + i];
    p->offset[r] = r ? p->offset[r - 1] + p->sum[r - 1] : 0;
  }
  MPI_Gatherv(p->rows, p->total, MPI_BYTE, p->received, p->sum, p->offset, MPI_BYTE, 0,
              w->team->world);
  if (w->team->rank == 0)
    sort(w, p);
}

static oikos_status gather(writer *w, oikos_error *err) {
  parcel p = {.memory.what = "a checkpoint"};
  oikos_status status = oikos_agree(w->team, create_parcel(w, &p, err), err);
  if (status == OIKOS_OK) {
    pack(w, &p);
    exchange(w, &p);
  }
  oikos_arena_free(&p.memory);
  return status;
}

static oikos_status fill_small(const writer *w, hid_t dataset, int i, oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  const char *rows = f->owned ? w->gathered : rows_of(w, f, 0, f->dims[0]);
  for (int k = 0; f->owned && k < i; k++)
    rows += is_gathered(w, k) ? (size_t)oikos_field_bytes(&w->fields[k]) : 0;
  herr_t bad = H5Dwrite(dataset, oikos_field_hdf5(f), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
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
  if (status == OIKOS_OK && w->small[i])
    status = fill_small(w, dataset, i, err);
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

/* Fill a part of a dataset: one block of this rank. The disk begins with it at once. */
static oikos_status write_block(const writer *w, hid_t dataset, hid_t transfer, int i,
                                int64_t first, int64_t count, oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  hsize_t start[OIKOS_FIELD_DIMS] = {(hsize_t)first}, size[OIKOS_FIELD_DIMS] = {(hsize_t)count};
  for (int d = 1; d < f->n_dims; d++)
    size[d] = (hsize_t)f->dims[d];
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(f->n_dims, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  herr_t bad =
      H5Dwrite(dataset, oikos_field_hdf5(f), memory, space, transfer, rows_of(w, f, first, count));
  H5Sclose(memory);
  H5Sclose(space);
  if (bad < 0)
    return oikos_hdf5_fail(err, "dataset %s cannot be written", f->name);
  int64_t row = (int64_t)row_bytes(f);
  oikos_sync_begin(w->fd, w->offset[i] + first * row, count * row);
  oikos_pulse_beat(w->team->pulse);
  return OIKOS_OK;
}

/* Fill this rank's part of one dataset. */
static oikos_status write_field(const writer *w, hid_t file, hid_t transfer, int i,
                                oikos_error *err) {
  const oikos_field *f = &w->fields[i];
  oikos_status status = OIKOS_OK;
  int64_t first, count, block = block_rows(w, i);
  hid_t dataset = H5Dopen2(file, f->name, H5P_DEFAULT);
  block_of(w, i, block, 0, &first, &count);
  for (int64_t round = 1; status == OIKOS_OK && count > 0;
       block_of(w, i, block, round++, &first, &count))
    status = write_block(w, dataset, transfer, i, first, count, err);
  H5Dclose(dataset);
  return status;
}

static oikos_status write_data(writer *w, const char *path, oikos_error *err) {
  hid_t file;
  oikos_status status = OIKOS_OK;
  OIKOS_TRY(oikos_mpiio_open_to_write(w->team, path, &file, err));
  hid_t transfer = oikos_mpiio_alone();
  w->fd = open(path, O_RDWR | O_CLOEXEC); // for a hint alone
  for (int i = 0; status == OIKOS_OK && i < w->n; i++)
    if (!oikos_field_empty(&w->fields[i]) && !w->small[i])
      status = write_field(w, file, transfer, i, err);
  if (w->fd >= 0)
    close(w->fd);
  H5Pclose(transfer);
  return oikos_mpiio_close(w->team, file, status, err);
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
  OIKOS_TRY(gather(w, err));
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
  writer w = {.team = team, .fields = fields, .n = n, .fd = -1, .memory.what = "a checkpoint"};
  char temporary[OIKOS_NAME_MAX] = "";
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = write_and_seal(&w, path, temporary, info, err);
  oikos_hdf5_restore(was);
  oikos_arena_free(&w.memory);
  if (status != OIKOS_OK) {
    if (team->rank == 0 && temporary[0])
      unlink(temporary);
    oikos_fail_prefix(err, "checkpoint %s could not be written: ", path);
  }
  return status;
}
