/* SPDX-License-Identifier: MIT
 *
 * What a home owns, and the start that it makes of the shared weights: theta = start(w, c).
 *
 * A home that owns all of the network, or its last layer, replaces these parameters. A home that
 * owns a modulation scales and shifts every unit of the layers before the last one,
 *
 *   W'_r = (1 + s_r) W_r,   b'_r = (1 + s_r) b_r + t_r,   c = (s, t) of each such layer
 *
 * which for the unit's input x is (1 + s_r)(W_r x + b_r) + t_r: feature-wise linear modulation
 * (Perez et al., "FiLM", AAAI 2018; as the prior of MAML: Vuorio et al., NeurIPS 2019,
 * section 4.2), written into the weights, so that the inner steps see an ordinary network. With g =
 * dL/dtheta,
 *
 *   dL/ds_r = g_Wr . W_r + g_br b_r,   dL/dt_r = g_br,   dL/dW_r = (1 + s_r) g_Wr,
 *   dL/db_r = (1 + s_r) g_br
 */
#ifndef OIKOS_LEARN_START_H
#define OIKOS_LEARN_START_H

#include "oikos/network.h"

/** How c (K) is laid out, and where it goes in theta (M). */
typedef struct oikos_home_layout {
  bool modulates;
  size_t k, m;
  int n_tensors, first_tensor; /* first_tensor: which of theta's the first one is */
  oikos_tensor *tensor;        /* parts of c: offsets in c; pairs (scale, shift) of a modulation */
  int n_units;
  const oikos_tensor *
      *weight; /* (n_units) tensor of theta that pair i modulates; its bias follows */
} oikos_home_layout;

oikos_status oikos_home_layout_create(const oikos_config *config, const oikos_network *net,
                                      oikos_home_layout *layout, oikos_error *err);
void oikos_home_layout_destroy(oikos_home_layout *layout);

/** theta (M) = start(w (M), c (K)). */
void oikos_home_start(const oikos_home_layout *layout, const oikos_real *w, const oikos_real *c,
                      oikos_real *theta);

/** c (K) = sum_t p[t] c_t of homes (T, K). */
void oikos_home_mean(const oikos_home_layout *layout, int64_t n_homes, const oikos_real *homes,
                     const oikos_real *p, oikos_real *c);

/**
 * The chain rule through oikos_home_start.
 * @param[in,out] gradient  (M) dL/dtheta, becomes dL/dw. Parameters that a home replaces keep their
 *                          gradient: the shared weights follow all learners there too
 * @param[out]    dc        (K) dL/dc
 */
void oikos_home_start_gradient(const oikos_home_layout *layout, const oikos_real *w,
                               const oikos_real *c, oikos_real *gradient, oikos_real *dc);

#endif
