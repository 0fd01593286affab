/* SPDX-License-Identifier: MIT */
#include "run/own_rates.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/bold_driver.h"

oikos_status oikos_own_rates_create(const oikos_config *config, const oikos_learners *own,
                                    oikos_own_rates *r, oikos_error *err) {
  *r = (oikos_own_rates){0};
  if (!config->inner.adapt_rate)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&r->factor, (size_t)own->count, sizeof *r->factor, "the learners", err));
  for (int64_t i = 0; i < own->count; i++)
    r->factor[i] = 1;
  return oikos_alloc(&r->next, (size_t)own->slots, sizeof *r->next, "the learners", err);
}

void oikos_own_rates_destroy(oikos_own_rates *r) {
  free(r->factor);
  free(r->next);
  *r = (oikos_own_rates){0};
}

double oikos_own_rate(const oikos_own_rates *r, int64_t i) {
  return r->factor ? r->factor[i] : 1;
}

void oikos_own_rates_note(const oikos_config *config, oikos_own_rates *r, const oikos_learners *own,
                          int64_t at, const oikos_contribution *c) {
  if (r->factor)
    r->next[at] =
        oikos_bold_driver(r->factor[own->learner[at] - own->first], config->inner.adapt_range,
                          (double)c->loss[OIKOS_LOSS_BEFORE], c->support_after);
}

void oikos_own_rates_adopt(const oikos_learners *own, oikos_own_rates *r) {
  for (int64_t at = 0; r->factor && at < own->active; at++)
    r->factor[own->learner[at] - own->first] = r->next[at];
}
