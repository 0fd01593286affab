/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "bench/peak.h"
#include "math/blas.h"
#include "math/kernel.h"

enum { RUNS = 5, KERNEL = 64 };

/* A run of this program as the first process of its own, where OpenBLAS chooses by itself: what
 * tells it of an MPI job is taken away. */
#define WITH_DEFAULT_CHOICE                                                                        \
  "env $(env | sed -n 's/^\\(\\(OMPI\\|PMIX\\|PMI\\|SLURM\\)_[A-Za-z0-9_]*\\)=.*/-u \\1/p') "      \
  "-u OPENBLAS_CORETYPE OIKOS_KERNEL=keep OMPI_MCA_btl=self /proc/$PPID/exe "

/* C (m,n) = A (m,k) B, with one of them transposed in memory or none. */
typedef struct shape {
  int m, n, k;
  enum { PLAIN, B_TURNED, A_TURNED } how;
  const char *where;
} shape;

static const shape shapes[] = {
    {1024, 1024, 1024, B_TURNED, "large"},          {10, 40, 40, B_TURNED, "sinusoid, forward"},
    {40, 40, 10, A_TURNED, "sinusoid, weights"},    {5, 100, 100, B_TURNED, "five modes, forward"},
    {100, 100, 5, A_TURNED, "five modes, weights"}, {196, 64, 576, B_TURNED, "patches of an image"},
    {16, 64, 576, B_TURNED, "patches, forward"},    {24, 576, 64, PLAIN, "patches, input"},
    {64, 576, 24, A_TURNED, "patches, weights"},    {96, 64, 64, PLAIN, "tiles, forward"},
    {64, 64, 96, A_TURNED, "tiles, weights"},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The rates of one kernel. */
typedef struct column {
  char kernel[KERNEL];
  double gflops[SHAPES];
} column;

static void multiply(const shape *s, const oikos_real *a, const oikos_real *b, oikos_real *c) {
  size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->k;
  if (s->how == PLAIN)
    oikos_blas_nn(m, n, k, a, b, 0, c);
  else if (s->how == B_TURNED)
    oikos_blas_nt(m, n, k, a, b, 0, c);
  else
    oikos_blas_tn(m, n, k, a, b, 0, c);
}

/* Best GFLOP/s of a product over some runs of 10^9 operations. */
static double best_rate(const shape *s, const oikos_real *a, const oikos_real *b, oikos_real *c) {
  double flops = 2.0 * s->m * s->n * s->k, best = 0;
  long repeat = (long)(1e9 / flops) + 1;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    for (long i = 0; i < repeat; i++)
      multiply(s, a, b, c);
    double rate = flops * (double)repeat / (oikos_wall_clock() - start) / 1e9;
    best = rate > best ? rate : best;
  }
  return best;
}

static oikos_status measure(const shape *s, double *gflops, oikos_error *err) {
  oikos_real *a = NULL, *b = NULL, *c = NULL;
  size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->k;
  oikos_status status = oikos_alloc(&a, m * k, sizeof *a, "a matrix", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&b, n * k, sizeof *b, "a matrix", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&c, m * n, sizeof *c, "a matrix", err);
  if (status == OIKOS_OK)
    *gflops = best_rate(s, a, b, c);
  free(a);
  free(b);
  free(c);
  return status;
}

static oikos_status measure_in_use(column *in_use, oikos_error *err) {
  snprintf(in_use->kernel, sizeof in_use->kernel, "%s", oikos_kernel_name());
  for (int i = 0; i < SHAPES; i++)
    OIKOS_TRY(measure(&shapes[i], &in_use->gflops[i], err));
  return OIKOS_OK;
}

static oikos_status no_result(oikos_error *err) {
  return oikos_fail(err, OIKOS_ERROR,
                    "bench gemm: the process with OpenBLAS's own choice gave no result; does "
                    "`OIKOS_KERNEL=keep oikos --version` work here?");
}

/* The kernel that OpenBLAS chooses by itself. */
static oikos_status name_default_choice(char kernel[KERNEL], oikos_error *err) {
  FILE *in = popen(WITH_DEFAULT_CHOICE "--version 2>/dev/null | sed -n 's/^BLAS kernel //p'", "r");
  bool read = in && fscanf(in, "%63s", kernel) == 1;
  if (in)
    pclose(in);
  return read ? OIKOS_OK : no_result(err);
}

/* The same measurement with that kernel: "<kernel> <gflops> ..." through a pipe. */
static oikos_status measure_default_choice(column *by_default, oikos_error *err) {
  FILE *in = popen(WITH_DEFAULT_CHOICE "bench gemm --keep 2>/dev/null", "r");
  bool read = in && fscanf(in, "%63s", by_default->kernel) == 1;
  for (int i = 0; read && i < SHAPES; i++)
    read = fscanf(in, "%lf", &by_default->gflops[i]) == 1;
  if (in)
    pclose(in);
  return read ? OIKOS_OK : no_result(err);
}

static void print_plain(const column *c) {
  printf("%s", c->kernel);
  for (int i = 0; i < SHAPES; i++)
    printf(" %.3f", c->gflops[i]);
  putchar('\n');
}

static void print_rate(double gflops, double peak) {
  printf("%34.1f", gflops);
  if (peak > 0)
    printf("%7.0f %%", 100 * gflops / peak);
  else
    printf("%9s", "-");
}

/* own: NULL if it is the kernel in use. */
static void print_table(const column *by_default, const column *in_use, double peak) {
  char head[KERNEL + 32];
  printf("%s, GFLOP/s on one core%*s", sizeof(oikos_real) == 4 ? "sgemm" : "dgemm", 16,
         "m x n x k");
  if (by_default) {
    snprintf(head, sizeof head, "%.63s (OpenBLAS's choice)", by_default->kernel);
    printf("%34s%9s", head, "of peak");
  }
  snprintf(head, sizeof head, "%s%.63s (in use)", by_default ? "" : "OpenBLAS's choice ",
           in_use->kernel);
  printf("%34s%9s\n", head, "of peak");
  for (int i = 0; i < SHAPES; i++) {
    const shape *s = &shapes[i];
    printf("  %-20s %6d x %4d x %4d", s->where, s->m, s->n, s->k);
    if (by_default)
      print_rate(by_default->gflops[i], peak);
    print_rate(in_use->gflops[i], peak);
    putchar('\n');
  }
  if (peak > 0)
    printf("peak of this core, fused multiply-adds in registers: %.1f GFLOP/s\n", peak);
  else
    printf("peak of this core: not known, since oikos was built without fused multiply-adds "
           "(OIKOS_NATIVE)\n");
}

oikos_status oikos_bench_gemm(const oikos_bench_job *job, oikos_error *err) {
  column by_default, in_use;
  if (job->team->rank != 0)
    return OIKOS_OK;
  if (job->plain) {
    OIKOS_TRY(measure_in_use(&in_use, err));
    print_plain(&in_use);
    return OIKOS_OK;
  }
  OIKOS_TRY(name_default_choice(by_default.kernel, err));
  bool another = strcmp(by_default.kernel, oikos_kernel_name()) != 0;
  if (another)
    OIKOS_TRY(measure_default_choice(&by_default, err));
  OIKOS_TRY(measure_in_use(&in_use, err));
  print_table(another ? &by_default : NULL, &in_use, oikos_bench_peak());
  return OIKOS_OK;
}
