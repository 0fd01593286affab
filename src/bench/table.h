/* SPDX-License-Identifier: MIT
 * Seconds of a thing and of its bound, taken in turns, and the table that compares them. */
#ifndef OIKOS_BENCH_TABLE_H
#define OIKOS_BENCH_TABLE_H

#include "dist/team.h"

enum { OIKOS_BENCH_THING, OIKOS_BENCH_BOUND, OIKOS_BENCH_SIDES };

typedef struct oikos_bench_table {
  const char *side[OIKOS_BENCH_SIDES]; /* what the thing and its bound are called */
  const char *unit;                    /* of the times that are shown */
  double per_second;                   /* units in a second */
  const char *rate;                    /* the unit of speed */
  double amount;                       /* a repetition of 1 second has this speed */
  int n_rows, repetitions;             /* an odd number of them, so that one is the median */
  const char *const *row;              /* (n_rows) names */
  double *seconds;                     /* (n_rows, OIKOS_BENCH_SIDES, repetitions); free() it */
} oikos_bench_table;

/** Room for the seconds; the caller has set the rest. */
oikos_status oikos_bench_alloc(oikos_bench_table *table, oikos_error *err);

/** The clock, once all ranks have come here. Collective. */
double oikos_bench_start(const oikos_team *team);

/** Keep what one repetition took, from @p start to now. */
void oikos_bench_set(const oikos_bench_table *table, int row, int side, int repetition,
                     double start);

/** Keep the times of the slowest rank of each repetition. Collective. */
void oikos_bench_slowest(const oikos_team *team, const oikos_bench_table *table);

/** Sort numbers, the least first. */
void oikos_bench_sort(int n, double *x);

/** Print to stdout: for each row and side minimum, median and speed at the median, and the ratios
 * of thing and bound. Sorts the seconds. */
void oikos_bench_print(const oikos_bench_table *table);

#endif
