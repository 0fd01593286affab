/* SPDX-License-Identifier: MIT
 * The machine as a bound: what a work needs, against the peak of fused multiply-adds and the
 * bandwidths of the levels of memory, measured on all of its cores at once. */
#ifndef OIKOS_BENCH_MACHINE_H
#define OIKOS_BENCH_MACHINE_H

#include "bench/needs.h"
#include "dist/team.h"

typedef struct oikos_machine {
  double peak;                           /* GFLOP/s of a core; 0: not known */
  double bandwidth[OIKOS_MEMORY_LEVELS]; /* GB/s of a core; 0 of levels that were not wanted */
} oikos_machine;

/** The least of all ranks' threads. Collective. @param needs  whose levels of memory are wanted */
oikos_status oikos_machine_measure(const oikos_team *team, int n_threads, const oikos_needs *needs,
                                   oikos_machine *machine, oikos_error *err);

/** Seconds of the operations at the peak, and of the bytes at the bandwidths of where they live. */
double oikos_machine_operations(const oikos_machine *machine, const oikos_needs *needs);
double oikos_machine_bytes(const oikos_machine *machine, const oikos_needs *needs);

/** The larger of both: each may hide behind the other. */
double oikos_machine_bound(const oikos_machine *machine, const oikos_needs *needs);

#endif
