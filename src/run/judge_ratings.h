/* SPDX-License-Identifier: MIT
 * What an evaluation says of ratings: a row of numbers for each episode, and what they come to. */
#ifndef OIKOS_RUN_JUDGE_RATINGS_H
#define OIKOS_RUN_JUDGE_RATINGS_H

#include "base/memory.h"
#include "learn/learner.h"
#include "math/ranking.h"
#include "math/ratio.h"
#include "oikos/trainer.h"
#include "run/both_tasks.h"
#include "run/ranking.h"
#include "tasks/ratings.h"
#include "tasks/ratings_bias.h"

/** Memory of one thread, for one episode. */
typedef struct oikos_judge_scratch {
  double *expected, *bias; /* (judged) within the range; of the baseline */
  int32_t *other;          /* (support) */
  float *value;            /* (support) */
} oikos_judge_scratch;

typedef struct oikos_judge {
  const oikos_ratings *ratings; /* NULL: another source, and nothing below does anything */
  oikos_ratings_bias *bias;     /* the baseline */
  oikos_ranking *ranking;       /* of all that could be recommended */
  oikos_both both;              /* tasks together */
  int threads;
  oikos_judge_scratch *scratch;  /* (threads) */
  int64_t *unit, *first;         /* of the episodes at hand: (n) who learns; (n + 1) where its
                                    queries begin */
  int64_t known[2];              /* users, items that training knows */
  size_t part;                   /* queries of a part of an episode */
  size_t room;                   /* queries that the next four hold */
  int32_t *query;                /* whom they are of */
  oikos_real *score, *relevance; /* after all steps; what is true */
  oikos_ranked *ranked;          /* scratch */
  oikos_arena memory, queries;   /* of all; of those of `room` */
} oikos_judge;

static inline oikos_estimate oikos_estimate_of(oikos_ratio r) {
  return (oikos_estimate){r.value, r.interval, r.units};
}

/** Not collective. */
oikos_status oikos_judge_create(oikos_trainer *trainer, oikos_judge *judge, oikos_error *err);
void oikos_judge_destroy(oikos_judge *judge);

/** How many numbers a row has. */
size_t oikos_judge_fields(const oikos_judge *judge, int64_t steps);

/** So many episodes are at hand next, with so many queries (count) each. Not collective. */
oikos_status oikos_judge_begin(oikos_judge *judge, int64_t count, const int64_t *queries,
                               oikos_error *err);

/** Of the outputs (query, outputs) of the episode in place i, or of one part of it, after k of
 * `steps` inner steps; added to row. */
void oikos_judge_step(const oikos_judge *judge, int thread, const oikos_network *net, int64_t i,
                      const oikos_episode *episode, const oikos_real *outputs, int64_t k,
                      int64_t steps, double *row);

/** The learner in place i of those at hand has adapted to theta (M): it will be ranked for. */
void oikos_judge_keep(const oikos_judge *judge, int64_t i, const oikos_episode *episode,
                      const oikos_real *theta);

/**
 * After all steps and parts of the `count` episodes at hand: their order, and what is recommended,
 * of all, against their queries. Collective.
 * @param row  of the first; the next ones follow at `stride`
 */
oikos_status oikos_judge_ranks(oikos_judge *judge, int64_t count, double *row, size_t stride,
                               oikos_error *err);

/** Sum up the rows of one group of episodes, m of them at `stride`, that have numbers of the inner
 * steps from `first` on. */
oikos_status oikos_judge_sum_up(size_t m, size_t stride, const double *row, int64_t first,
                                int64_t steps, oikos_rated *rated, oikos_error *err);

/** The same of both tasks together, when all ranks have what all have noted. Not collective. */
oikos_status oikos_judge_sum_up_both(const oikos_judge *judge, int64_t steps, oikos_rated *rated,
                                     oikos_error *err);

#endif
