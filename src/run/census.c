/* SPDX-License-Identifier: MIT */
#include "run/census.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/rand_index.h"
#include "run/trainer_impl.h"
#include "tasks/source.h"

bool oikos_census_wanted(const oikos_config *c) {
  return c->task.learners == OIKOS_LEARNERS_GROUPS && oikos_source_type_of(c)->hidden_groups;
}

oikos_status oikos_census_create(int n_groups, int64_t n_homes, int64_t count, oikos_census_book *b,
                                 oikos_error *err) {
  *b = (oikos_census_book){.n_groups = n_groups};
  if (n_groups == 0)
    return OIKOS_OK;
  b->cells = oikos_mul((size_t)n_homes, (size_t)n_groups);
  OIKOS_TRY(oikos_alloc(&b->stayed, oikos_mul(2, b->cells), sizeof *b->stayed, "the census", err));
  OIKOS_TRY(oikos_alloc(&b->residents, b->cells, sizeof *b->residents, "the census", err));
  OIKOS_TRY(oikos_alloc(&b->home_of, (size_t)n_groups, sizeof *b->home_of, "the census", err));
  return oikos_alloc(&b->since, (size_t)count, sizeof *b->since, "the census", err);
}

void oikos_census_destroy(oikos_census_book *b) {
  free(b->stayed);
  free(b->residents);
  free(b->home_of);
  free(b->since);
  *b = (oikos_census_book){0};
}

void oikos_census_note(oikos_trainer *t) {
  const oikos_learners *own = &t->learners;
  for (int64_t at = 0; t->census.n_groups > 0 && at < own->active; at++) {
    int64_t i = own->learner[at] - own->first;
    if (own->next_home[at] != own->home[i])
      t->census.since[i] = t->step + 1;
  }
}

/* The step whose homes and groups are counted: the last one done. */
static int64_t last_step(const oikos_trainer *t) {
  return t->step > 0 ? t->step - 1 : 0;
}

static void count(oikos_trainer *t) {
  oikos_census_book *b = &t->census;
  int64_t step = last_step(t);
  memset(b->stayed, 0, 2 * b->cells * sizeof *b->stayed);
  for (int64_t i = 0; i < t->learners.count; i++) {
    int64_t learner = t->learners.first + i;
    size_t group = (size_t)oikos_source_group_of(t->source, step, learner),
           cell = (size_t)t->learners.home[i] * (size_t)b->n_groups + group;
    b->stayed[cell + (oikos_source_moved(t->source, step, learner) ? b->cells : 0)]++;
  }
  oikos_all_reduce(t->team.world, 2 * b->cells, b->stayed, MPI_INT64_T, MPI_SUM);
  for (size_t k = 0; k < b->cells; k++)
    b->residents[k] = b->stayed[k] + b->stayed[b->cells + k];
}

/* The home where most of a group live; of equal ones the first. -1: nobody is of that group. */
static int32_t most_common(const oikos_trainer *t, const int64_t *residents, int group) {
  const int64_t *column = residents + group;
  int32_t best = 0;
  for (int32_t h = 1; h < t->config.home.count; h++)
    if (column[h * t->census.n_groups] > column[best * t->census.n_groups])
      best = h;
  return column[best * t->census.n_groups] > 0 ? best : -1;
}

/* The home of each group is that of those who were always of it; if there are none, of all. */
static void find_homes(oikos_trainer *t) {
  oikos_census_book *b = &t->census;
  for (int g = 0; g < b->n_groups; g++) {
    b->home_of[g] = most_common(t, b->stayed, g);
    if (b->home_of[g] < 0)
      b->home_of[g] = most_common(t, b->residents, g);
  }
}

/* How many of the learners that changed groups live at the home of the new one, and how long it
 * took them. */
static void follow_movers(oikos_trainer *t, oikos_census *c) {
  int64_t step = last_step(t), at = t->config.task.move_at, sums[3] = {0}, longest = 0;
  find_homes(t);
  for (int64_t i = 0; i < t->learners.count; i++) {
    int64_t learner = t->learners.first + i;
    if (!oikos_source_moved(t->source, step, learner))
      continue;
    int64_t took = t->census.since[i] > at ? t->census.since[i] - at : 0;
    bool settled =
        t->learners.home[i] == t->census.home_of[oikos_source_group_of(t->source, step, learner)];
    sums[0]++;
    sums[1] += settled;
    sums[2] += settled ? took : 0;
    longest = settled && took > longest ? took : longest;
  }
  oikos_all_reduce(t->team.world, 3, sums, MPI_INT64_T, MPI_SUM);
  oikos_all_reduce(t->team.world, 1, &longest, MPI_INT64_T, MPI_MAX);
  c->movers = sums[0];
  c->settled = sums[1];
  c->mean_steps = sums[1] > 0 ? (double)sums[2] / (double)sums[1] : 0;
  c->most_steps = longest;
}

oikos_census oikos_trainer_census(oikos_trainer *t) {
  const oikos_census_book *b = &t->census;
  oikos_census c = {.n_homes = (int)t->config.home.count, .n_groups = b->n_groups, .rand = NAN};
  if (b->n_groups == 0)
    return c;
  count(t);
  c.residents = b->residents;
  c.rand = oikos_adjusted_rand((size_t)c.n_homes, (size_t)c.n_groups, b->residents);
  if (t->config.task.move_at > 0)
    follow_movers(t, &c);
  return c;
}
