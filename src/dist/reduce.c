/* SPDX-License-Identifier: MIT */
#include "dist/reduce.h"

#include "dist/shared_sum.h"

#ifdef OIKOS_DOUBLE
#define REAL MPI_DOUBLE
#else
#define REAL MPI_FLOAT
#endif

void oikos_reduce(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum) {
  if (sum->shared) {
    oikos_shared_sum_reduce(sum);
    return;
  }
  oikos_all_reduce(team->world, oikos_grid_words(grid), sum->words, MPI_INT64_T, MPI_SUM);
  oikos_all_reduce(team->world, oikos_grid_plain(grid), sum->plain, REAL, MPI_SUM);
}

void oikos_collect(const oikos_team *team, size_t n, double *x) {
  oikos_all_reduce(team->world, n, x, MPI_DOUBLE, MPI_SUM);
}

void oikos_largest(const oikos_team *team, size_t n, double *x) {
  oikos_all_reduce(team->world, n, x, MPI_DOUBLE, MPI_MAX);
}
