/* SPDX-License-Identifier: MIT
 * A task source is one file that defines an oikos_source_type, and one line in the list of
 * oikos/config.h. What others have to know of it stands in its type: nobody asks for one by name.
 */
#ifndef OIKOS_TASKS_SOURCE_H
#define OIKOS_TASKS_SOURCE_H

#include "base/random.h"
#include "base/word.h"
#include "oikos/tasks.h"

/* What file a source reads (task.file), and so which of oikos_data is there. */
typedef enum {
  OIKOS_DATA_NONE,
  OIKOS_DATA_IMAGES,
  OIKOS_DATA_TABLE,
  OIKOS_DATA_RATINGS
} oikos_data_kind;

typedef struct oikos_source_type {
  oikos_word word;
  oikos_data_kind data;
  const char *losses; /* the words of model.loss that fit its targets: "mse|cross_entropy" */
  const char *splits; /* those of task.split that it has; NULL: it does not read it */
  bool per_class;     /* task.support and task.query count examples of each of task.ways classes */
  bool hidden_groups; /* task.learners groups binds learners to groups that only it knows */
  bool rated;         /* users and items, which may have embedding rows, and be recommended */
  double low, high;   /* an example is a point of a function between these; both 0: it is not */
  oikos_status (*check)(const oikos_config *config, const char *file,
                        oikos_error *err); /* what its keys want of each other; NULL: nothing */
  const char *unit; /* what the units of episodes are called; NULL: there are none */
  /* Fill source->shape (but shot, and query_part only if it is not query), source->scratch and
   * source->self (freed by free). */
  oikos_status (*create)(oikos_source *source, const oikos_config *config, const oikos_data *data,
                         oikos_error *err);
  oikos_status (*has)(const oikos_source *source, oikos_split split,
                      oikos_error *err); /* NULL: always */
  void (*draw)(const oikos_source *source, oikos_split split, oikos_random *r,
               oikos_episode *episode);
  int64_t (*episodes)(const oikos_source *source, oikos_split split); /* NULL: any number */
  int64_t (*queries)(const oikos_source *source, oikos_split split,
                     oikos_learner_id learner);                /* NULL: no more than shape.query */
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
int64_t oikos_source_bound(const oikos_source *source, int64_t n, int64_t step,
                           oikos_learner_id learner);

/** The type that task.source names. */
const oikos_source_type *oikos_source_type_of(const oikos_config *config);

/** What the index-th word of oikos_source_kind stands for. */
const oikos_word *oikos_source_word(int index);

#define OIKOS_DECLARE(value, word) extern const oikos_source_type oikos_source_##word;
OIKOS_SOURCES(OIKOS_DECLARE)
#undef OIKOS_DECLARE

#endif
