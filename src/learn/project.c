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

void oikos_project(const oikos_inner *inner, const real *z, real *theta) {
  memmove(theta, z, inner->parameters * sizeof *theta);
  for (int k = 0; k < oikos_network_tensor_count(inner->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[k];
    for (size_t row = 0; projected(inner, t) && row < t->rows; row++) {
      real *w = theta + t->offset + row * t->columns;
      double norm = oikos_norm(t->columns, w);
      for (size_t i = 0; norm > inner->max_norm && i < t->columns; i++)
        w[i] = (real)((double)w[i] * (inner->max_norm / norm));
    }
  }
}

void oikos_project_transposed(const oikos_inner *inner, const real *z, const real *v, real *u) {
  memmove(u, v, inner->parameters * sizeof *u);
  for (int k = 0; k < oikos_network_tensor_count(inner->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[k];
    for (size_t row = 0; projected(inner, t) && row < t->rows; row++) {
      size_t at = t->offset + row * t->columns;
      double norm = oikos_norm(t->columns, z + at), along = oikos_dot(t->columns, z + at, v + at);
      for (size_t i = at; norm > inner->max_norm && i < at + t->columns; i++)
        u[i] =
            (real)(inner->max_norm / norm * ((double)v[i] - (double)z[i] * along / (norm * norm)));
    }
  }
}
