/* SPDX-License-Identifier: MIT
 * Activations of learners in lockstep, and their derivatives, number by number. */
#ifndef OIKOS_NET_LANE_ACTIVATION_H
#define OIKOS_NET_LANE_ACTIVATION_H

#include <stddef.h>

#include "math/fused.h"

typedef enum oikos_lane_activation {
  OIKOS_LANE_LINEAR,
  OIKOS_LANE_RELU,
  OIKOS_LANE_TANH
} oikos_lane_activation;

static inline void activate(oikos_lane_activation kind, size_t count, oikos_real *restrict y) {
  if (kind == OIKOS_LANE_RELU)
    for (size_t i = 0; i < count; i++)
      y[i] = y[i] < 0 ? 0 : y[i];
  else if (kind == OIKOS_LANE_TANH)
    for (size_t i = 0; i < count; i++)
      y[i] = oikos_fused_tanh(y[i]);
}

/* dz from dy; of all but tanh they are one buffer. */
static inline void activate_back(oikos_lane_activation kind, size_t count,
                                 const oikos_real *restrict y, const oikos_real *restrict dy,
                                 oikos_real *restrict dz) {
  if (kind == OIKOS_LANE_RELU)
    for (size_t i = 0; i < count; i++)
      dz[i] = y[i] > 0 ? dz[i] : 0;
  else if (kind == OIKOS_LANE_TANH)
    for (size_t i = 0; i < count; i++)
      dz[i] = oikos_fused(-y[i], y[i], 1) * dy[i];
}

/* y_t from z_t, in place. */
static inline void activate_tangent(oikos_lane_activation kind, size_t count,
                                    const oikos_real *restrict y, oikos_real *restrict y_t) {
  if (kind == OIKOS_LANE_RELU)
    for (size_t i = 0; i < count; i++)
      y_t[i] = y[i] > 0 ? y_t[i] : 0;
  else if (kind == OIKOS_LANE_TANH)
    for (size_t i = 0; i < count; i++)
      y_t[i] *= oikos_fused(-y[i], y[i], 1);
}

/* dz_t from dy_t, in place: (1 - y^2) dy_t - 2 y y_t dy */
static inline void activate_tangent_back(oikos_lane_activation kind, size_t count,
                                         const oikos_real *restrict y,
                                         const oikos_real *restrict y_t,
                                         const oikos_real *restrict dy, oikos_real *restrict dz_t) {
  if (kind == OIKOS_LANE_RELU)
    for (size_t i = 0; i < count; i++)
      dz_t[i] = y[i] > 0 ? dz_t[i] : 0;
  else if (kind == OIKOS_LANE_TANH)
    for (size_t i = 0; i < count; i++) {
      oikos_real curve = -2 * y[i] * y_t[i], slope = oikos_fused(-y[i], y[i], 1) * dz_t[i];
      dz_t[i] = oikos_fused(curve, dy[i], slope);
    }
}

#endif
