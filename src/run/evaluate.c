/* SPDX-License-Identifier: MIT
 * Evaluation: unseen episodes are spread over ranks and threads; every result has its place by the
 * episode's number, so the statistics are the same on any number of ranks. */
#include <omp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "net/derivatives.h"
#include "run/embedding_rows.h"
#include "run/summary.h"
#include "run/trainer_impl.h"

/* Sums of the squared errors of the targets, in their own units, of the outputs that are at hand.
 */
static void judge_targets(const oikos_trainer *t, const oikos_worker *w,
                          const oikos_batch *query_batch, size_t targets, double *sums) {
  const oikos_real *y = oikos_workspace_outputs(t->net, oikos_path_workspace(w->path));
  size_t first = query_batch->n_support * targets, all = query_batch->n * targets;
  for (size_t j = 0; j < targets; j++) {
    double sum = 0, unit = oikos_source_target(t->source, (int64_t)j).unit;
    for (size_t i = first + j; i < all; i += targets) {
      double difference = (double)y[i] - (double)query_batch->y[i];
      sum += difference * difference;
    }
    sums[j] = unit * unit * sum;
  }
}

/* Episodes that a rank has at hand, from the first on, and the part of them that is judged. */
typedef struct episode_block {
  oikos_trainer *t;
  oikos_split split;
  int64_t first, count, part;
  int64_t *queries; /* (count) of each in all; of sources whose episodes have one part 0 */
} episode_block;

enum { QUERIES = 1 << 17 }; /* of all episodes of a block, unless one alone has more */

static int64_t parts_of(const oikos_trainer *t, int64_t queries) {
  int64_t each = (int64_t)oikos_source_shape(t->source).query_part;
  return queries > each ? (queries + each - 1) / each : 1;
}

static void draw_unseen(const void *user, int64_t i, oikos_episode *e) {
  const episode_block *b = user;
  if (b->part < parts_of(b->t, b->queries[i])) {
    oikos_source_draw_part(b->t->source, b->split, b->first + i, b->part, e);
  } else {
    e->support.n = e->query.n = 0;
    e->embedding_rows.self = -1;
  }
}

/* What is said of an episode that is drawn beside its losses. */
static void describe_episode(const oikos_trainer *t, const oikos_results *r, const oikos_worker *w,
                             const oikos_episode *e, double queries, int32_t home, double *row) {
  row[r->evaluated] = queries;
  row[r->confidence] = (double)oikos_learner_confidence(&t->context, w->log_p, home);
  row[r->home] = home;
  row[r->group] = e->group < 0 ? 0 : e->group;
  for (size_t j = 0; j < r->each; j++)
    row[r->unit + j] = (double)(e->classes ? e->classes[j] : e->unit);
}

static void evaluate_episode(const episode_block *b, int64_t i, const oikos_results *r,
                             int thread) {
  oikos_trainer *t = b->t;
  oikos_worker *w = &t->workers[thread];
  double *row = r->rows + (size_t)(b->first + i) * r->fields;
  const oikos_real *rates = t->weights.shared + t->weights.m;
  draw_unseen(b, i, &w->episode);
  oikos_learner_place_embedding_rows(&t->context, oikos_embedding_rows_view(t->embedding_rows, i),
                                     0, &w->episode);
  int32_t home = oikos_learner_arrive(&t->context, w);
  oikos_batch query_batch =
      oikos_learner_query_batch(&t->context, oikos_eval_norm_of(&t->config), &w->episode);
  double queries = (double)(b->queries[i] ? b->queries[i] : (int64_t)w->episode.query.n),
         share = (double)w->episode.query.n / queries;
  oikos_adapt(t->inner, w->path, rates, &w->episode.support, r->steps);
  for (int64_t k = 0; k <= r->steps; k++) {
    const oikos_real *theta = oikos_path_parameters(t->inner, w->path, k);
    oikos_judgement j =
        oikos_network_loss(t->net, oikos_path_workspace(w->path), theta, &query_batch);
    row[k] += share * j.loss;
    row[r->steps + 1 + k] += j.correct / queries;
    judge_targets(t, w, &query_batch, (size_t)r->targets, row + r->errors + k * r->targets);
    oikos_judge_step(&r->judge, thread, t->net, i, &w->episode,
                     oikos_workspace_outputs(t->net, oikos_path_workspace(w->path)), k, r->steps,
                     row + r->ratings_offset);
  }
  oikos_judge_keep(&r->judge, i, &w->episode, oikos_path_parameters(t->inner, w->path, r->steps));
  describe_episode(t, r, w, &w->episode, queries, home, row);
}

