/* SPDX-License-Identifier: MIT
 *
 * The census: who of the learners that are bound to a hidden group lives where. It is counted when
 * a record is made or the caller asks, not in the step, and never enters training. What it knows of
 * each learner is part of the checkpoint: the step since which it lives at its home; 0: in none.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/rand_index.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"
#include "tasks/source.h"

typedef struct book {
  int n_groups;
  size_t cells;       /* T * groups */
  int64_t *stayed;    /* (2, T, groups) learners by home and group: who never moved, who did */
  int64_t *residents; /* (T, groups) both */
  int32_t *home_of;   /* (groups) where most of a group live */
} book;

static bool wanted(const oikos_trainer *t) {
  const oikos_config *c = &t->config;
  return c->task.learners == OIKOS_LEARNERS_GROUPS && oikos_source_type_of(c)->hidden_groups;
}

static oikos_status create(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  book *b = p->state;
  b->n_groups = oikos_source_shape(t->source).n_groups;
  b->cells = oikos_mul((size_t)t->config.home.count, (size_t)b->n_groups);
  OIKOS_TRY(
      oikos_arena_alloc(&p->memory, &b->stayed, oikos_mul(2, b->cells), sizeof *b->stayed, err));
  OIKOS_TRY(oikos_arena_alloc(&p->memory, &b->residents, b->cells, sizeof *b->residents, err));
  return oikos_arena_alloc(&p->memory, &b->home_of, (size_t)b->n_groups, sizeof *b->home_of, err);
}

/* Note who changes homes. */
static void commit(oikos_trainer *t, oikos_part_state *p) {
  const oikos_learners *learners = &t->learners;
  int64_t *since = p->by_learner;
  for (oikos_slot_id slot = 0; slot < learners->active; slot++) {
    oikos_local_id local = oikos_learners_local(learners, slot);
    if (learners->next_home[slot] != learners->home[local])
      since[local] = t->step + 1;
  }
}

/* The step whose homes and groups are counted: the last one done. */
static int64_t last_step(const oikos_trainer *t) {
  return t->step > 0 ? t->step - 1 : 0;
}

static void count(const oikos_trainer *t, book *b) {
  int64_t step = last_step(t);
  memset(b->stayed, 0, 2 * b->cells * sizeof *b->stayed);
  for (oikos_local_id local = 0; local < t->learners.count; local++) {
    oikos_learner_id learner = t->learners.first + local;
    size_t group = (size_t)oikos_source_group_of(t->source, step, learner),
           cell = (size_t)t->learners.home[local] * (size_t)b->n_groups + group;
    b->stayed[cell + (oikos_source_moved(t->source, step, learner) ? b->cells : 0)]++;
  }
  oikos_sum_int64(&t->team, 2 * b->cells, b->stayed);
  for (size_t k = 0; k < b->cells; k++)
    b->residents[k] = b->stayed[k] + b->stayed[b->cells + k];
}

/* The home where most of a group live; of equal ones the first. -1: nobody is of that group. */
static int32_t most_common(const book *b, int64_t n_homes, const int64_t *residents, int group) {
  const int64_t *column = residents + group;
  int32_t best = 0;
  for (int32_t h = 1; h < n_homes; h++)
    if (column[h * b->n_groups] > column[best * b->n_groups])
      best = h;
  return column[best * b->n_groups] > 0 ? best : -1;
}

/* The home of each group is that of those who were always of it; if there are none, of all. */
static void find_homes(book *b, int64_t n_homes) {
  for (int g = 0; g < b->n_groups; g++) {
    b->home_of[g] = most_common(b, n_homes, b->stayed, g);
    if (b->home_of[g] < 0)
      b->home_of[g] = most_common(b, n_homes, b->residents, g);
  }
}

/* How many of the learners that changed groups live at the home of the new one, and how long it
 * took them. */
static void follow_movers(const oikos_trainer *t, const oikos_part_state *p, oikos_census *c) {
  const int64_t *since = p->by_learner;
  book *b = p->state;
  int64_t step = last_step(t), move_at = t->config.task.move_at, sums[3] = {0}, longest = 0;
  find_homes(b, t->config.home.count);
  for (oikos_local_id local = 0; local < t->learners.count; local++) {
    oikos_learner_id learner = t->learners.first + local;
    if (!oikos_source_moved(t->source, step, learner))
      continue;
    int64_t took = since[local] > move_at ? since[local] - move_at : 0;
    bool settled =
        t->learners.home[local] == b->home_of[oikos_source_group_of(t->source, step, learner)];
    sums[0]++;
    sums[1] += settled;
    sums[2] += settled ? took : 0;
    longest = settled && took > longest ? took : longest;
  }
  oikos_sum_int64(&t->team, 3, sums);
  oikos_max_int64(&t->team, 1, &longest);
  c->movers = sums[0];
  c->settled = sums[1];
  c->mean_steps = sums[1] > 0 ? (double)sums[2] / (double)sums[1] : 0;
  c->most_steps = longest;
}

oikos_census oikos_trainer_census(oikos_trainer *t) {
  const oikos_part_state *p = oikos_part_of(t, &oikos_part_census);
  oikos_census c = {.n_homes = (int)t->config.home.count, .rand = NAN};
  if (!p)
    return c;
  book *b = p->state;
  count(t, b);
  c.n_groups = b->n_groups;
  c.residents = b->residents;
  c.rand = oikos_adjusted_rand((size_t)c.n_homes, (size_t)c.n_groups, b->residents);
  if (t->config.task.move_at > 0)
    follow_movers(t, p, &c);
  return c;
}

static void record(oikos_trainer *t, const oikos_part_state *p, double *row) {
  row[p->column] = oikos_trainer_census(t).rand;
}

static void fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  oikos_fields_by_learner(f, t, OIKOS_FIELD_INT64, p->by_learner, 0,
                          "steps done when each learner came to its home", "since");
}

const oikos_part oikos_part_census = {
    .name = "census",
    .size = sizeof(book),
    .by_learner = sizeof(int64_t),
    .number = "rand", // null: homes and groups tell nothing of each other
    .value = offsetof(oikos_record, rand),
    .wanted = wanted,
    .create = create,

    .commit = commit,
    .record = record,
    .fields = fields};
