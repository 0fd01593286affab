/* SPDX-License-Identifier: MIT */
#include "learn/priority.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

typedef oikos_real real;

static const double decay[OIKOS_N_AVERAGES] = {0.05, 0.01, 0.1};

typedef struct oikos_ranked_home {
  double value;
  int64_t home;
} oikos_ranked_home;

oikos_status oikos_priority_create(const oikos_config *config, oikos_priority *p,
                                   oikos_error *err) {
  size_t homes = (size_t)config->home.count;
  *p = (oikos_priority){.n_homes = config->home.count};
  if (config->home.priority == OIKOS_PRIORITY_NONE)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&p->average, oikos_mul(homes, OIKOS_N_AVERAGES), sizeof *p->average,
                        "the priorities", err));
  OIKOS_TRY(oikos_alloc(&p->steps, homes, sizeof *p->steps, "the priorities", err));
  OIKOS_TRY(oikos_alloc(&p->effort, homes, sizeof *p->effort, "the priorities", err));
  return oikos_alloc(&p->ranked, homes, sizeof *p->ranked, "the priorities", err);
}

void oikos_priority_destroy(oikos_priority *p) {
  free(p->average);
  free(p->steps);
  free(p->effort);
  free(p->ranked);
  *p = (oikos_priority){0};
}

static int by_value(const void *a, const void *b) {
  const oikos_ranked_home *x = a, *y = b;
  return (x->value > y->value) - (x->value < y->value);
}

static double value_of(const oikos_config *config, const double *average) {
  return config->home.priority == OIKOS_PRIORITY_GRADIENT
             ? average[OIKOS_AVERAGE_NORM]
             : average[OIKOS_AVERAGE_SLOW] - average[OIKOS_AVERAGE_FAST];
}

void oikos_priority_rank(const oikos_config *config, oikos_priority *p) {
  double s = config->home.priority_strength;
  size_t n = 0;
  for (int64_t h = 0; p->effort && h < p->n_homes; h++) {
    p->effort[h] = 1;
    if (p->steps[h] > 0)
      p->ranked[n++] = (oikos_ranked_home){value_of(config, p->average + h * OIKOS_N_AVERAGES), h};
  }
  if (n < 2)
    return;
  qsort(p->ranked, n, sizeof *p->ranked, by_value);
  for (size_t first = 0, end; first < n; first = end) {
    end = first + 1;
    while (end < n && p->ranked[end].value == p->ranked[first].value)
      end++;
    double rank = (double)(first + end - 1) / 2; // of all that tie
    for (size_t r = first; r < end; r++)
      p->effort[p->ranked[r].home] = 1 - s + 2 * s * rank / (double)(n - 1);
  }
}

void oikos_priority_average(oikos_priority *p, int64_t home, double norm, double loss) {
  double *average = p->average + home * OIKOS_N_AVERAGES,
         now[OIKOS_N_AVERAGES] = {norm, loss, loss};
  for (int k = 0; k < OIKOS_N_AVERAGES; k++)
    average[k] = p->steps[home] == 0 ? now[k] : average[k] + decay[k] * (now[k] - average[k]);
  p->steps[home]++;
}

void oikos_priority_update(const oikos_segments *s, const oikos_sum *sum, oikos_priority *p) {
  real means[2];
  for (int64_t h = 0; p->effort && h < p->n_homes; h++) {
    int64_t members = sum->words[OIKOS_COUNT_MEMBERS + h];
    if (members == 0)
      continue;
    oikos_sum_get(s->grid, sum, s->by_home + (int)h, 1 / (double)members, means);
    oikos_priority_average(p, h, (double)means[0], (double)means[1]);
  }
}
