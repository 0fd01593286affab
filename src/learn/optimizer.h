/* SPDX-License-Identifier: MIT
 *
 * Outer optimizers: SGD, momentum (heavy ball), Adam (Kingma and Ba 2015), AdamW (Loshchilov and
 * Hutter 2019), Adagrad (Duchi, Hazan and Singer 2011), with the conventions of PyTorch; and the
 * schedule of their rate.
 */
#ifndef OIKOS_LEARN_OPTIMIZER_H
#define OIKOS_LEARN_OPTIMIZER_H

#include "oikos/config.h"
#include "oikos/real.h"

/** State for rows of n parameters, each row updated by itself (one row: the shared weights; T rows:
 * the homes). */
typedef struct oikos_optimizer {
  size_t rows, n;
  oikos_real *first, *second; /* (rows, n) momentum or mean gradient; mean square, or the sum of
                                 squares (Adagrad). NULL where the kind needs none */
  int64_t *count;             /* (rows) updates made */
} oikos_optimizer;

/** Whether the kind that is configured keeps `first`, `second`. */
bool oikos_optimizer_has_first(const oikos_config *config);
bool oikos_optimizer_has_second(const oikos_config *config);

oikos_status oikos_optimizer_create(const oikos_config *config, size_t rows, size_t n,
                                    oikos_optimizer *o, oikos_error *err);
void oikos_optimizer_destroy(oikos_optimizer *o);

/**
 * One update of w (n) by gradient (n), with the state of one row. A rate of 0 leaves everything as
 * it is.
 * @param decayed  weight decay applies to the first so many parameters
 */
void oikos_optimizer_update(const oikos_config *config, oikos_optimizer *o, size_t row, double rate,
                            const oikos_real *gradient, size_t decayed, oikos_real *w);

/** Give row `to` the state of row `from`. */
void oikos_optimizer_copy(oikos_optimizer *o, size_t from, size_t to);

/** The share of its rate that the schedule allows at a step: warm-up, then constant or cosine to
 * the last step. */
double oikos_schedule(const oikos_config *config, int64_t step);

/** Scale gradient (n) down to norm <= clip (0: leave it). Returns the norm before. */
double oikos_clip(double clip, size_t n, oikos_real *gradient);

#endif
