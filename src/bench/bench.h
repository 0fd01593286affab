/* SPDX-License-Identifier: MIT
 *
 * Measurements of this machine against its own bounds, one file per word of `oikos bench`. Each
 * prints one table on rank 0. All are collective: every rank calls them.
 */
#ifndef OIKOS_BENCH_BENCH_H
#define OIKOS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "dist/team.h"
#include "oikos/config.h"

/** What a measurement is given. Everything belongs to the caller. */
typedef struct oikos_bench_job {
  const oikos_team *team;
  bool plain;         /* gemm: the kernel in use only, as plain numbers for another process */
  int64_t elements;   /* reduce: numbers in the sum; 0 for the usual sizes */
  int64_t mib;        /* checkpoint: how much to write */
  int64_t rows;       /* embedding: of the table */
  int64_t width;      /* embedding: numbers of a row */
  const char *folder; /* where files may be made */
  const oikos_config *config; /* step: what to run; NULL for the usual works */
  int n_arguments;            /* what follows the word */
  const char *const *arguments;
} oikos_bench_job;

typedef oikos_status oikos_bench_function(const oikos_bench_job *job, oikos_error *err);

/** Whole outer steps, against the machine (bench/needs.h says what is counted) and the time of
 * their matrix products alone; where the time goes. */
oikos_bench_function oikos_bench_step;

/** Matrix products on rank 0's core, against the peak of its fused multiply-adds: by the kernel in
 * use, and by OpenBLAS's own choice where that is another. */
oikos_bench_function oikos_bench_gemm;

/** The ways to compute a convolution, beside what the rule of net/choose.h takes, and what that
 * rule should be. Rank 0 works. */
oikos_bench_function oikos_bench_choose;

/** The three parts of an exact sum over the ranks, against the same in floating point. */
oikos_bench_function oikos_bench_reduce;

/** Writing and reading a checkpoint, against the bare bytes in one file. */
oikos_bench_function oikos_bench_checkpoint;

/** Steps on an embedding table whose rows are owned by ranks, against the bare exchange of the same
 * bytes; its memory and traffic. */
oikos_bench_function oikos_bench_embedding;

/** An import (arguments: KIND SOURCE ...), against reading and inflating its sources. Rank 0
 * works. */
oikos_bench_function oikos_bench_import;

#endif
