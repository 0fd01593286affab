/* SPDX-License-Identifier: MIT */
#include "dist/shared_sum.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"

enum { BLOCK = 2048, NAME = 64, ALIGNED = 4096 };

struct oikos_shared_sum {
  MPI_Comm node, lane; /* lane: the ranks that add up the same slice on other nodes */
  int node_rank, node_size;
  size_t n, first, count; /* words; this rank's slice of them */
  size_t bytes;           /* of the words of one rank, whole pages */
  char *memory; /* of the node: the words of each rank, then the result; NULL: not mapped */
};

static int64_t *words_of(const struct oikos_shared_sum *s, int node_rank) {
  return (int64_t *)(void *)(s->memory + (size_t)node_rank * s->bytes);
}

static int64_t *total_of(const struct oikos_shared_sum *s) {
  return words_of(s, s->node_size);
}

/* The ranks with the same place on each node; only as many places as the smallest node has. */
static oikos_status split_lanes(const oikos_team *team, struct oikos_shared_sum *s,
                                oikos_error *err) {
  int lanes;
  int64_t first, count;
  MPI_Allreduce(&team->node_size, &lanes, 1, MPI_INT, MPI_MIN, team->world);
  bool takes_part = team->node_rank < lanes;
  if (MPI_Comm_split(team->world, takes_part ? team->node_rank : MPI_UNDEFINED, team->rank,
                     &s->lane) != MPI_SUCCESS)
    return oikos_fail(err, OIKOS_ERROR, "the MPI communicator could not be split into lanes");
  if (takes_part) {
    oikos_share((int64_t)s->n, team->node_rank, lanes, &first, &count);
    s->first = (size_t)first;
    s->count = (size_t)count;
  }
  return OIKOS_OK;
}

/* Take a part of a file from the system now: later a full /dev/shm would be a SIGBUS. */
static bool take(int file, size_t part, size_t bytes) {
  return posix_fallocate(file, (off_t)(part * bytes), (off_t)bytes) == 0;
}

/* Map the node's memory. Each rank takes its own part, so that it is near to it. */
static bool map(struct oikos_shared_sum *s, const char *name) {
  size_t parts = (size_t)s->node_size + 1;
  int file = shm_open(name, O_RDWR, 0);
  bool have = file >= 0 && take(file, (size_t)s->node_rank, s->bytes) &&
              (s->node_rank > 0 || take(file, parts - 1, s->bytes));
  void *memory =
      have ? mmap(NULL, parts * s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  if (file >= 0)
    close(file);
  s->memory = memory == MAP_FAILED ? NULL : memory;
  return s->memory != NULL;
}

/* One piece of memory for the ranks of the node, under a name that is gone before anybody can leave
 * it behind. False, on all ranks, if some node has none. */
static bool share_memory(const oikos_team *team, struct oikos_shared_sum *s) {
  char name[NAME] = "";
  struct timespec now;
  int file = -1, mapped = 0, all;
  if (s->node_rank == 0) {
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "/oikos-%ld-%ld%09ld", (long)getpid(), (long)now.tv_sec,
             now.tv_nsec);
    file = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    mapped = file >= 0 && ftruncate(file, (off_t)(((size_t)s->node_size + 1) * s->bytes)) == 0;
  }
  MPI_Bcast(name, NAME, MPI_CHAR, 0, s->node);
  MPI_Bcast(&mapped, 1, MPI_INT, 0, s->node);
  mapped = mapped && map(s, name);
  MPI_Allreduce(&mapped, &all, 1, MPI_INT, MPI_MIN, team->world);
  if (file >= 0) {
    close(file);
    shm_unlink(name);
  }
  return all;
}

static void unmap(struct oikos_shared_sum *s) {
  if (s->memory)
    munmap(s->memory, ((size_t)s->node_size + 1) * s->bytes);
  s->memory = NULL;
}

oikos_status oikos_shared_sum_create(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum,
                                     oikos_error *err) {
  int most;
  *sum = (oikos_sum){0};
  MPI_Allreduce(&team->node_size, &most, 1, MPI_INT, MPI_MAX, team->world);
  if (most == 1 || oikos_grid_plain(grid) > 0)
    return oikos_agree(team, oikos_sum_create(grid, sum, err), err);
  struct oikos_shared_sum *s = NULL;
  oikos_status status = oikos_agree(team, oikos_alloc(&s, 1, sizeof *s, "the sums", err), err);
  if (status != OIKOS_OK) {
    free(s);
    return status;
  }
  *s = (struct oikos_shared_sum){.node = team->node,
                                 .lane = MPI_COMM_NULL,
                                 .node_rank = team->node_rank,
                                 .node_size = team->node_size,
                                 .n = oikos_grid_words(grid)};
  s->bytes = (oikos_mul(s->n, sizeof(int64_t)) + ALIGNED - 1) / ALIGNED * ALIGNED;
  if (!share_memory(team, s)) { // each rank its own, as on nodes of one rank
    unmap(s);
    free(s);
    return oikos_agree(team, oikos_sum_create(grid, sum, err), err);
  }
  sum->shared = s;
  sum->words = sum->own = words_of(s, s->node_rank);
  return oikos_agree(team, split_lanes(team, s, err), err);
}

void oikos_shared_sum_destroy(oikos_sum *sum) {
  struct oikos_shared_sum *s = sum->shared;
  if (!s) {
    oikos_sum_destroy(sum);
    return;
  }
  if (s->lane != MPI_COMM_NULL)
    MPI_Comm_free(&s->lane);
  unmap(s);
  free(s);
  *sum = (oikos_sum){0};
}

/* All ranks of the node have come here, and see what the others have written. */
static void meet(const struct oikos_shared_sum *s) {
  atomic_thread_fence(memory_order_seq_cst);
  MPI_Barrier(s->node);
  atomic_thread_fence(memory_order_seq_cst);
}

/* This rank's slice of the result, a block at a time so that it stays in the cache. */
static void add_slice(const struct oikos_shared_sum *s) {
  for (size_t at = s->first; at < s->first + s->count; at += BLOCK) {
    size_t left = s->first + s->count - at, count = left < BLOCK ? left : BLOCK;
    int64_t *restrict total = total_of(s) + at;
    memcpy(total, words_of(s, 0) + at, count * sizeof *total);
    for (int k = 1; k < s->node_size; k++) {
      const int64_t *restrict next = words_of(s, k) + at;
      for (size_t i = 0; i < count; i++)
        total[i] += next[i];
    }
  }
}

void oikos_shared_sum_reduce(oikos_sum *sum) {
  struct oikos_shared_sum *s = sum->shared;
  meet(s);
  add_slice(s);
  if (s->lane != MPI_COMM_NULL)
    oikos_all_reduce(s->lane, s->count, total_of(s) + s->first, MPI_INT64_T, MPI_SUM);
  meet(s);
  sum->words = total_of(s);
}