/* Episodes first .. first + count - 1 of those at hand in lockstep. */
static void evaluate_group(const episode_block *b, int64_t first, int64_t count,
                           const oikos_results *r, int thread) {
  oikos_trainer *t = b->t;
  oikos_worker *w = &t->workers[thread];
  double *loss = r->losses + (size_t)thread * (size_t)(r->steps + 1) * OIKOS_LOCKSTEP;
  for (int64_t i = 0; i < count; i++)
    draw_unseen(b, first + i, &w->drawn[i]);
  for (int64_t i = 0; i < OIKOS_LOCKSTEP; i++)
    oikos_lockstep_set(w->lockstep, (size_t)i, &w->drawn[i < count ? i : 0]);
  oikos_lockstep_evaluate(w->lockstep, t->weights.shared, r->steps, loss);
  for (int64_t i = 0; i < count; i++) {
    const oikos_episode *e = &w->drawn[i];
    double *row = r->rows + (size_t)(b->first + first + i) * r->fields;
    w->episode = *e;
    int32_t home = oikos_learner_arrive(&t->context, w);
    for (int64_t k = 0; k <= r->steps; k++)
      row[k] += loss[k * OIKOS_LOCKSTEP + i];
    describe_episode(t, r, w, e, (double)e->query.n, home, row);
  }
}

/* Whether episodes go in lockstep: they have one part, of which nothing but the loss is asked. */
static bool goes_in_lockstep(const oikos_trainer *t, const oikos_results *r) {
  return t->lockstep && r->targets == 0 && !r->judge.ratings;
}

/* Part b->part of the episodes at hand; an error on all ranks if the observer of any asked to stop.
 */
static oikos_status run_part(const episode_block *b, const oikos_results *r, oikos_error *err) {
  enum { SOME = 4096 }; // so that not all that are left are looked at when nothing is to be done
  oikos_trainer *t = b->t;
  oikos_pulse *pulse = t->team.pulse;
  int64_t at_once = goes_in_lockstep(t, r) ? OIKOS_LOCKSTEP : 1;
  OIKOS_TRY(oikos_embedding_rows_fetch(t->embedding_rows, b->count, draw_unseen, b,
                                       &t->workers[0].episode, err));
  for (int64_t begin = 0; begin < b->count && !oikos_pulse_stopped(pulse); begin += SOME) {
    int64_t end = b->count - begin < SOME ? b->count : begin + SOME;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->n_threads)
    for (int64_t i = begin; i < end; i += at_once) {
      oikos_pulse_beat(pulse);
      if (oikos_pulse_stopped(pulse))
        continue;
      if (at_once > 1)
        evaluate_group(b, i, end - i < at_once ? end - i : at_once, r, omp_get_thread_num());
      else if (b->part < parts_of(t, b->queries[i]))
        evaluate_episode(b, i, r, omp_get_thread_num());
    }
  }
  oikos_status status = OIKOS_OK;
  if (oikos_pulse_stopped(pulse))
    status = oikos_fail(err, OIKOS_STOPPED, "the evaluation was stopped on request");
  return oikos_agree(&t->team, status, err);
}

/* As many of the `left` next episodes as may be at hand together; all of other sources. Returns the
 * parts of the one that has most. */
static int64_t take(episode_block *b, const oikos_results *r, int64_t left) {
  const oikos_trainer *t = b->t;
  int64_t room = r->judge.ratings ? oikos_embedding_rows_most(t) : left,
          most = room < left ? room : left, queries = 0, parts = 0;
  for (b->count = 0; b->count < most; b->count++) {
    int64_t n = oikos_source_queries(t->source, b->split, b->first + b->count);
    if (b->count > 0 && queries + n > QUERIES)
      break;
    b->queries[b->count] = n;
    queries += n;
    parts = parts_of(t, n) > parts ? parts_of(t, n) : parts;
  }
  return parts;
}

/* Block after block, and each part after part, as many on all ranks: one that is done early takes
 * part with empty ones. */
