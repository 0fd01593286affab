/* SPDX-License-Identifier: MIT
 * A loss closes the network with the same four functions as a layer. */
#ifndef OIKOS_NET_LOSS_H
#define OIKOS_NET_LOSS_H

#include "oikos/network.h"

/** A batch of outputs as a loss sees it. */
typedef struct oikos_loss_pass {
  size_t n, size;            /* examples, outputs of each */
  size_t n_support;          /* as in oikos_batch */
  const oikos_real *y, *y_t; /* (n, size) outputs and their tangent */
  const oikos_real *target;  /* as oikos_batch.y */
  oikos_real *cache;         /* (2, n, size): what backward needs again */
  oikos_real weight;         /* the derivatives are of weight * loss */
  oikos_real *dy, *dy_t;     /* (n, size) */
} oikos_loss_pass;

typedef struct oikos_loss_type {
  oikos_judgement (*forward)(const oikos_loss_pass *p);
  void (*backward)(const oikos_loss_pass *p);         /* dy */
  double (*tangent)(const oikos_loss_pass *p);        /* derivative of weight * loss along y_t */
  void (*tangent_backward)(const oikos_loss_pass *p); /* dy_t */
} oikos_loss_type;

/** Prototypes has no tangents: it is never adapted. */
extern const oikos_loss_type oikos_loss_mse, oikos_loss_cross_entropy, oikos_loss_prototypes;

const oikos_loss_type *oikos_loss_of(oikos_loss_kind kind);

/** Targets per example: the outputs for mse, else one class index. */
size_t oikos_loss_targets(oikos_loss_kind kind, size_t outputs);

/** Softmax cross entropy of one example's logits (size): writes probabilities, returns the loss. */
double oikos_softmax(size_t size, const oikos_real *logits, size_t label, oikos_real *probability);

/** Index of the largest of @p size numbers; the first of equals. */
size_t oikos_argmax(size_t size, const oikos_real *x);

#endif
