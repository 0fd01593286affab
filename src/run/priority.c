/* SPDX-License-Identifier: MIT
 * Priority of homes (learn/priority.h), as a part of a step: what it keeps is alike on all ranks.
 */
#include "learn/priority.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  oikos_priority *state = p->state;
  oikos_status status = oikos_priority_create(&t->config, state, err);
  t->segments.effort = state->effort;
  return status;
}

static void destroy(void *state) {
  oikos_priority_destroy(state);
}

static oikos_status begin(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  (void)err;
  oikos_priority_rank(&t->config, p->state);
  return OIKOS_OK;
}

static void commit(oikos_trainer *t, oikos_part_state *p) {
  oikos_priority_update(&t->segments, &t->sums[0], p->state);
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  const oikos_priority *state = p->state;
  (void)t;
  oikos_fields_add(f, OIKOS_FIELD_DOUBLE, state->average, state->n_homes, OIKOS_N_AVERAGES,
                   "moving averages by home: gradient norm, query loss slow, fast", "priority",
                   "average");
  oikos_fields_add(f, OIKOS_FIELD_INT64, state->steps, state->n_homes, 0,
                   "steps in which the home had members", "priority", "steps");
}

const oikos_part oikos_part_priority = {.size = sizeof(oikos_priority),
                                        .name = "priority",
                                        .create = create,
                                        .destroy = destroy,
                                        .begin = begin,
                                        .commit = commit,
                                        .fields = fields};
