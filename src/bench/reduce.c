/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "bench/table.h"
#include "dist/reduce.h"
#include "dist/shared_sum.h"

enum { ACCUMULATE, ALL_REDUCE, READ_BACK, PHASES };
enum { LEAST = 9, MOST = 99, NUMBERS = 200000000 }; /* repetitions; numbers over all of them */

static const char *const phases[PHASES] = {"accumulate", "all-reduce", "read back"};

typedef struct adder {
  oikos_grid *grid;
  oikos_sum sum;
} adder;

/* The same sum on an exact grid and on a fast one. */
typedef struct reduction {
  const oikos_team *team;
  size_t n;
  oikos_real *term, *total;       /* (n) */
  adder adder[OIKOS_BENCH_SIDES]; /* exact, plain */
  oikos_bench_table table;
} reduction;

/* Numbers in [-1, 1), which fit the grid as it begins. */
static void fill(oikos_real *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (oikos_real)(((uint32_t)i * 2654435761U) >> 8) / (oikos_real)(1 << 23) - 1;
}

static oikos_status set_up(reduction *r, oikos_error *err) {
  OIKOS_TRY(oikos_bench_alloc(&r->table, err));
  OIKOS_TRY(oikos_alloc(&r->term, r->n, sizeof *r->term, "the numbers to add", err));
  OIKOS_TRY(oikos_alloc(&r->total, r->n, sizeof *r->total, "the sums", err));
  fill(r->term, r->n);
  for (int side = 0; side < OIKOS_BENCH_SIDES; side++) {
    adder *a = &r->adder[side];
    OIKOS_TRY(
        oikos_grid_create(1, &r->n, r->team->size, 1, side == OIKOS_BENCH_BOUND, &a->grid, err));
  }
  return OIKOS_OK;
}

static void tear_down(reduction *r) {
  for (int side = 0; side < OIKOS_BENCH_SIDES; side++) {
    oikos_shared_sum_destroy(&r->adder[side].sum);
    oikos_grid_destroy(r->adder[side].grid);
  }
  free(r->term);
  free(r->total);
  free(r->table.seconds);
}

static void run_phase(reduction *r, int side, int phase) {
  adder *a = &r->adder[side];
  if (phase == ACCUMULATE)
    oikos_sum_add(a->grid, &a->sum, 0, r->term, 1);
  else if (phase == ALL_REDUCE && side == OIKOS_BENCH_BOUND)
    oikos_reduce_plain(r->team, r->n, a->sum.plain); // nothing but the floats
  else if (phase == ALL_REDUCE)
    oikos_reduce(r->team, a->grid, &a->sum);
  else
    oikos_sum_get(a->grid, &a->sum, 0, 1.0 / r->team->size, r->total);
}

static void repeat(reduction *r, int repetition) {
  for (int side = 0; side < OIKOS_BENCH_SIDES; side++) {
    adder *a = &r->adder[side];
    oikos_sum_zero(a->grid, &a->sum);
    for (int phase = 0; phase < PHASES; phase++) {
      double start = oikos_bench_start(r->team);
      run_phase(r, side, phase);
      oikos_bench_set(&r->table, phase, side, repetition, start);
    }
  }
}

static int repetitions(int64_t n) {
  int64_t times = NUMBERS / n;
  times = times < LEAST ? LEAST : times > MOST ? MOST : times;
  return (int)times | 1;
}

static void print(const reduction *r) {
  printf("sum of %zu numbers (%s) of each of %d ranks, %d times; times of the slowest rank\n", r->n,
         sizeof(oikos_real) == 4 ? "float" : "double", r->team->size, r->table.repetitions);
  oikos_bench_print(&r->table);
}

static oikos_status measure(const oikos_team *team, int64_t n, oikos_error *err) {
  reduction r = {.team = team,
                 .n = (size_t)n,
                 .table = {.side = {"exact", "plain"},
                           .unit = "ms",
                           .per_second = 1e3,
                           .rate = "10^6/s",
                           .amount = (double)n / 1e6,
                           .n_rows = PHASES,
                           .repetitions = repetitions(n),
                           .row = phases}};
  oikos_status status = oikos_agree(team, set_up(&r, err), err);
  for (int side = 0; status == OIKOS_OK && side < OIKOS_BENCH_SIDES; side++)
    status = oikos_shared_sum_create(team, r.adder[side].grid, &r.adder[side].sum, err);
  if (status == OIKOS_OK) {
    repeat(&r, 0); // a rehearsal: the next one notes its times over it
    for (int i = 0; i < r.table.repetitions; i++)
      repeat(&r, i);
    oikos_bench_slowest(team, &r.table);
    if (team->rank == 0)
      print(&r);
  }
  tear_down(&r);
  return status;
}

oikos_status oikos_bench_reduce(const oikos_bench_job *job, oikos_error *err) {
  static const int64_t usual[] = {112000, 10000000};
  if (job->elements) {
    OIKOS_TRY(measure(job->team, job->elements, err));
  } else {
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
      OIKOS_TRY(measure(job->team, usual[i], err));
  }
  if (job->team->rank == 0 && job->team->size == 1)
    puts("one rank alone reduces nothing: see mpirun -n 2 oikos bench reduce");
  return OIKOS_OK;
}
