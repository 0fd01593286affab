/* SPDX-License-Identifier: MIT
 * Learners' own inner rates (learn/bold_driver.h), as a part of the trainer. */
#ifndef OIKOS_RUN_OWN_RATES_H
#define OIKOS_RUN_OWN_RATES_H

#include "learn/contribution.h"
#include "run/learners.h"

/** Factors of this rank's learners; NULL without inner.adapt_rate. */
typedef struct oikos_own_rates {
  double *factor; /* (count) */
  double *next;   /* (slots) as the step at hand leaves the active ones */
} oikos_own_rates;

/** All 1. */
oikos_status oikos_own_rates_create(const oikos_config *config, const oikos_learners *own,
                                    oikos_own_rates *rates, oikos_error *err);
void oikos_own_rates_destroy(oikos_own_rates *rates);

/** The factor of learner i of this rank: 1 without inner.adapt_rate. */
double oikos_own_rate(const oikos_own_rates *rates, int64_t i);

/** How the inner steps of the active learner number `at` of this rank went, left out or not. */
void oikos_own_rates_note(const oikos_config *config, oikos_own_rates *rates,
                          const oikos_learners *own, int64_t at, const oikos_contribution *c);

/** The step is made. */
void oikos_own_rates_adopt(const oikos_learners *own, oikos_own_rates *rates);

#endif
