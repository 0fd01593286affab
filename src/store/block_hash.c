/* SPDX-License-Identifier: MIT */
#include "store/block_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "base/xxh3.h"
#include "store/file_bytes.h"

/* One rank's part of the work. */
typedef struct hash_work {
  const oikos_team *team; /* NULL: alone */
  int rank, ranks;
  int fd;
  int64_t from, size;           /* the file's bytes from..size-1 */
  int64_t blocks, first, count; /* in all; of this rank */
  char *block;                  /* (OIKOS_HASH_BLOCK) */
  unsigned char *hashes;        /* (count, or on rank 0 blocks; 16) canonical */
  oikos_block_visit *visit;
  void *user;
} hash_work;

void oikos_digest_text(const unsigned char canonical[16], char text[OIKOS_DIGEST]) {
  for (int i = 0; i < 16; i++)
    snprintf(text + (size_t)i * 2, 3, "%02x", canonical[i]);
}

static int64_t blocks_of(int64_t from, int64_t size) {
  return size > from ? (size - from - 1) / OIKOS_HASH_BLOCK + 1 : 0;
}

/* Those that are here: a plan for other numbers of ranks (oikos_team.size) is made by fewer. */
static int ranks_of(const oikos_team *team) {
  int ranks = 1;
  if (team)
    MPI_Comm_size(team->world, &ranks);
  return ranks;
}

void oikos_block_share(const oikos_team *team, int64_t from, int64_t size, int64_t *first,
                       int64_t *count) {
  int64_t block, n;
  oikos_share(blocks_of(from, size), team ? team->rank : 0, ranks_of(team), &block, &n);
  int64_t end = from + (block + n) * OIKOS_HASH_BLOCK;
  *first = from + block * OIKOS_HASH_BLOCK;
  *count = n == 0 ? 0 : (end < size ? end : size) - *first;
}

static oikos_status agree(const hash_work *w, oikos_status status, oikos_error *err) {
  return w->team ? oikos_agree(w->team, status, err) : status;
}

/* All ranks go by the size that rank 0 sees. */
static oikos_status open_file(hash_work *w, const char *path, oikos_error *err) {
  oikos_status status = oikos_bytes_open(path, &w->fd, &w->size, err);
  OIKOS_TRY(agree(w, status, err));
  if (w->team)
    oikos_broadcast(w->team, &w->size, sizeof w->size);
  w->blocks = blocks_of(w->from, w->size);
  oikos_share(w->blocks, w->rank, w->ranks, &w->first, &w->count);
  status = oikos_alloc(&w->block, OIKOS_HASH_BLOCK, 1, "a block of a file", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&w->hashes, (size_t)(w->rank == 0 ? w->blocks : w->count), 16,
                         "the hashes of a file", err);
  return agree(w, status, err);
}

static oikos_status hash_blocks(const hash_work *w, oikos_error *err) {
  for (int64_t i = 0; i < w->count; i++) {
    int64_t offset = w->from + (w->first + i) * OIKOS_HASH_BLOCK, left = w->size - offset;
    size_t n = left < OIKOS_HASH_BLOCK ? (size_t)left : OIKOS_HASH_BLOCK;
    OIKOS_TRY(oikos_bytes_read(w->fd, offset, w->block, n, err));
    XXH128_canonicalFromHash((XXH128_canonical_t *)(w->hashes + 16 * i), XXH3_128bits(w->block, n));
    OIKOS_TRY(w->visit ? w->visit(w->user, offset, w->block, n, err)
                       : oikos_pulse_check(w->team ? w->team->pulse : NULL, err));
  }
  return OIKOS_OK;
}

/* All hashes to rank 0, in order: that of rank 0 stand at the beginning already. */
static void gather(const hash_work *w, int *counts, int *starts) {
  MPI_Datatype hash;
  for (int r = 0; w->rank == 0 && r < w->ranks; r++) {
    int64_t first, count;
    oikos_share(w->blocks, r, w->ranks, &first, &count);
    counts[r] = (int)count;
    starts[r] = (int)first;
  }
  MPI_Type_contiguous(16, MPI_BYTE, &hash);
  MPI_Type_commit(&hash);
  MPI_Gatherv(w->rank == 0 ? MPI_IN_PLACE : w->hashes, (int)w->count, hash, w->hashes, counts,
              starts, hash, 0, w->team->world);
  MPI_Type_free(&hash);
}

/* The hash of the hashes. */
static oikos_status conclude(const hash_work *w, char hash[OIKOS_DIGEST], oikos_error *err) {
  XXH3_state_t *state = XXH3_createState();
  XXH128_canonical_t canonical;
  uint64_t hashed = w->size > w->from ? (uint64_t)(w->size - w->from) : 0;
  unsigned char bytes[8];
  if (!state)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  for (int i = 0; i < 8; i++)
    bytes[i] = (unsigned char)(hashed >> (8 * i));
  XXH3_128bits_reset(state);
  XXH3_128bits_update(state, w->hashes, (size_t)w->blocks * 16);
  XXH3_128bits_update(state, bytes, sizeof bytes);
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  XXH3_freeState(state);
  oikos_digest_text(canonical.digest, hash);
  return OIKOS_OK;
}

static oikos_status hash_all(hash_work *w, const char *path, char hash[OIKOS_DIGEST],
                             oikos_error *err) {
  OIKOS_TRY(open_file(w, path, err));
  oikos_status status = hash_blocks(w, err);
  if (status == OIKOS_OK && w->blocks > INT32_MAX)
    status = oikos_fail(err, OIKOS_ERROR, "it is larger than can be hashed");
  OIKOS_TRY(agree(w, status, err));
  if (w->ranks > 1) {
    int *places = NULL;
    status = oikos_alloc(&places, 2 * (size_t)w->ranks, sizeof *places, "the hashes", err);
    OIKOS_TRY(agree(w, status, err));
    gather(w, places, places + w->ranks);
    free(places);
  }
  if (w->rank == 0)
    status = conclude(w, hash, err);
  OIKOS_TRY(agree(w, status, err));
  if (w->team)
    oikos_broadcast(w->team, hash, OIKOS_DIGEST);
  return OIKOS_OK;
}

oikos_status oikos_block_hash(const oikos_team *team, const char *path, int64_t from,
                              oikos_block_visit *visit, void *user, char hash[OIKOS_DIGEST],
                              oikos_error *err) {
  hash_work w = {.team = team,
                 .rank = team ? team->rank : 0,
                 .ranks = ranks_of(team),
                 .fd = -1,
                 .from = from,
                 .visit = visit,
                 .user = user};
  oikos_status status = hash_all(&w, path, hash, err);
  if (w.fd >= 0)
    close(w.fd);
  free(w.block);
  free(w.hashes);
  return status;
}
