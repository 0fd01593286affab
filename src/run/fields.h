/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_FIELDS_H
#define OIKOS_RUN_FIELDS_H

#include "oikos/trainer.h"
#include "store/checkpoint.h"

/** The datasets of a checkpoint, and where they stand in a trainer. */
typedef struct oikos_fields {
  oikos_field *list; /* released by free() */
  int n, room;
  int64_t steps; /* that were done: no count can be above */
} oikos_fields;

/** The state of a trainer. Not collective. */
oikos_status oikos_trainer_fields(const oikos_trainer *t, oikos_fields *f, oikos_error *err);

#endif
