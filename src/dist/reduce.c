/* SPDX-License-Identifier: MIT */
#include "dist/reduce.h"

#include "dist/shared_sum.h"

#ifdef OIKOS_DOUBLE
#define REAL MPI_DOUBLE
#else
#define REAL MPI_FLOAT
#endif

enum { MAX_COUNT = 1 << 28 };

static void all_reduce(const oikos_team *team, size_t n, void *data, size_t size, MPI_Datatype type,
                       MPI_Op op) {
  for (size_t at = 0; at < n; at += MAX_COUNT) {
    size_t count = n - at < MAX_COUNT ? n - at : MAX_COUNT;
    MPI_Allreduce(MPI_IN_PLACE, (char *)data + at * size, (int)count, type, op, team->world);
  }
}

void oikos_reduce(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum) {
  if (sum->shared) {
    oikos_shared_sum_reduce(sum);
    return;
  }
  all_reduce(team, oikos_grid_words(grid), sum->words, sizeof *sum->words, MPI_INT64_T, MPI_SUM);
  all_reduce(team, oikos_grid_plain(grid), sum->plain, sizeof *sum->plain, REAL, MPI_SUM);
}

void oikos_collect(const oikos_team *team, size_t n, double *x) {
  all_reduce(team, n, x, sizeof *x, MPI_DOUBLE, MPI_SUM);
}

void oikos_largest(const oikos_team *team, size_t n, double *x) {
  all_reduce(team, n, x, sizeof *x, MPI_DOUBLE, MPI_MAX);
}
