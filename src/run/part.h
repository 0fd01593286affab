/* SPDX-License-Identifier: MIT
 *
 * An optional concern of a step is a part: a table of functions, like the type of a layer. The
 * trainer calls those of the parts that its configuration wants, in the order of the list below,
 * where a NULL has nothing to do. A new part is one file that defines an oikos_part, and one line
 * in the list.
 */
#ifndef OIKOS_RUN_PART_H
#define OIKOS_RUN_PART_H

#include <stdio.h>

#include "learn/contribution.h"
#include "oikos/trainer.h"
#include "run/learners.h"

typedef struct oikos_part oikos_part;
typedef struct oikos_fields oikos_fields; /* run/fields.h */

/** A part in a trainer. Its memory is zero at first. */
typedef struct oikos_part_state {
  const oikos_part *part;
  void *state;        /* what only its file looks into */
  oikos_arena memory; /* released after destroy */
  void *by_learner;   /* (count) of part->by_learner bytes, for this rank's learners */
  void *by_slot;      /* (slots) the same of those of the step at hand, which it leaves them with */
  size_t column;      /* where its number is in a row of the history */
} oikos_part_state;

struct oikos_part {
  const char *name; /* by which src/config/parts.c says what asks for it */

  size_t size;        /* of its own struct; 0: none, or create makes it */
  size_t by_learner;  /* bytes for each learner, which go with it to another rank; 0: none */
  bool by_slot;       /* a step makes new ones, which stand apart until it is over */
  const char *number; /* in metrics.jsonl: of a row of the history, a mean over steps unless record
                         sets it; NULL: none */
  size_t value;       /* where that stands in an oikos_record */

  /* Whether there is to be one; NULL: if the configuration asks for it. The same on all ranks. */
  bool (*wanted)(const oikos_trainer *t);

  /* Set-up, before there are threads: what is to be read is read; trains is false in a trainer
   * opened for evaluation. Collective. */
  oikos_status (*open)(oikos_trainer *t, oikos_part_state *p, bool trains, bool resume,
                       oikos_error *err);
  /* The rest, not collective; and its end. */
  oikos_status (*create)(oikos_trainer *t, oikos_part_state *p, oikos_error *err);
  void (*destroy)(void *state);

  /* The run begins or goes on: what it keeps in the run directory. Collective. */
  oikos_status (*enter)(oikos_trainer *t, oikos_part_state *p, bool resume, oikos_error *err);

  /* The learners of a step are picked: fetch what they need. Collective. */
  oikos_status (*begin)(oikos_trainer *t, oikos_part_state *p, oikos_error *err);

  /* The learner in a slot is about to train on a thread; has trained; is taken into the sums, false
   * if it is left out or a number in it is not finite (of one part at most, in place of
   * oikos_contribution_add); and was taken or not, false if the part finds such a number. */
  void (*start)(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot);
  void (*trained)(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                  oikos_contribution *c);
  bool (*take)(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
               const oikos_contribution *c);
  bool (*taken)(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                const oikos_contribution *c, bool taken);

  /* The sums of all ranks are known; repeat: they do not fit their grid, and learners train once
   * more. Collective. */
  oikos_status (*reduced)(oikos_trainer *t, const oikos_part_state *p, bool repeat,
                          oikos_error *err);

  /* The sums fit their grid: what the shared weights are to be updated by. Collective. */
  void (*share)(oikos_trainer *t, const oikos_part_state *p);

  /* The weights are updated; learners are still as they came. Collective. Then they are as the step
   * leaves them. */
  void (*commit)(oikos_trainer *t, oikos_part_state *p);
  void (*committed)(oikos_trainer *t, const oikos_part_state *p);

  /* After a step and its record and checkpoint (saved: there was one). Collective. */
  oikos_status (*between)(oikos_trainer *t, oikos_part_state *p, bool saved, oikos_error *err);

  /* Its numbers in the row of a record that was just closed, where they are no means. Collective.
   */
  void (*record)(oikos_trainer *t, const oikos_part_state *p, double *row);

  /* What else it says in a record, and in a line of metrics.jsonl. */
  void (*read)(const oikos_trainer *t, oikos_record *record);
  void (*metrics)(const oikos_trainer *t, const oikos_record *record, FILE *out);

  /* Learners are to go to other ranks, where this one will have those of `to`: room for that, not
   * collective; and they have gone, or (moved is false) will not go after all. What stands by
   * learner or slot goes along by itself. */
  oikos_status (*room)(oikos_trainer *t, oikos_part_state *p, const oikos_learners *to,
                       oikos_error *err);
  void (*relocated)(oikos_part_state *p, bool moved);

  /* Its datasets in a checkpoint: those that stand behind the weights, and behind the learners. */
  void (*weight_fields)(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f);
  void (*fields)(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f);

  /* What it adds to the plan of a run (oikos_trainer_plan). */
  void (*plan)(const oikos_trainer *t, const oikos_part_state *p, oikos_plan *plan);
};

/** Each part `p` of a trainer that has a function of this name. */
/* NOLINTBEGIN(bugprone-macro-parentheses): p is declared here */
#define OIKOS_PARTS(t, p, function)                                                                \
  for (oikos_part_state *p = (t)->parts; p < (t)->parts + (t)->n_parts; p++)                       \
    if (p->part->function)
/* NOLINTEND(bugprone-macro-parentheses) */

/** Check that there is every part that the configuration asks for. Not collective. */
oikos_status oikos_parts_check(const oikos_config *config, oikos_error *err);

/** Find out which parts are wanted, and make room for them. Not collective; before the learners.
 * @param[out] columns  numbers that they have in a row of the history */
oikos_status oikos_parts_choose(oikos_trainer *t, size_t *columns, oikos_error *err);
void oikos_parts_destroy(oikos_trainer *t);

/** This rank's learners, with what parts keep of them, for a trainer (bound: run/learners.h); after
 * the trainer has others, parts are to follow. Not collective. */
oikos_status oikos_parts_learners(const oikos_trainer *t, const int64_t *bound,
                                  oikos_learners *learners, oikos_error *err);
void oikos_parts_follow(oikos_trainer *t);

/** A part of the list; NULL: the trainer does not want it. */
oikos_part_state *oikos_part_of(const oikos_trainer *t, const oikos_part *part);

/* clang-format off */
/** All of them, in the order in which they are called, and stand in a checkpoint. */
#ifndef OIKOS_ALL_PARTS /* the tests' builds without some of them */
#define OIKOS_ALL_PARTS(ONE)                                                                       \
  ONE(revive)         /* a deserted home is split off another */                                   \
  ONE(teacher)        /* learners imitate a model, or each other */                                \
  ONE(embedding_rows) /* rows of an embedding table are fetched, and updated */                    \
  ONE(census)         /* who of which hidden group lives where */                                  \
  ONE(attack)         /* simulated attackers send something else */                                \
  ONE(rule)           /* learners can be left out, or count by another rule than the mean */       \
  ONE(privacy)        /* noise, its key, and what of the privacy is spent */                       \
  ONE(rollback)       /* patience with learners that diverge */                                    \
  ONE(learner_rates)  /* each learner has an inner rate of its own */                              \
  ONE(priority)       /* what a learner counts follows the rank of its home */                     \
  ONE(balance)        /* learners go to the ranks that have less to do */
#endif
/* clang-format on */
#define OIKOS_PART(name) extern const oikos_part oikos_part_##name;
OIKOS_ALL_PARTS(OIKOS_PART)

#endif
