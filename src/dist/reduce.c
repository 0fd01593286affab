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
  oikos_reduce_plain(team, oikos_grid_plain(grid), sum->plain);
}

void oikos_reduce_plain(const oikos_team *team, size_t n, oikos_real *x) {
  oikos_all_reduce(team->world, n, x, REAL, MPI_SUM);
}

void oikos_collect(const oikos_team *team, size_t n, double *x) {
  oikos_all_reduce(team->world, n, x, MPI_DOUBLE, MPI_SUM);
}

void oikos_largest(const oikos_team *team, size_t n, double *x) {
  oikos_all_reduce(team->world, n, x, MPI_DOUBLE, MPI_MAX);
}

void oikos_sum_int64(const oikos_team *team, size_t n, int64_t *x) {
  oikos_all_reduce(team->world, n, x, MPI_INT64_T, MPI_SUM);
}

void oikos_max_int64(const oikos_team *team, size_t n, int64_t *x) {
  oikos_all_reduce(team->world, n, x, MPI_INT64_T, MPI_MAX);
}

void oikos_min_int64(const oikos_team *team, size_t n, int64_t *x) {
  oikos_all_reduce(team->world, n, x, MPI_INT64_T, MPI_MIN);
}
