/* SPDX-License-Identifier: MIT */
#include "bench/peak.h"

#include <string.h>

#include "base/clock.h"
#include "math/vectors.h"
#include "oikos/real.h"

/* Otherwise a multiply-add would be two instructions, or a function. */
#if defined __FP_FAST_FMAF && defined __FP_FAST_FMA
enum { IS_INSTRUCTION = 1 };
#else
enum { IS_INSTRUCTION = 0 };
#endif

/* A multiply-add of 4 to 5 cycles, two at a time, needs 8 to 10 chains that do not wait for each
 * other; 12 fit into 16 registers. Where four short ones are done at a time it is 16. */
enum {
  CHAINS = OIKOS_REGISTERS == 32 && OIKOS_VECTOR_BYTES == 16 ? 16 : 12,
  NUMBERS = CHAINS * OIKOS_LANES,
  RUNS = 20
};

/* x (NUMBERS) = x * a + b, again and again, in registers. */
static void multiply_add(oikos_real *x, long rounds, oikos_real a, oikos_real b) {
  oikos_vector y[CHAINS], term = b - (oikos_vector){0};
  memcpy(y, x, sizeof y);
  for (long r = 0; r < rounds; r++) {
    __asm__ volatile(""); // or the compiler runs one chain after the other
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++)
      y[i] = y[i] * a + term;
  }
  memcpy(x, y, sizeof y);
}

/* Best of some runs of 2 ms or more, so short that other programs let some of them be: two vectors
 * a cycle is what cores do. */
static double measure(void) {
  volatile oikos_real factor = (oikos_real)0.999, term = (oikos_real)0.001; // not to be folded
  oikos_real x[NUMBERS] = {0};
  double best = 0, used = 0;
  long rounds = 1000000;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    multiply_add(x, rounds, factor, term);
    double rate = 2.0 * NUMBERS * (double)rounds / (oikos_wall_clock() - start) / 1e9;
    best = rate > best ? rate : best;
  }
  for (int i = 0; i < NUMBERS; i++) // so that it is computed
    used += (double)x[i];
  return used > 0 ? best : 0;
}

double oikos_bench_peak(void) {
  return IS_INSTRUCTION ? measure() : 0;
}
