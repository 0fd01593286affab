/* SPDX-License-Identifier: MIT
 *
 * Outer optimizers, with the conventions of PyTorch. A new one is a file that defines an
 * oikos_optimizer_type, and one line in the list of oikos/config.h: the word, its place in the
 * table, and which keys of the configuration it makes use of follow from these.
 */
#ifndef OIKOS_LEARN_OPTIMIZER_H
#define OIKOS_LEARN_OPTIMIZER_H

#include "base/word.h"
#include "oikos/config.h"
#include "oikos/real.h"

/** One update of n parameters w by their gradient. */
typedef struct oikos_optimizer_step {
  double rate;
  double count; /* updates made, with this one */
  size_t n;
  oikos_real *first, *second; /* (n) their state, NULL where the type keeps none */
  const oikos_real *gradient; /* (n) */
  oikos_real *w;              /* (n) */
} oikos_optimizer_step;

typedef struct oikos_optimizer_type {
  oikos_word word;
  bool first, second; /* what it keeps of each parameter: any number; one that is not below 0 */
  bool decays;        /* rate * outer.weight_decay of a weight is taken away before the update */
  void (*update)(const oikos_config *config, const oikos_optimizer_step *step);
} oikos_optimizer_type;

/** State for rows of n parameters, each row updated by itself (one row: the shared weights; T rows:
 * the homes; one for each user or item: an embedding table). */
typedef struct oikos_optimizer {
  size_t rows, n;
  oikos_real *first, *second; /* (rows, n) momentum or mean gradient; mean square, or the sum of
                                 squares (Adagrad). NULL where the type needs none */
  int64_t *count;             /* (rows) updates made */
} oikos_optimizer;

/** Whether the one that is configured keeps `first`, `second`. */
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

/** Scale gradient (n) down to norm <= clip (0: leave it). Returns the norm before. */
double oikos_clip(double clip, size_t n, oikos_real *gradient);

/** What the index-th word of oikos_optimizer_kind stands for. */
const oikos_word *oikos_optimizer_word(int index);

#define OIKOS_DECLARE(value, word) extern const oikos_optimizer_type oikos_optimizer_##word;
OIKOS_OPTIMIZERS(OIKOS_DECLARE)
#undef OIKOS_DECLARE

#endif
