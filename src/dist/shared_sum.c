/* SPDX-License-Identifier: MIT */
#include "dist/shared_sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

enum { MAX_COUNT = 1 << 27, BLOCK = 2048 };

struct oikos_shared_sum {
  MPI_Comm node, lane; /* lane: the ranks that add up the same slice on other nodes */
  MPI_Win window;
  int node_rank, node_size;
  size_t n, first, count; /* words; this rank's slice of them */
  int64_t **words;        /* (node_size) of each rank of the node */
  int64_t *total;         /* (n) the node's result */
};

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

/* The words of every rank of the node, and the result behind those of the first. */
static oikos_status open_window(struct oikos_shared_sum *s, oikos_error *err) {
  MPI_Info info;
  MPI_Aint mine = (MPI_Aint)(s->n * sizeof(int64_t)) * (s->node_rank == 0 ? 2 : 1), size;
  int unit;
  void *base;
  MPI_Info_create(&info);
  MPI_Info_set(info, "alloc_shared_noncontig", "true");
  int failed = MPI_Win_allocate_shared(mine, 1, info, s->node, &base, &s->window);
  MPI_Info_free(&info);
  if (failed)
    return oikos_fail(err, OIKOS_ERROR,
                      "%lld bytes of shared memory for the sums could not be had from MPI",
                      (long long)mine);
  for (int k = 0; k < s->node_size; k++)
    MPI_Win_shared_query(s->window, k, &size, &unit, (void *)&s->words[k]);
  s->total = s->words[0] + s->n;
  MPI_Win_lock_all(MPI_MODE_NOCHECK, s->window);
  return OIKOS_OK;
}

static oikos_status create(const oikos_team *team, struct oikos_shared_sum *s, oikos_error *err) {
  OIKOS_TRY(oikos_agree(
      team, oikos_alloc(&s->words, (size_t)s->node_size, sizeof(int64_t *), "the sums", err), err));
  OIKOS_TRY(oikos_agree(team, split_lanes(team, s, err), err));
  return oikos_agree(team, open_window(s, err), err);
}

oikos_status oikos_shared_sum_create(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum,
                                     oikos_error *err) {
  int most;
  *sum = (oikos_sum){0};
  MPI_Allreduce(&team->node_size, &most, 1, MPI_INT, MPI_MAX, team->world);
  if (most == 1 || oikos_grid_plain(grid) > 0)
    return oikos_agree(team, oikos_sum_create(grid, sum, err), err);
  OIKOS_TRY(
      oikos_agree(team, oikos_alloc(&sum->shared, 1, sizeof *sum->shared, "the sums", err), err));
  *sum->shared = (struct oikos_shared_sum){.node = team->node,
                                           .lane = MPI_COMM_NULL,
                                           .window = MPI_WIN_NULL,
                                           .node_rank = team->node_rank,
                                           .node_size = team->node_size,
                                           .n = oikos_grid_words(grid)};
  oikos_status status = create(team, sum->shared, err);
  if (status == OIKOS_OK)
    sum->words = sum->own = sum->shared->words[team->node_rank];
  else
    oikos_shared_sum_destroy(sum);
  return status;
}

void oikos_shared_sum_destroy(oikos_sum *sum) {
  struct oikos_shared_sum *s = sum->shared;
  if (!s) {
    oikos_sum_destroy(sum);
    return;
  }
  if (s->window != MPI_WIN_NULL) {
    MPI_Win_unlock_all(s->window);
    MPI_Win_free(&s->window);
  }
  if (s->lane != MPI_COMM_NULL)
    MPI_Comm_free(&s->lane);
  free(s->words);
  free(s);
  *sum = (oikos_sum){0};
}

/* All ranks of the node have come here, and see what the others have written. */
static void meet(const struct oikos_shared_sum *s) {
  MPI_Win_sync(s->window);
  MPI_Barrier(s->node);
  MPI_Win_sync(s->window);
}

/* This rank's slice of the result, a block at a time so that it stays in the cache. */
static void add_slice(const struct oikos_shared_sum *s) {
  for (size_t at = s->first; at < s->first + s->count; at += BLOCK) {
    size_t left = s->first + s->count - at, count = left < BLOCK ? left : BLOCK;
    int64_t *restrict total = s->total + at;
    memcpy(total, s->words[0] + at, count * sizeof *total);
    for (int k = 1; k < s->node_size; k++) {
      const int64_t *restrict next = s->words[k] + at;
      for (size_t i = 0; i < count; i++)
        total[i] += next[i];
    }
  }
}

void oikos_shared_sum_reduce(oikos_sum *sum) {
  struct oikos_shared_sum *s = sum->shared;
  meet(s);
  add_slice(s);
  int nodes = 1;
  if (s->lane != MPI_COMM_NULL)
    MPI_Comm_size(s->lane, &nodes);
  for (size_t at = 0; nodes > 1 && at < s->count; at += MAX_COUNT) {
    size_t count = s->count - at < MAX_COUNT ? s->count - at : MAX_COUNT;
    MPI_Allreduce(MPI_IN_PLACE, s->total + s->first + at, (int)count, MPI_INT64_T, MPI_SUM,
                  s->lane);
  }
  meet(s);
  sum->words = s->total;
}
