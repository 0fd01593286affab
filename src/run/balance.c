/* SPDX-License-Identifier: MIT */
#include "run/balance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/work.h"
#include "math/partition.h"
#include "run/part.h"
#include "run/trainer_impl.h"

/* Parts of the blocks' row, at least, and per rank: with so many a cut is well placed. */
enum { PARTS = 1 << 16, PARTS_PER_RANK = 64 };

static const double gain_enough = 1.05;

/* By learner: its work since the last look. */
typedef struct balance {
  int64_t steps;       /* since the last look */
  double sum, squares; /* over these, of this rank's work in a step, and of its square */
  bool looked;

  int64_t log[OIKOS_BALANCE_LOG]; /* this rank's work in the last steps */
  int logged;
  double mean, most; /* sums over the steps since the last record that are not in the log */
} balance;

static bool wanted(const oikos_trainer *t) {
  return t->team.size > 1;
}

static void trained(oikos_trainer *t, const oikos_part_state *p, int thread, oikos_slot_id slot,
                    oikos_contribution *c) {
  (void)c;
  const int64_t *work = p->by_learner;
  ((int64_t *)p->by_slot)[slot] = work[oikos_learners_local(&t->learners, slot)] +
                                  oikos_work(&t->context, &t->workers[thread].episode);
}

/* The steps in the log as two numbers. */
static void sum_up(const oikos_trainer *t, balance *b) {
  int64_t all = 0;
  for (int k = 0; k < b->logged; k++)
    all += b->log[k];
  oikos_sum_int64(&t->team, 1, &all);
  oikos_max_int64(&t->team, (size_t)b->logged, b->log);
  b->mean += (double)all / t->team.size;
  for (int k = 0; k < b->logged; k++)
    b->most += (double)b->log[k];
  b->logged = 0;
}

static void commit(oikos_trainer *t, oikos_part_state *p) {
  balance *b = p->state;
  const oikos_learners *learners = &t->learners;
  const int64_t *work = p->by_learner, *next = p->by_slot;
  int64_t all = 0;
  for (oikos_slot_id slot = 0; slot < learners->active; slot++)
    all += next[slot] - work[oikos_learners_local(learners, slot)];
  b->steps++;
  b->sum += (double)all;
  b->squares += (double)all * (double)all;
  b->log[b->logged++] = all;
  if (b->logged == OIKOS_BALANCE_LOG)
    sum_up(t, b);
}

double oikos_balance_efficiency(oikos_trainer *t) {
  const oikos_part_state *p = oikos_part_of(t, &oikos_part_balance);
  if (!p)
    return 0;
  balance *b = p->state;
  sum_up(t, b);
  double efficiency = b->most > 0 ? b->mean / b->most : 1;
  b->mean = b->most = 0;
  return efficiency;
}

static void record(oikos_trainer *t, const oikos_part_state *p, double *row) {
  (void)p;
  row[t->history.fields + OIKOS_ASIDE_BALANCE] = oikos_balance_efficiency(t);
}

/* What the busiest rank had to do since the last look, but for three standard errors. */
static double surely_most(const oikos_trainer *t, const balance *b) {
  double n = (double)b->steps, spread = b->squares - b->sum * b->sum / n, most;
  double error = sqrt((spread > 0 ? spread : 0) * n / (n - 1)); // of the sum of n
  most = b->sum - 3 * error;
  oikos_largest(&t->team, 1, &most);
  return most;
}

/* Strata that are kept together, where there are very many: no rank holds a number for each. */
static int64_t kept_together(const oikos_trainer *t, int64_t strata) {
  int64_t least = (int64_t)PARTS_PER_RANK * t->team.size, parts = least > PARTS ? least : PARTS;
  return (strata + parts - 1) / parts;
}

/* Cut blocks into bound (P + 1), by before (parts + 1). Returns what the busiest rank would have
 * had to do. */
