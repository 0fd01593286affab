#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# OpenBLAS 0.3.21 (Debian 12), one thread, kernels of Haswell, which Zen uses too: the bits of the first row of C = A B
# depend on how many other rows A has, in single precision. In double precision they do not, and with the kernels of
# Nehalem and Sandybridge neither of the two does.
# Guessed: a row of the product is computed from that row of A and from B alone, so that rows may be added or split over
# ranks without changing a bit; and sgemm and dgemm of one library are alike in this.
# Its maintainers call differences of this kind what single precision and blocking lead one to expect:
# https://github.com/OpenMathLib/OpenBLAS/issues/4947
# Bears on oikos: its products have the same shapes on any number of ranks, or runs would differ in their bits.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
grep -qw avx2 /proc/cpuinfo || skip "the processor cannot run Haswell's kernels"
packages "Debian 12" libopenblas0-serial=0.3.21+ds-4 libopenblas-serial-dev=0.3.21+ds-4

cat >rows.c <<'C'
#include <cblas.h>
#include <stdio.h>
#include <string.h>
enum { M = 48, N = 96, K = 64 };
static float a[M * K], b[K * N], all[M * N], some[M * N];
static double da[M * K], db[K * N], dall[M * N], dsome[M * N];
int main(void)
{
  int s = 0, d = 0;
  for (int i = 0; i < M * K; i++)
    da[i] = a[i] = (float)(i * 7919 % 1009) / 1009 - 0.5F;
  for (int i = 0; i < K * N; i++)
    db[i] = b[i] = (float)(i * 6151 % 1013) / 1013 - 0.5F;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, a, K, b, N, 0, all, N);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, da, K, db, N, 0, dall, N);
  for (int m = 2; m < M; m++) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, N, K, 1, a, K, b, N, 0, some, N);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, N, K, 1, da, K, db, N, 0, dsome, N);
    s += memcmp(all, some, N * sizeof *all) != 0;
    d += memcmp(dall, dsome, N * sizeof *dall) != 0;
  }
  printf("of 46 products with 2 to 47 rows have another first row than the one with 48: sgemm %d, dgemm %d\n", s, d);
}
C
gcc -O2 rows.c -o rows -I"$root/usr/include/x86_64-linux-gnu" -I"$root/usr/include/x86_64-linux-gnu/openblas-serial" -L"$libraries/openblas-serial" -lopenblas
said() { OPENBLAS_CORETYPE=$1 LD_LIBRARY_PATH=$libraries/openblas-serial:$libraries ./rows; }
expect Haswell "of 46 products with 2 to 47 rows have another first row than the one with 48: sgemm 10, dgemm 0" "$(said Haswell)"
expect Nehalem "of 46 products with 2 to 47 rows have another first row than the one with 48: sgemm 0, dgemm 0" "$(said Nehalem)"
