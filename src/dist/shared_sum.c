/* SPDX-License-Identifier: MIT */
#include "dist/shared_sum.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "dist/node_memory.h"

enum { BLOCK = 2048, ALIGNED = 4096 };

struct oikos_shared_sum {
  MPI_Comm node, lane; /* lane: the ranks that add up the same slice on other nodes */
  int node_rank, node_size;
  size_t n, first, count; /* words; this rank's slice of them */
  size_t bytes;           /* of the words of one rank, whole pages */
  char *memory;           /* of the node: the words of each rank, then the result */
  oikos_node_memory shared;
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

/* Memory for the words of each rank and the result. False, on all ranks, if some node has none. */
static bool share_memory(const oikos_team *team, struct oikos_shared_sum *s) {
  size_t parts = (size_t)s->node_size + 1, mine = s->node_rank == s->node_size - 1 ? 2 : 1;
  bool fits = oikos_mul(parts, s->bytes) < SIZE_MAX;
  int all, mapped = fits &&
                    oikos_node_memory_map(team, parts * s->bytes, (size_t)s->node_rank * s->bytes,
                                          mine * s->bytes, &s->shared);
  MPI_Allreduce(&mapped, &all, 1, MPI_INT, MPI_MIN, team->world);
  s->memory = s->shared.memory;
  return all;
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
    oikos_node_memory_unmap(&s->shared);
    free(s);
    return oikos_agree(team, oikos_sum_create(grid, sum, err), err);
  }
  sum->shared = s;
  sum->words = sum->local = words_of(s, s->node_rank);
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
  oikos_node_memory_unmap(&s->shared);
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
  for (size_t offset = s->first; offset < s->first + s->count; offset += BLOCK) {
    size_t left = s->first + s->count - offset, count = left < BLOCK ? left : BLOCK;
    int64_t *restrict total = total_of(s) + offset;
    memcpy(total, words_of(s, 0) + offset, count * sizeof *total);
    for (int k = 1; k < s->node_size; k++) {
      const int64_t *restrict next = words_of(s, k) + offset;
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
