/* SPDX-License-Identifier: MIT
 * A task source is one file that defines an oikos_source_type, and one line in the table of
 * source.c, at the place of its oikos_source_kind. */
#ifndef OIKOS_TASKS_SOURCE_H
#define OIKOS_TASKS_SOURCE_H

#include "base/random.h"
#include "oikos/tasks.h"

typedef struct oikos_source_type {
  const char *unit; /* what the units of episodes are called; NULL: there are none */
  /* Fill source->shape (judged if it is not query), source->scratch and source->self (freed by
   * free). */
  oikos_status (*create)(oikos_source *source, const oikos_config *config, const oikos_data *data,
                         oikos_error *err);
  oikos_status (*has)(const oikos_source *source, oikos_split split,
                      oikos_error *err); /* NULL: always */
  void (*draw)(const oikos_source *source, oikos_split split, oikos_random *r,
               oikos_episode *episode);
  int64_t (*episodes)(const oikos_source *source, oikos_split split); /* NULL: any number */
  int64_t (*queries)(const oikos_source *source, oikos_split split,
                     int64_t learner);                         /* NULL: no more than shape.query */
  const char *(*group)(const oikos_source *source, int group); /* NULL: there are none */
  oikos_target (*target)(const oikos_source *source,
                         int64_t index); /* NULL: targets have no unit of their own */
  void (*destroy)(oikos_source *source); /* what self owns; NULL: nothing */
} oikos_source_type;

struct oikos_source {
  const oikos_source_type *type;
  uint64_t seed;
  oikos_task_shape shape;
  size_t targets;          /* numbers in y per example */
  size_t scratch;          /* int64 numbers that a draw needs */
  bool bound;              /* in training each learner draws from a group of its own, see below */
  int64_t move_at, movers; /* from this step on (0: never) learners 0 .. movers - 1 have moved */
  char note[256];          /* what of the data is not used as configured; empty: nothing */
  void *self;
};

/** Which of n groups a learner that is bound to one draws from in training: its number mod n, and
 * the next one once it has moved. */
int64_t oikos_source_bound(const oikos_source *source, int64_t n, int64_t step, int64_t learner);

extern const oikos_source_type oikos_source_functions, oikos_source_images, oikos_source_table,
    oikos_source_ratings;

#endif
