/* SPDX-License-Identifier: MIT
 * Inner rates of the learners, each its own (learn/bold_driver.h): a factor for each, and what the
 * step at hand makes of it. */
#include "learn/bold_driver.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  double *factor = p->by_learner;
  (void)err;
  for (oikos_local_id local = 0; local < t->learners.count; local++)
    factor[local] = 1;
  return OIKOS_OK;
}

static double factor_of(const oikos_trainer *t, const oikos_part_state *p, oikos_slot_id slot) {
  return ((const double *)p->by_learner)[oikos_learners_local(&t->learners, slot)];
}

static void start(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot) {
  t->workers[thread].factor = factor_of(t, p, slot);
}

static void trained(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                    oikos_contribution *c) {
  (void)thread;
  ((double *)p->by_slot)[slot] =
      oikos_bold_driver(factor_of(t, p, slot), t->config.inner.adapt_range,
                        (double)c->loss[OIKOS_LOSS_BEFORE], c->support_after);
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  double range = t->config.inner.adapt_range;
  oikos_field_within(oikos_fields_by_learner(f, t, OIKOS_FIELD_DOUBLE, p->by_learner, 0,
                                             "factor of each learner's inner rates", "rate_factor"),
                     1 / range, range);
}

const oikos_part oikos_part_learner_rates = {.by_learner = sizeof(double),
                                             .by_slot = true,
                                             .name = "learner_rates",
                                             .create = create,
                                             .start = start,
                                             .trained = trained,

                                             .fields = fields};
