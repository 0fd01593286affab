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
  const oikos_real *teacher; /* as oikos_batch.teacher; NULL: no distillation, and no use of: */
  double lambda, temperature;
  oikos_real *soft; /* (2, n, size): what the term's backward needs again */
} oikos_loss_pass;

typedef struct oikos_loss_type {
  oikos_judgement (*forward)(const oikos_loss_pass *p);
  void (*backward)(const oikos_loss_pass *p);         /* dy */
  double (*tangent)(const oikos_loss_pass *p);        /* derivative of weight * loss along y_t */
  void (*tangent_backward)(const oikos_loss_pass *p); /* dy_t */
} oikos_loss_type;

/** Prototypes has no tangents: it is never adapted; nor has it a term of distillation. */
extern const oikos_loss_type oikos_loss_mse, oikos_loss_cross_entropy, oikos_loss_prototypes;

const oikos_loss_type *oikos_loss_of(oikos_loss_kind kind);

/** The four functions of a loss, with the term of distillation if the pass has a teacher. */
oikos_judgement oikos_loss_forward(const oikos_loss_type *loss, const oikos_loss_pass *p);
void oikos_loss_backward(const oikos_loss_type *loss, const oikos_loss_pass *p);
double oikos_loss_tangent(const oikos_loss_type *loss, const oikos_loss_pass *p);
void oikos_loss_tangent_backward(const oikos_loss_type *loss, const oikos_loss_pass *p);

/** Targets per example: the outputs for mse, else one class index. */
size_t oikos_loss_targets(oikos_loss_kind kind, size_t outputs);

/** Softmax cross entropy of one example's logits (size): writes probabilities, returns the loss. */
double oikos_softmax(size_t size, const oikos_real *logits, size_t label, oikos_real *probability);

/** Index of the largest of @p size numbers; the first of equals. */
size_t oikos_argmax(size_t size, const oikos_real *x);

#endif
