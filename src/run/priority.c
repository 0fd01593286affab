/* SPDX-License-Identifier: MIT
 * Priority of homes (learn/priority.h), as a part of a step: what it keeps is alike on all ranks.
 */
#include "learn/priority.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  oikos_priority *own = p->own;
  oikos_status status = oikos_priority_create(&t->config, own, err);
  t->segments.effort = own->effort;
  return status;
}

static void destroy(void *own) {
  oikos_priority_destroy(own);
}

static oikos_status begin(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  (void)err;
  oikos_priority_rank(&t->config, p->own);
  return OIKOS_OK;
}

static void adopt(oikos_trainer *t, oikos_part_state *p) {
  oikos_priority_note(&t->segments, &t->sums[0], p->own);
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  const oikos_priority *own = p->own;
  (void)t;
  oikos_fields_add(f, OIKOS_FIELD_DOUBLE, own->average, own->n_homes, OIKOS_N_AVERAGES,
                   "moving averages by home: gradient norm, query loss slow, fast", "priority",
                   "average");
  oikos_fields_add(f, OIKOS_FIELD_INT64, own->steps, own->n_homes, 0,
                   "steps in which the home had members", "priority", "steps");
}

const oikos_part oikos_part_priority = {.size = sizeof(oikos_priority),
                                        .name = "priority",
                                        .create = create,
                                        .destroy = destroy,
                                        .begin = begin,
                                        .adopt = adopt,
                                        .fields = fields};
