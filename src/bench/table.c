/* SPDX-License-Identifier: MIT */
#include "bench/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "dist/reduce.h"

enum { HEAD = 32, SIDE_WIDTH = 36 };

static size_t n_seconds(const oikos_bench_table *t) {
  return (size_t)t->n_rows * OIKOS_BENCH_SIDES * (size_t)t->repetitions;
}

/* The repetitions of one row and side. */
static double *seconds_at(const oikos_bench_table *t, int row, int side) {
  return t->seconds + (row * OIKOS_BENCH_SIDES + side) * t->repetitions;
}

oikos_status oikos_bench_alloc(oikos_bench_table *table, oikos_error *err) {
  return oikos_alloc(&table->seconds, n_seconds(table), sizeof *table->seconds, "the times", err);
}

double oikos_bench_start(const oikos_team *team) {
  (void)oikos_agree(team, OIKOS_OK, NULL); // a barrier
  return oikos_wall_clock();
}

void oikos_bench_set(const oikos_bench_table *table, int row, int side, int repetition,
                     double start) {
  seconds_at(table, row, side)[repetition] = oikos_wall_clock() - start;
}

void oikos_bench_slowest(const oikos_team *team, const oikos_bench_table *table) {
  oikos_largest(team, n_seconds(table), table->seconds);
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void print_heads(const oikos_bench_table *t) {
  char least[HEAD], median[HEAD];
  snprintf(least, sizeof least, "min %s", t->unit);
  snprintf(median, sizeof median, "median %s", t->unit);
  printf("  %-10s%*s%*s%18s\n  %-10s", "", SIDE_WIDTH, t->side[OIKOS_BENCH_THING], SIDE_WIDTH,
         t->side[OIKOS_BENCH_BOUND], "ratio of", "");
  for (int side = 0; side < OIKOS_BENCH_SIDES; side++)
    printf("%12s%12s%12s", least, median, t->rate);
  printf("%9s%9s\n", "min", "median");
}

void oikos_bench_sort(int n, double *x) {
  qsort(x, (size_t)n, sizeof *x, ascending);
}

void oikos_bench_print(const oikos_bench_table *table) {
  print_heads(table);
  for (int row = 0; row < table->n_rows; row++) {
    double least[OIKOS_BENCH_SIDES], median[OIKOS_BENCH_SIDES];
    printf("  %-10s", table->row[row]);
    for (int side = 0; side < OIKOS_BENCH_SIDES; side++) {
      double *seconds = seconds_at(table, row, side);
      oikos_bench_sort(table->repetitions, seconds);
      least[side] = seconds[0];
      median[side] = seconds[table->repetitions / 2];
      printf("%12.4f%12.4f%12.1f", least[side] * table->per_second,
             median[side] * table->per_second, table->amount / median[side]);
    }
    printf("%9.2f%9.2f\n", least[OIKOS_BENCH_THING] / least[OIKOS_BENCH_BOUND],
           median[OIKOS_BENCH_THING] / median[OIKOS_BENCH_BOUND]);
  }
}