static int64_t cut(const oikos_trainer *t, const int64_t *work, int64_t together, int64_t parts,
                   int64_t *before, int64_t *bound) {
  const oikos_config *c = &t->config;
  const oikos_learners *learners = &t->learners;
  int64_t ranks = t->team.size, strata = oikos_cohort_size(c), stratum, one,
          most = OIKOS_LOOK_MOST * ((parts + ranks - 1) / ranks);
  for (oikos_local_id local = 0; local < learners->count; local++) {
    oikos_cohort_strata(c, learners->first + local, 1, &stratum, &one);
    before[1 + stratum / together] += work[local];
  }
  oikos_sum_int64(&t->team, (size_t)parts, before + 1);
  for (int64_t k = 0; k < parts; k++) // the units of some steps: far below 2^63
    before[k + 1] += before[k];
  int64_t cost = oikos_partition((oikos_row_cost){parts, before}, ranks, most, bound);
  for (int64_t r = 0; r <= ranks; r++) {
    int64_t first = bound[r] * together;
    bound[r] = oikos_cohort_first(c, first < strata ? first : strata);
  }
  return cost;
}

/* Learners whose owner changes. */
static int64_t movers(const oikos_trainer *t, const int64_t *bound) {
  const int64_t *old = t->learners.bound;
  int64_t stay = 0;
  for (int r = 0; r < t->team.size; r++)
    stay += oikos_learners_common(bound[r], bound[r + 1], old[r], old[r + 1]);
  return t->config.learners.count - stay;
}

/* Move them, if it is worth it. */
static void look(oikos_trainer *t, const oikos_part_state *p, int64_t together, int64_t parts,
                 int64_t *before, int64_t *bound) {
  oikos_error err;
  double now = surely_most(t, p->state);
  int64_t cost = cut(t, p->by_learner, together, parts, before, bound), moved = movers(t, bound);
  double mean = (double)before[parts] / t->team.size;
  if ((double)cost * gain_enough >= now || moved == 0)
    return;
  if (oikos_relocate(t, bound, &err) == OIKOS_OK)
    oikos_trainer_say(t,
                      "balance: %lld learners went to another rank; the busiest one had %.2f times "
                      "the mean work, now %.2f times",
                      (long long)moved, now / mean, (double)cost / mean);
  else
    oikos_trainer_say(t, "warning: learners were not moved to balance the ranks' work: %s",
                      err.message);
}

/* Move learners, if it is time to look and worth it. A failure for want of memory is told and
 * leaves them where they are. */
static oikos_status between(oikos_trainer *t, oikos_part_state *p, bool saved, oikos_error *err) {
  balance *b = p->state;
  int64_t *before, together = kept_together(t, oikos_cohort_size(&t->config)),
                   parts = (oikos_cohort_size(&t->config) + together - 1) / together;
  bool early = !b->looked && b->steps >= OIKOS_LOOK_EARLY, last = t->step >= t->config.steps;
  if (!t->config.run.balance || last || b->steps < OIKOS_LOOK_LEAST || !(saved || early))
    return OIKOS_OK;
  size_t all = (size_t)parts + 1 + (size_t)t->team.size + 1; // before, then the bounds
  oikos_status status =
      oikos_agree(&t->team, oikos_alloc(&before, all, sizeof *before, "balance", err), err);
  if (status == OIKOS_OK)
    look(t, p, together, parts, before, before + parts + 1);
  free(before);
  b->looked = true;
  b->steps = 0;
  b->sum = b->squares = 0;
  memset(p->by_learner, 0, (size_t)t->learners.count * sizeof(int64_t));
  return status;
}

const oikos_part oikos_part_balance = {.name = "balance",
                                       .size = sizeof(balance),
                                       .by_learner = sizeof(int64_t),
                                       .by_slot = true,
                                       .wanted = wanted,
                                       .trained = trained,
                                       .commit = commit,
                                       .between = between,
                                       .record = record};
