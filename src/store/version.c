/* SPDX-License-Identifier: MIT */
#include "oikos/version.h"

#include <stdio.h>
#include <string.h>

#include <cblas.h>
#include <gnu/libc-version.h>
#include <hdf5.h>

#include "base/version.h"
#include "dist/team.h"

const char *oikos_version(void) {
  return OIKOS_VERSION;
}

const char *oikos_version_level(void) {
  return OIKOS_LEVEL;
}

/* "0.3.21" of "OpenBLAS 0.3.21 ..." */
static void blas_version(char version[64]) {
  snprintf(version, 64, "?");
  sscanf(openblas_get_config(), "%*s %63s", version);
}

/* "Open MPI v4.1.4" of a line that goes on; MPICH and its kin say "MPICH Version:\t4.0.2", and more
 * on other lines. */
static void name_mpi(char *mpi) {
  mpi[strcspn(mpi, ",\n")] = 0;
  char *word = strstr(mpi, " Version:"), *number = word ? word + strlen(" Version:") : NULL;
  if (number)
    memmove(word + 1, number + strspn(number, " \t"), strlen(number + strspn(number, " \t")) + 1);
}

void oikos_version_libraries(char *text, size_t size) {
  char mpi[1024], blas[64];
  unsigned major, minor, patch;
  oikos_mpi_version(mpi, sizeof mpi);
  name_mpi(mpi);
  H5get_libversion(&major, &minor, &patch);
  blas_version(blas);
  snprintf(text, size, "%s, %s, HDF5 %u.%u.%u, OpenBLAS %s", OIKOS_COMPILER, mpi, major, minor,
           patch, blas);
}

void oikos_version_kernel(char *text, size_t size) {
  snprintf(text, size, "%s", openblas_get_corename());
}

void oikos_version_numerics(char *text, size_t size) {
  char blas[64];
  blas_version(blas);
  snprintf(text, size, "%s, %s, C library %s, OpenBLAS %s %s", OIKOS_LEVEL, OIKOS_COMPILER,
           gnu_get_libc_version(), blas, openblas_get_corename());
}
