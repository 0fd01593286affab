/* SPDX-License-Identifier: MIT
 * What a run would take: the first of many ranks is made alone, and measured. */
#include <stdio.h>
#include <unistd.h>

#include "base/try.h"
#include "learn/cohort.h"
#include "run/part.h"
#include "run/trainer_impl.h"

/* Resident memory of this process, in bytes; 0 if the system does not tell. */
static double resident(void) {
  long pages = 0;
  FILE *in = fopen("/proc/self/statm", "r");
  if (!in)
    return 0;
  if (fscanf(in, "%*d %ld", &pages) != 1)
    pages = 0;
  fclose(in);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void describe(const oikos_trainer *t, const oikos_config *c, oikos_plan *p) {
  int64_t slots = oikos_cohort_size(c), first, count,
          whole_nodes = (p->ranks + p->ranks_per_node - 1) / p->ranks_per_node;
  double words = (double)oikos_grid_words(t->segments.grid), nodes = (double)whole_nodes;
  oikos_share(c->learners.count, 0, p->ranks, &first, &p->most_learners);
  oikos_share(slots, 0, p->ranks, &first, &p->most_active);
  oikos_share(slots, p->ranks - 1, p->ranks, &first, &count);
  p->least_active = count;
  p->threads = t->n_threads;
  p->parameters = (int64_t)t->weights.n;
  p->sum_bytes =
      words * sizeof(int64_t) + (double)oikos_grid_plain(t->segments.grid) * sizeof(oikos_real);
  p->node_bytes = 2 * (nodes - 1) / nodes * p->sum_bytes;
  OIKOS_PARTS(t, part, plan)
    part->part->plan(t, part, p);
  p->records = c->steps / c->log.every;
  p->checkpoint_bytes += (double)p->records * (double)(t->history.fields + 3) * sizeof(double);
}

oikos_status oikos_trainer_plan(const oikos_config *config, int ranks, int ranks_per_node,
                                oikos_plan *plan, oikos_error *err) {
  oikos_trainer *t = NULL;
  *plan = (oikos_plan){.ranks = ranks, .ranks_per_node = ranks_per_node};
  plan->bare_bytes = resident();
  oikos_status status = oikos_trainer_create_alone(config, ranks, &t, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_checkpoint_bytes(t, &plan->checkpoint_bytes, err);
  if (status == OIKOS_OK) {
    plan->rank_bytes = resident();
    describe(t, config, plan);
  }
  oikos_trainer_destroy(t);
  return status;
}
