/* SPDX-License-Identifier: MIT
 * Step 2 under a rule that is not the mean, and simulated attacks, as parts of the trainer. */
#ifndef OIKOS_RUN_ROBUST_H
#define OIKOS_RUN_ROBUST_H

#include "dist/columns.h"
#include "learn/robust.h"

typedef struct oikos_trainer oikos_trainer;

/** All of it is empty while the rule is the mean and nobody attacks. */
typedef struct oikos_robust_step {
  oikos_robust rule;
  oikos_columns columns; /* rules that order: n rows of (M + A + E), then (M) if anything mixes */
  oikos_real
      *scratch; /* (n_threads, 2 (M + A + E)): clipped differences; an attacker's parameters */
  oikos_real *sorted; /* (n_threads, rows) */
  oikos_real *row;    /* (D) results of a home before they are in place */
} oikos_robust_step;

/** Not collective; after the workers. */
oikos_status oikos_robust_step_create(oikos_trainer *t, oikos_error *err);
void oikos_robust_step_destroy(oikos_robust_step *step);

/** Columns of the rules that order, for ranks that have learners bound[r] .. bound[r + 1] - 1. Not
 * collective. */
oikos_status oikos_robust_columns(const oikos_trainer *t, const int64_t *bound,
                                  oikos_columns *columns, oikos_error *err);

/** A learner, if it attacks, sends something else. */
void oikos_robust_attack(oikos_trainer *t, int thread, int64_t learner, oikos_contribution *c);

/** Take the contribution of the active learner number `at` of this rank. False if it is left out.
 */
bool oikos_robust_take(oikos_trainer *t, int thread, int64_t at, const oikos_contribution *c);

/** After the all-reduce: rules that order exchange and order. Collective. */
void oikos_robust_finish(oikos_trainer *t);

#endif
