/* SPDX-License-Identifier: MIT */
#include "oikos/version.h"

#include <stdio.h>
#include <string.h>

#include <cblas.h>
#include <hdf5.h>
#include <mpi.h>

#include "base/version.h"

const char *oikos_version(void) {
  return OIKOS_VERSION;
}

void oikos_version_libraries(char *text, size_t size) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING], blas[64];
  int length;
  unsigned major, minor, patch;
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, ",\n")] = 0;
  H5get_libversion(&major, &minor, &patch);
  sscanf(openblas_get_config(), "%63s %63s", blas, blas); // "OpenBLAS 0.3.21 ..."
  snprintf(text, size, "%s, %s, HDF5 %u.%u.%u, OpenBLAS %s", OIKOS_COMPILER, mpi, major, minor,
           patch, blas);
}

void oikos_version_kernel(char *text, size_t size) {
  snprintf(text, size, "%s", openblas_get_corename());
}
