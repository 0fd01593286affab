/* SPDX-License-Identifier: MIT
 *
 * The census: who of the learners that are bound to a hidden group lives where. It is counted when
 * a record is made or the caller asks, not in the step, and never enters training. What it knows of
 * each learner, the step since which it lives at its home, is part of the checkpoint.
 */
#ifndef OIKOS_RUN_CENSUS_H
#define OIKOS_RUN_CENSUS_H

#include "oikos/trainer.h"

typedef struct oikos_census_book {
  int n_groups;       /* 0: no census is taken */
  size_t cells;       /* T * groups */
  int64_t *stayed;    /* (2, T, groups) learners by home and group: who never moved, who did */
  int64_t *residents; /* (T, groups) both */
  int32_t *home_of;   /* (groups) where most of a group live */
  int64_t *since;     /* (count) steps done when each own learner came to its home; 0: in none */
} oikos_census_book;

/** Whether learners of this configuration are bound to hidden groups. */
bool oikos_census_wanted(const oikos_config *config);

/** Make room for a census of these groups (0: none), with `count` own learners. */
oikos_status oikos_census_create(int n_groups, int64_t n_homes, int64_t count,
                                 oikos_census_book *book, oikos_error *err);
void oikos_census_destroy(oikos_census_book *book);

/** At the end of a step, before its homes are adopted: note who changes homes. Not collective. */
void oikos_census_note(oikos_trainer *t);

#endif
