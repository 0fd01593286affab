/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: one HDF5 file each, filled by all ranks at once through MPI-IO, readable with h5py
 * and h5dump.
 *
 * The file begins with a seal (store/seal.h) of the kind "oikos checkpoint 2". It is written last,
 * after the data was read back, so a file whose seal is right is whole; any truncation or changed
 * bit shows before HDF5 looks at it. Checkpoints of 0.1.0 begin with "oikos checkpoint 1\n", then
 * "xxh3-128 <hash of all bytes behind the first 512>\n"; they are read too. Root attributes:
 * format, format_version, step, config (YAML), oikos_version, libraries, numerics, ranks, created.
 * Every dataset has the attributes description, checksum and state (1 if it is part of the state
 * that the digest covers).
 *
 * A dataset's checksum is the sum modulo 2^64, over its rows r, of XXH3-64 of the row's bytes with
 * seed r: it does not depend on which rank wrote which row.
 */
#ifndef OIKOS_STORE_CHECKPOINT_H
#define OIKOS_STORE_CHECKPOINT_H

#include <stdbool.h>

#include "store/block_hash.h"

enum { OIKOS_FIELD_DIMS = 6 };

typedef enum {
  OIKOS_FIELD_REAL,
  OIKOS_FIELD_DOUBLE,
  OIKOS_FIELD_INT32,
  OIKOS_FIELD_INT64
} oikos_field_type;

/** What the numbers of a field may be. */
typedef struct oikos_range {
  double least, most;
  bool unknown; /* they may also be NaN */
} oikos_range;

/** One dataset and where it stands in memory. A field with a dimension of 0 is not written. */
typedef struct oikos_field {
  char name[128]; /* its path in the file */
  const char *meaning;
  oikos_field_type type;
  int n_dims;
  int64_t dims[OIKOS_FIELD_DIMS]; /* of the dataset; dims[0] counts the rows */
  void *data;
  size_t stride; /* elements from row to row in memory */
  bool owned;    /* rows are spread over ranks: data is row `first`, and this rank has `count`; else
                    all have all */
  int64_t first, count; /* owned only */
  bool optional;        /* where the file lacks it, zeros are read: it came with a later version */
  bool not_state;       /* times and the like: outside the digest */
  bool checked;         /* no other numbers than these are written or read */
  oikos_range range;
  const char *old_name; /* in files of older versions, which are read too; NULL: the same */
} oikos_field;

/** The size of a dataset. */
double oikos_field_bytes(const oikos_field *f);

/** What a checkpoint says of itself. */
typedef struct oikos_checkpoint_info {
  int64_t step;
  int64_t ranks;
  int64_t records; /* lines of history it holds */
  char *config;    /* YAML; owned by the struct when read */
  char *version, *libraries, *numerics, *created;
} oikos_checkpoint_info;

/**
 * Write a checkpoint. Collective. Under a temporary name, synced, read back and verified, then
 * renamed: a failure leaves what was there before.
 */
oikos_status oikos_checkpoint_write(const oikos_team *team, const char *path,
                                    const oikos_checkpoint_info *info, const oikos_field *fields,
                                    int n, oikos_error *err);

/** A checkpoint that was found to be whole: all of its bytes were hashed, once. */
typedef struct oikos_checkpoint oikos_checkpoint;

/** Collective over @p team, whose ranks hash it together; NULL: this process alone. Released by
 * oikos_checkpoint_close. */
oikos_status oikos_checkpoint_open(const oikos_team *team, const char *path,
                                   oikos_checkpoint **checkpoint, oikos_error *err);

/** NULL does nothing. Not collective. */
void oikos_checkpoint_close(oikos_checkpoint *checkpoint);

/** Where it is, and what it says of itself; the same on all ranks. Not collective. */
const char *oikos_checkpoint_file(const oikos_checkpoint *checkpoint);
const oikos_checkpoint_info *oikos_checkpoint_about(const oikos_checkpoint *checkpoint);

/** Fill the fields' data from a checkpoint that the ranks of this team have opened; types, shapes
 * and numbers must be as the fields say. Collective. */
oikos_status oikos_checkpoint_read(const oikos_team *team, const oikos_checkpoint *checkpoint,
                                   const oikos_field *fields, int n, oikos_error *err);

/** One hash over all state in a checkpoint: equal for equal state, whoever wrote it. Not
 * collective. */
oikos_status oikos_checkpoint_digest(const oikos_checkpoint *checkpoint, char digest[OIKOS_DIGEST],
                                     oikos_error *err);

#endif
