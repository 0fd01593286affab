/* SPDX-License-Identifier: MIT
 * Reading a checkpoint back after it was written. The ranks share its bytes evenly, not by rows: of
 * a row that lies on a border the rank that has its beginning reads the rest. */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "base/xxh3.h"
#include "store/checkpoint_impl.h"
#include "store/file_bytes.h"
#include "store/seal.h"

typedef struct field_check {
  const oikos_team *team;
  const oikos_field *fields;
  int n;
  const int64_t *offset; /* (n) */
  uint64_t *sum;         /* (n) of the rows that this rank has read */
  XXH3_state_t *state;   /* of the row that is cut by the end of a block */
  int64_t missing;       /* bytes of it that are still to come; 0: no row is cut */
  int field;             /* whose row it is */
  int64_t end;           /* of what was read */
} field_check;

/* Bytes begin..end-1 of a field's data, counted from its first row. */
static void sum_rows(field_check *r, int i, int64_t begin, int64_t end, const char *bytes) {
  int64_t row = (int64_t)(oikos_field_row(&r->fields[i]) * oikos_field_element(&r->fields[i]));
  for (int64_t offset = begin, n; offset < end; offset += n, bytes += n) {
    int64_t inside = offset % row;
    n = row - inside < end - offset ? row - inside : end - offset;
    if (n == row) {
      r->sum[i] += oikos_rows_checksum(bytes, offset / row, 1, (size_t)row);
      continue;
    }
    if (inside == 0) {
      XXH3_64bits_reset_withSeed(r->state, (XXH64_hash_t)(offset / row));
      r->missing = row;
      r->field = i;
    }
    if (r->missing == 0) // the rank before reads this row
      continue;
    XXH3_64bits_update(r->state, bytes, (size_t)n);
    r->missing -= n;
    if (r->missing == 0)
      r->sum[i] += XXH3_64bits_digest(r->state);
  }
}

static oikos_status see(void *user, int64_t offset, const char *bytes, size_t n, oikos_error *err) {
  field_check *r = user;
  (void)err;
  r->end = offset + (int64_t)n;
  for (int i = 0; i < r->n; i++) {
    const oikos_field *f = &r->fields[i];
    if (oikos_field_empty(f))
      continue;
    int64_t from = r->offset[i],
            to = from + f->dims[0] * (int64_t)(oikos_field_row(f) * oikos_field_element(f)),
            begin = from > offset ? from : offset, end = to < r->end ? to : r->end;
    if (begin < end)
      sum_rows(r, i, begin - from, end - from, bytes + (begin - offset));
  }
  oikos_pulse_beat(r->team->pulse);
  return OIKOS_OK;
}

/* The rest of the row that the end of this rank's bytes cuts. */
static oikos_status finish_row(field_check *r, const char *path, oikos_error *err) {
  char *block;
  int fd;
  int64_t size;
  if (r->missing == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_bytes_open(path, &fd, &size, err));
  oikos_status status = oikos_alloc(&block, OIKOS_HASH_BLOCK, 1, "a block of a file", err);
  while (status == OIKOS_OK && r->missing > 0) {
    size_t n = r->missing < OIKOS_HASH_BLOCK ? (size_t)r->missing : OIKOS_HASH_BLOCK;
    status = oikos_bytes_read(fd, r->end, block, n, err);
    if (status == OIKOS_OK)
      sum_rows(r, r->field, r->end - r->offset[r->field], r->end - r->offset[r->field] + (int64_t)n,
               block);
    r->end += (int64_t)n;
    oikos_pulse_beat(r->team->pulse);
  }
  free(block);
  close(fd);
  return status;
}

static oikos_status compare(const field_check *r, const uint64_t *checksum, oikos_error *err) {
  for (int i = 0; i < r->n; i++)
    if (!oikos_field_empty(&r->fields[i]) && r->sum[i] != checksum[i])
      return oikos_fail(err, OIKOS_ERROR,
                        "dataset %s was read back with other bits than written: the disk or its "
                        "driver is faulty",
                        r->fields[i].name);
  return OIKOS_OK;
}

static oikos_status create(field_check *r, oikos_error *err) {
  r->state = XXH3_createState();
  if (!r->state)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  return oikos_alloc(&r->sum, (size_t)r->n, sizeof *r->sum, "the checksums", err);
}

oikos_status oikos_checkpoint_read_back(const oikos_team *team, const char *path,
                                        const oikos_field *fields, int n, const int64_t *offset,
                                        const uint64_t *checksum, char hash[OIKOS_DIGEST],
                                        oikos_error *err) {
  field_check r = {.team = team, .fields = fields, .n = n, .offset = offset};
  oikos_status status = oikos_agree(team, create(&r, err), err);
  if (status == OIKOS_OK)
    status = oikos_block_hash(team, path, OIKOS_SEAL, see, &r, hash, err);
  if (status == OIKOS_OK)
    status = oikos_agree(team, finish_row(&r, path, err), err);
  if (status == OIKOS_OK) {
    MPI_Allreduce(MPI_IN_PLACE, r.sum, n, MPI_UINT64_T, MPI_SUM, team->world);
    status = compare(&r, checksum, err);
  }
  XXH3_freeState(r.state);
  free(r.sum);
  return status;
}
