/* SPDX-License-Identifier: MIT
 * The max-norm projection (Srebro, Rennie and Jaakkola 2005) of each unit's incoming weights, and
 * its derivative. */
#include <string.h>

#include "learn/inner_impl.h"
#include "math/vector.h"

typedef oikos_real real;

static int projected(const oikos_inner *inner, const oikos_tensor *t) {
  return t->role == OIKOS_WEIGHT && t->offset >= inner->first;
}

size_t oikos_project_units(const oikos_inner *inner) {
  size_t units = 0;
  for (int k = 0; k < oikos_network_tensor_count(inner->net); k++)
    units += projected(inner, &oikos_network_tensors(inner->net)[k])
                 ? oikos_network_tensors(inner->net)[k].rows
                 : 0;
  return units;
}

void oikos_project_norms(const oikos_inner *inner, const real *z, double *norms) {
  for (int k = 0; k < oikos_network_tensor_count(inner->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[k];
    if (!projected(inner, t))
      continue;
    oikos_norms(t->rows, t->columns, z + t->offset, norms);
    norms += t->rows;
  }
}

/* theta and v are mapped row by row, where the norm is above the bound. */
typedef void row_map(const oikos_inner *inner, double norm, size_t n, const real *z, real *x);

static void scale_row(const oikos_inner *inner, double norm, size_t n, const real *z, real *theta) {
  for (size_t i = 0; i < n; i++)
    theta[i] = (real)((double)z[i] * (inner->max_norm / norm));
}

static void transpose_row(const oikos_inner *inner, double norm, size_t n, const real *z, real *v) {
  double along = oikos_dot(n, z, v);
  for (size_t i = 0; i < n; i++)
    v[i] = (real)(inner->max_norm / norm * ((double)v[i] - (double)z[i] * along / (norm * norm)));
}

static void map_units(const oikos_inner *inner, row_map *map, const real *z, const double *norms,
                      real *x) {
  for (int k = 0; k < oikos_network_tensor_count(inner->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[k];
    for (size_t row = 0; projected(inner, t) && row < t->rows; row++, norms++) {
      size_t offset = t->offset + row * t->columns;
      if (*norms > inner->max_norm)
        map(inner, *norms, t->columns, z + offset, x + offset);
    }
  }
}

bool oikos_project_moves(const oikos_inner *inner, const double *norms) {
  size_t units = oikos_project_units(inner), row = 0;
  while (row < units && !(norms[row] > inner->max_norm))
    row++;
  return row < units;
}

void oikos_project(const oikos_inner *inner, const real *z, const double *norms, real *theta) {
  memcpy(theta, z, inner->parameters * sizeof *theta);
  map_units(inner, scale_row, z, norms, theta);
}

void oikos_project_transposed(const oikos_inner *inner, const real *z, const double *norms,
                              real *v) {
  map_units(inner, transpose_row, z, norms, v);
}
