/* SPDX-License-Identifier: MIT */
#include "bench/peak.h"

#include <string.h>

#include "base/clock.h"
#include "math/vectors.h"
#include "oikos/real.h"

#ifdef OIKOS_DOUBLE
#define FMA      __builtin_fma
#define FAST_FMA __FP_FAST_FMA
#else
#define FMA      __builtin_fmaf
#define FAST_FMA __FP_FAST_FMAF
#endif

#if FAST_FMA
enum { IS_INSTRUCTION = 1 };
#else
enum { IS_INSTRUCTION = 0 }; /* FMA would be a function */
#endif

/* A multiply-add of 4 to 5 cycles, two at a time, needs 8 to 10 chains that do not wait for each
 * other; 12 fit into 16 registers. Where four short ones are done at a time it is 16. */
enum {
  CHAINS = OIKOS_REGISTERS == 32 && OIKOS_VECTOR_BYTES == 16 ? 16 : 12,
  NUMBERS = CHAINS * OIKOS_LANES,
  RUNS = 5
};

/* x (NUMBERS) = x * a + b, again and again; the compiler keeps it in vector registers. */
static void multiply_add(oikos_real *x, long rounds, oikos_real a, oikos_real b) {
  oikos_real y[NUMBERS];
  memcpy(y, x, sizeof y);
  for (long r = 0; r < rounds; r++)
    for (int i = 0; i < NUMBERS; i++)
      y[i] = FMA(y[i], a, b);
  memcpy(x, y, sizeof y);
}

/* Best of some runs of 30 ms or more: two vectors a cycle is what cores do. */
static double measure(void) {
  volatile oikos_real factor = (oikos_real)0.999, term = (oikos_real)0.001; // not to be folded
  oikos_real x[NUMBERS] = {0};
  double best = 0;
  long rounds = 20000000;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    multiply_add(x, rounds, factor, term);
    double rate = 2.0 * NUMBERS * (double)rounds / (oikos_wall_clock() - start) / 1e9;
    best = rate > best ? rate : best;
  }
  return x[0] > 0 ? best : 0; // x is used, so that it is computed
}

double oikos_bench_peak(void) {
  return IS_INSTRUCTION ? measure() : 0;
}
