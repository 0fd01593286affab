/* SPDX-License-Identifier: MIT
 * oikos bench: measure this machine against its own bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cblas.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "math/kernel.h"

enum { RUNS = 5 };

typedef struct options {
  const char *what;
  bool child;
} options;

typedef struct shape {
  int m, n, k;
  const char *where;
} shape;

static const shape shapes[] = {
    {1024, 1024, 1024, "large"},        {10, 40, 40, "sinusoid MLP"},
    {5, 100, 100, "five modes MLP"},    {196, 64, 576, "conv, one image"},
    {3675, 64, 576, "conv, 75 images"},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static error_t parse(int key, char *arg, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'k':
    o->child = true;
    return 0;
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "WHAT", &o->what, arg);
  case ARGP_KEY_END:
    if (!o->what || strcmp(o->what, "gemm") != 0)
      return oikos_cli_wrong(state, "WHAT is gemm, found %s", o->what ? o->what : "nothing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* Best GFLOP/s of C (m,n) = A (m,k) B^T over some runs of at least 20 ms. */
static oikos_status measure(const shape *s, double *gflops, oikos_error *err) {
  float *a, *b, *c;
  double flops = 2.0 * s->m * s->n * s->k, best = 0;
  OIKOS_TRY(oikos_alloc(&a, (size_t)s->m * (size_t)s->k, sizeof *a, "a matrix", err));
  OIKOS_TRY(oikos_alloc(&b, (size_t)s->n * (size_t)s->k, sizeof *b, "a matrix", err));
  OIKOS_TRY(oikos_alloc(&c, (size_t)s->m * (size_t)s->n, sizeof *c, "a matrix", err));
  long repeat = (long)(1e9 / flops) + 1;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    for (long i = 0; i < repeat; i++)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s->m, s->n, s->k, 1, a, s->k, b, s->k, 0,
                  c, s->n);
    double rate = flops * (double)repeat / (oikos_wall_clock() - start) / 1e9;
    best = rate > best ? rate : best;
  }
  free(a);
  free(b);
  free(c);
  *gflops = best;
  return OIKOS_OK;
}

static oikos_status measure_all(double gflops[SHAPES], oikos_error *err) {
  for (int i = 0; i < SHAPES; i++)
    OIKOS_TRY(measure(&shapes[i], &gflops[i], err));
  return OIKOS_OK;
}

/* The same measurement in a process where OpenBLAS chooses by itself: "<kernel> <gflops> ..."
 * through a pipe. */
static oikos_status measure_default(char kernel[64], double gflops[SHAPES], oikos_error *err) {
  FILE *in = popen("env -u OPENBLAS_CORETYPE OIKOS_KERNEL=keep OMPI_MCA_btl=self /proc/$PPID/exe "
                   "bench gemm --keep 2>/dev/null",
                   "r");
  bool read = in && fscanf(in, "%63s", kernel) == 1;
  for (int i = 0; read && i < SHAPES; i++)
    read = fscanf(in, "%lf", &gflops[i]) == 1;
  if (in)
    pclose(in);
  return read ? OIKOS_OK
              : oikos_fail(err, OIKOS_ERROR,
                           "bench gemm: the process with OpenBLAS's own choice gave no result");
}

static void print_table(const char *first, const double a[SHAPES], const char *second,
                        const double b[SHAPES]) {
  printf("sgemm, GFLOP/s on one core     m x n x k  %12s (OpenBLAS's choice)  %12s (in use)\n",
         first, second);
  for (int i = 0; i < SHAPES; i++)
    printf("  %-20s %6d x %4d x %4d  %12.1f                      %12.1f\n", shapes[i].where,
           shapes[i].m, shapes[i].n, shapes[i].k, a[i], b[i]);
}

oikos_status oikos_command_bench(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"keep", 'k', NULL, OPTION_HIDDEN, "measure the kernel in use and print plain numbers", 0},
      {0},
  };
  static const struct argp argp = {table,
                                   parse,
                                   "gemm",
                                   "Measure this machine: matrix products by the kernel that "
                                   "OpenBLAS chooses and by the one in use.",
                                   NULL,
                                   NULL,
                                   NULL};
  options o = {0};
  bool help;
  char kernel[64];
  double alone[SHAPES], in_use[SHAPES];
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help || cli->team.rank != 0)
    return OIKOS_OK;
  if (!o.child)
    OIKOS_TRY(measure_default(kernel, alone, err));
  OIKOS_TRY(measure_all(in_use, err));
  if (!o.child) {
    print_table(kernel, alone, oikos_kernel_name(), in_use);
    return OIKOS_OK;
  }
  printf("%s", oikos_kernel_name());
  for (int i = 0; i < SHAPES; i++)
    printf(" %.3f", in_use[i]);
  putchar('\n');
  return OIKOS_OK;
}
