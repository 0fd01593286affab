/* SPDX-License-Identifier: MIT
 * The bound of every matrix product. */
#ifndef OIKOS_BENCH_PEAK_H
#define OIKOS_BENCH_PEAK_H

/** GFLOP/s of fused multiply-adds that wait for nothing, on this core, in the precision of this
 * build; 0 if the build has no such instructions. */
double oikos_bench_peak(void);

#endif