static oikos_status run_blocks(episode_block *b, oikos_results *r, int64_t end, oikos_error *err) {
  const oikos_team *team = &b->t->team;
  for (int64_t parts; true; b->first += b->count) {
    parts = take(b, r, end - b->first);
    oikos_max_int64(team, 1, &parts);
    if (parts == 0)
      return OIKOS_OK;
    OIKOS_TRY(oikos_agree(team, oikos_judge_begin(&r->judge, b->count, b->queries, err), err));
    for (b->part = 0; b->part < parts; b->part++)
      OIKOS_TRY(run_part(b, r, err));
    OIKOS_TRY(oikos_judge_ranks(&r->judge, b->count,
                                r->rows + (size_t)b->first * r->fields + r->ratings_offset,
                                r->fields, err));
  }
}

static oikos_status evaluate(oikos_trainer *t, oikos_split split, oikos_results *r,
                             oikos_error *err) {
  episode_block b = {.t = t, .split = split};
  int64_t count;
  size_t all = oikos_mul((size_t)r->episodes, r->fields);
  oikos_share(r->episodes, t->team.rank, t->team.size, &b.first, &count);
  oikos_status status = oikos_arena_alloc(&r->memory, &r->rows, all, sizeof *r->rows, err);
  if (status == OIKOS_OK)
    status = oikos_arena_alloc(&r->memory, &b.queries, (size_t)count, sizeof *b.queries, err);
  if (status == OIKOS_OK)
    status =
        oikos_arena_alloc(&r->memory, &r->losses,
                          oikos_mul((size_t)t->n_threads * OIKOS_LOCKSTEP, (size_t)r->steps + 1),
                          sizeof *r->losses, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_reach(t, r->steps, err);
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_EVALUATE);
  OIKOS_TRY(run_blocks(&b, r, b.first + count, err));
  oikos_collect(&t->team, all, r->rows);
  return OIKOS_OK;
}

oikos_status oikos_trainer_evaluate(oikos_trainer *t, oikos_split split, int64_t episodes,
                                    int64_t steps, oikos_evaluation *v, oikos_error *err) {
  oikos_results r = {.episodes = episodes,
                     .steps = steps < 0 ? t->config.inner.steps : steps,
                     .each = oikos_source_shape(t->source).units,
                     .memory.what = "the evaluation"};
  double start = oikos_wall_clock();
  if (oikos_source_target(t->source, 0).name)
    r.targets = oikos_source_shape(t->source).outputs;
  int64_t all = oikos_source_episodes(t->source, split);
  r.episodes = all > 0 && all < episodes ? all : episodes;
  *v =
      (oikos_evaluation){.episodes = r.episodes,
                         .steps = r.steps,
                         .n_homes = (int)t->config.home.count,
                         .n_groups = oikos_source_shape(t->source).n_groups,
                         .unit = oikos_source_unit(t->source),
                         .transductive = oikos_network_normalises(t->net) &&
                                         oikos_eval_norm_of(&t->config) == OIKOS_NORM_TRANSDUCTIVE};
  if (episodes < 1)
    return oikos_fail(err, OIKOS_USAGE, "eval.episodes is %lld; at least one is needed",
                      (long long)episodes);
  OIKOS_TRY(oikos_source_has(t->source, split, err));
  OIKOS_TRY(oikos_agree(&t->team, oikos_judge_create(t, &r.judge, err), err));
  oikos_results_lay_out(&r);
  oikos_status status = evaluate(t, split, &r, err);
  if (status == OIKOS_OK)
    status = oikos_agree(&t->team, oikos_results_summarise(&r, v, err), err);
  if (status == OIKOS_OK && r.judge.both.ratings && r.episodes == all) {
    oikos_both_collect(&r.judge.both, &t->team);
    status = oikos_judge_sum_up_both(&r.judge, r.steps, &v->rated[v->n_rated++], err);
    status = oikos_agree(&t->team, status, err);
  }
  oikos_arena_free(&r.memory);
  oikos_judge_destroy(&r.judge);
  v->seconds = oikos_wall_clock() - start;
  if (status != OIKOS_OK)
    oikos_evaluation_destroy(v);
  return status;
}

void oikos_evaluation_destroy(oikos_evaluation *v) {
  free(v->loss);
  free(v->residents);
  free(v->home_confidence);
  for (int i = 0; i < 3; i++)
    free(v->rated[i].rmse);
  *v = (oikos_evaluation){0};
}
