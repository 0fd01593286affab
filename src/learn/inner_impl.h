/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_LEARN_INNER_IMPL_H
#define OIKOS_LEARN_INNER_IMPL_H

#include <stdbool.h>

#include "net/chunk.h"
#include "net/derivatives.h"
#include "oikos/inner.h"

struct oikos_inner {
  const oikos_network *net;
  int64_t steps; /* as trained: rates per step exist for these */
  oikos_order order;
  oikos_scope scope;
  oikos_rates_kind kind; /* of learned rates */
  double rate, max_norm, multi_step;
  int64_t micro_batches;
  size_t parameters, rates; /* M, A */
  size_t first;             /* inner steps change the parameters from here on */
};

struct oikos_path {
  oikos_workspace *ws;
  oikos_chunk *chunk; /* of others': the first step at the start is taken from it; NULL: none */
  size_t member;      /* place in it */
  double factor;      /* of all rates: the learner's own; 1 unless inner.adapt_rate */
  oikos_workspace *
      *kept; /* (n_kept) one for each of the first steps, where activations are small */
  int64_t n_kept;
  int64_t max_steps;
  oikos_real
      *z; /* (max_steps + 1, M): theta_0, then each step's parameters before the projection */
  double *norms;       /* (max_steps + 1, rows) of the rows of z, if there is a max-norm */
  oikos_real *theta;   /* (M) a projected row of z */
  oikos_real *support; /* (M) support gradient of one step */
  oikos_real *scaled;  /* (M) rate * u: the direction of the Hessian product */
  oikos_real *product; /* (M) the Hessian product */
  oikos_real *dx;      /* (max_n, input) derivative of the query loss with respect to all examples,
                          where these hold embedding rows; else NULL */
};

/** Take the support loss at the start, and its derivatives, from place @p member of a chunk whose
 * parameters are the start; NULL: from the support set, as ever. */
void oikos_path_join(oikos_path *path, oikos_chunk *chunk, size_t member);

/** Take all rates times this factor from now on; 1 at creation. */
void oikos_path_scale_rates(oikos_path *path, double factor);

/** Measure from now on, as oikos_workspace_measure. */
void oikos_path_measure(oikos_path *path, oikos_profile *profile);

/* How the parameters of one tensor are scaled in step k: by one rate, or by one each. */
typedef struct oikos_rate {
  oikos_real one;         /* with the path's factor */
  const oikos_real *each; /* (size of the tensor), without it, or NULL */
  size_t index;           /* of the first in the learned rates */
} oikos_rate;

/** The rate of a tensor in step k. */
oikos_rate oikos_rate_of(const oikos_inner *inner, const oikos_path *p, const oikos_real *rates,
                         const oikos_tensor *t, int64_t k);

/** Units whose incoming weights are kept within the max-norm. */
size_t oikos_project_units(const oikos_inner *inner);

/** norms (rows) of their weights in z (M). */
void oikos_project_norms(const oikos_inner *inner, const oikos_real *z, double *norms);

/** Whether P_beta changes anything. */
bool oikos_project_moves(const oikos_inner *inner, const double *norms);

/** theta (M) = P_beta(z). */
void oikos_project(const oikos_inner *inner, const oikos_real *z, const double *norms,
                   oikos_real *theta);

/** v (M) = J_P(z)^T v, in place; the Jacobian of a projected row is beta/|z| (I - z z^T/|z|^2),
 * which is symmetric. */
void oikos_project_transposed(const oikos_inner *inner, const oikos_real *z, const double *norms,
                              oikos_real *v);

#endif
