/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_FIELDS_H
#define OIKOS_RUN_FIELDS_H

#include "learn/contribution.h"
#include "oikos/trainer.h"
#include "store/checkpoint.h"

/** The datasets of a checkpoint, and where they stand in a trainer. */
typedef struct oikos_fields {
  oikos_field *list; /* released by free() */
  int n, room;
  int64_t steps; /* that were done: no count can be above */
} oikos_fields;

/** A one- or two-dimensional array (rows, columns); columns 0: one dimension. */
oikos_field *oikos_fields_add(oikos_fields *f, oikos_field_type type, void *data, int64_t rows,
                              int64_t columns, const char *meaning, const char *group,
                              const char *name);

/** The same for all learners, of which this rank has its own: learners/name (N, columns). */
oikos_field *oikos_fields_by_learner(oikos_fields *f, const oikos_trainer *t, oikos_field_type type,
                                     void *data, int64_t columns, const char *meaning,
                                     const char *name);

/** Numbers made of these tensors, one dataset each; rows > 0: (rows, all tensors). None if data is
 * NULL, nor of the two below. */
void oikos_fields_tensors(oikos_fields *f, oikos_tensors tensors, int64_t rows, size_t stride,
                          oikos_real *data, const char *meaning, const char *group);

typedef struct oikos_named {
  const char *meaning, *group;
} oikos_named;

/** Numbers laid out as (M + A + E): the shared weights' tensors, the learned rates, the encoder;
 * and as (T, K). */
void oikos_fields_weights(oikos_fields *f, const oikos_trainer *t, oikos_real *data,
                          const oikos_named about[3]);
void oikos_fields_homes(oikos_fields *f, const oikos_trainer *t, oikos_real *data,
                        const char *meaning, const char *group);

/** What its numbers must be. */
void oikos_field_within(oikos_field *field, double least, double most);

/** The state of a trainer. Not collective. */
oikos_status oikos_trainer_fields(const oikos_trainer *t, oikos_fields *f, oikos_error *err);

#endif
