/* SPDX-License-Identifier: MIT
 * Learners' own inner rates (learn/bold_driver.h), as a part of the trainer. */
#ifndef OIKOS_RUN_OWN_RATES_H
#define OIKOS_RUN_OWN_RATES_H

#include "learn/contribution.h"

/** Factors of this rank's learners; NULL without inner.adapt_rate. */
typedef struct oikos_own_rates {
  double *factor, *next; /* (count); next: as the step at hand leaves them */
} oikos_own_rates;

/** All 1. @param count  this rank's learners */
oikos_status oikos_own_rates_create(const oikos_config *config, int64_t count,
                                    oikos_own_rates *rates, oikos_error *err);
void oikos_own_rates_destroy(oikos_own_rates *rates);

/** The factor of learner i of this rank: 1 without inner.adapt_rate. */
double oikos_own_rate(const oikos_own_rates *rates, int64_t i);

/** Whether all factors, as read from a file, can have come of the rule. */
bool oikos_own_rates_sound(const oikos_config *config, const oikos_own_rates *rates, int64_t count);

/** How the inner steps of learner i of this rank went, left out or not. */
void oikos_own_rates_note(const oikos_config *config, oikos_own_rates *rates, int64_t i,
                          const oikos_contribution *c);

/** The step is made. */
void oikos_own_rates_adopt(oikos_own_rates *rates);

#endif
