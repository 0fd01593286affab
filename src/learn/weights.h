/* SPDX-License-Identifier: MIT
 * What training changes: the shared weights w with the learned rates and the encoder's parameters
 * behind them, the homes, and their optimizers. The same on all ranks. */
#ifndef OIKOS_LEARN_WEIGHTS_H
#define OIKOS_LEARN_WEIGHTS_H

#include "learn/encoder.h"
#include "learn/optimizer.h"
#include "learn/start.h"
#include "oikos/inner.h"

typedef struct oikos_weights {
  size_t m, a, e, n; /* M parameters, A learned rates, E of the encoder; their sum */
  size_t k;          /* K of each home */
  int64_t n_homes;
  oikos_home_layout layout;
  oikos_real *shared; /* (M + A + E) */
  oikos_real *homes;  /* (T, K) */
  oikos_real *peers; /* (M) the last step's mean of theta_i; NULL unless distill.teacher is peers */
  oikos_real *peer_homes; /* (T, K) the same over the members of each home; or NULL */
  uint64_t noise_key[4];  /* of privacy.noise; in no checkpoint */
  oikos_optimizer shared_optimizer, home_optimizer;
} oikos_weights;

/** Allocate and initialise (step 0): w, the rates and the encoder from the seed, homes around w. */
oikos_status oikos_weights_create(const oikos_config *config, const oikos_network *net,
                                  const oikos_inner *inner, const oikos_encoder *encoder,
                                  oikos_weights *weights, oikos_error *err);
void oikos_weights_destroy(oikos_weights *weights);

#endif
