/* SPDX-License-Identifier: MIT
 * Evaluation: unseen episodes are spread over ranks and threads; every result has its place by the
 * episode's number, so the statistics are the same on any number of ranks. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "math/rand_index.h"
#include "net/derivatives.h"
#include "run/judge_ratings.h"
#include "run/trainer_impl.h"

/* Results of one episode: loss after 0 .. S steps, accuracy after 0 .. S steps, root mean square
 * errors of the targets after 0 .. S steps, how sure of the home, unit, home, group. */
typedef struct results {
  int64_t episodes, steps, targets;
  size_t fields, ratings_at; /* ratings_at: those of judge_ratings.h begin */
  oikos_judge judge;
  double *rows; /* (episodes, fields); zero where another rank evaluates */
} results;

/* Root mean square errors of the targets, in their own units, of the outputs that are at hand. */
static void judge_targets(const oikos_trainer *t, const oikos_worker *w, const oikos_batch *judged,
                          size_t targets, double *rmse) {
  const oikos_real *y = oikos_workspace_outputs(t->net, oikos_path_workspace(w->path));
  for (size_t j = 0; j < targets; j++) {
    double sum = 0;
    for (size_t i = 0; i < judged->n; i++) {
      double difference = (double)y[i * targets + j] - (double)judged->y[i * targets + j];
      sum += difference * difference;
    }
    rmse[j] = oikos_source_target(t->source, (int64_t)j).unit * sqrt(sum / (double)judged->n);
  }
}

/* Fields from the end of a row. */
enum { GROUP = 1, HOME = 2, UNIT = 3, SURE = 4 };

/* Episodes that a rank has at hand, from the first on. */
typedef struct block {
  oikos_trainer *t;
  oikos_split split;
  int64_t first, count;
} block;

static void draw_unseen(const void *user, int64_t i, oikos_episode *episode) {
  const block *b = user;
  oikos_source_draw(b->t->source, b->split, 0, b->first + i, episode);
}

static void evaluate_episode(const block *b, int64_t i, const results *r, int thread) {
  oikos_trainer *t = b->t;
  oikos_worker *w = &t->workers[thread];
  double *row = r->rows + (size_t)(b->first + i) * r->fields;
  const oikos_real *rates = t->weights.shared + t->weights.m;
  draw_unseen(b, i, &w->episode);
  oikos_learner_place_rows(&t->context, oikos_rows_view(&t->rows, i), 0, &w->episode);
  int32_t home = oikos_learner_arrive(&t->context, w);
  oikos_batch judged = oikos_learner_judged(&t->context, &w->episode);
  double queries = (double)w->episode.query.n;
  oikos_adapt(t->inner, w->path, rates, &w->episode.support, r->steps);
  for (int64_t k = 0; k <= r->steps; k++) {
    const oikos_real *theta = oikos_path_parameters(t->inner, w->path, k);
    oikos_judgement j = oikos_network_loss(t->net, oikos_path_workspace(w->path), theta, &judged);
    row[k] = j.loss;
    row[r->steps + 1 + k] = j.correct / queries;
    judge_targets(t, w, &judged, (size_t)r->targets, row + 2 * (r->steps + 1) + k * r->targets);
    oikos_judge_step(&r->judge, thread, t->net, &w->episode,
                     oikos_workspace_outputs(t->net, oikos_path_workspace(w->path)), k, r->steps,
                     row + r->ratings_at);
  }
  oikos_judge_keep(&r->judge, i, &w->episode, oikos_path_parameters(t->inner, w->path, r->steps));
  row[r->fields - SURE] = (double)oikos_learner_sure(&t->context, w->log_p, home);
  row[r->fields - UNIT] = (double)w->episode.unit;
  row[r->fields - HOME] = home;
  row[r->fields - GROUP] = w->episode.group < 0 ? 0 : w->episode.group;
}

/* Mean of a column, with its 95 % interval, over the episodes with this value in a field (-1: all).
 */
static oikos_estimate estimate(const results *r, size_t column, size_t field, int value) {
  double n = 0, mean = 0, squares = 0; // Welford's update
  for (int64_t e = 0; e < r->episodes; e++) {
    const double *row = r->rows + (size_t)e * r->fields;
    if (value >= 0 && (int)row[r->fields - field] != value)
      continue;
    double difference = row[column] - mean;
    mean += difference / ++n;
    squares += difference * (row[column] - mean);
  }
  return (oikos_estimate){mean, n > 1 ? 1.96 * sqrt(squares / (n - 1) / n) : 0};
}

/* For each unit the mean of a column over its episodes; then the mean over units, with its
 * interval. sum and count (units) are scratch. */
static oikos_estimate estimate_units(const results *r, size_t column, int64_t units, double *sum,
                                     double *count) {
  double n = 0, mean = 0, squares = 0;
  for (int64_t u = 0; u < units; u++)
    sum[u] = count[u] = 0;
  for (int64_t e = 0; e < r->episodes; e++) {
    const double *row = r->rows + (size_t)e * r->fields;
    sum[(int64_t)row[r->fields - UNIT]] += row[column];
    count[(int64_t)row[r->fields - UNIT]]++;
  }
  for (int64_t u = 0; u < units; u++) {
    if (count[u] == 0)
      continue;
    double difference = sum[u] / count[u] - mean;
    mean += difference / ++n;
    squares += difference * (sum[u] / count[u] - mean);
  }
  return (oikos_estimate){mean, n > 1 ? 1.96 * sqrt(squares / (n - 1) / n) : 0};
}

static oikos_status summarise_targets(const results *r, oikos_evaluation *v, oikos_error *err) {
  size_t steps = (size_t)r->steps + 1, targets = (size_t)r->targets;
  int64_t units = 0; // one more than the largest number
  double *scratch;
  for (int64_t e = 0; e < r->episodes; e++) {
    double unit = r->rows[(size_t)e * r->fields + r->fields - UNIT];
    units = unit >= (double)units ? (int64_t)unit + 1 : units;
  }
  OIKOS_TRY(
      oikos_alloc(&v->rmse, oikos_mul(steps, targets), sizeof *v->rmse, "the evaluation", err));
  OIKOS_TRY(
      oikos_alloc(&scratch, oikos_mul(2, (size_t)units), sizeof *scratch, "the evaluation", err));
  for (size_t k = 0; k < steps * targets; k++)
    v->rmse[k] = estimate_units(r, 2 * steps + k, units, scratch, scratch + units);
  v->n_targets = r->targets;
  for (int64_t u = 0; u < units; u++)
    v->units += scratch[units + u] > 0;
  free(scratch);
  return OIKOS_OK;
}

/* Users come before items. */
static oikos_status summarise_ratings(const results *r, oikos_evaluation *v, oikos_error *err) {
  size_t first = 0, end = (size_t)r->episodes;
  while (first < end) {
    const double *row = r->rows + first * r->fields;
    size_t next = first;
    while (next < end && r->rows[next * r->fields + r->fields - GROUP] == row[r->fields - GROUP])
      next++;
    OIKOS_TRY(oikos_judge_sum_up(next - first, r->fields, row + r->ratings_at, r->steps,
                                 &v->rated[v->n_rated], err));
    v->n_rated++;
    first = next;
  }
  return OIKOS_OK;
}

static oikos_status summarise(const results *r, oikos_evaluation *v, oikos_error *err) {
  size_t steps = (size_t)r->steps + 1, groups = v->n_groups ? (size_t)v->n_groups : 1;
  OIKOS_TRY(oikos_alloc(&v->loss, steps, sizeof *v->loss, "the evaluation", err));
  OIKOS_TRY(oikos_alloc(&v->accuracy, steps, sizeof *v->accuracy, "the evaluation", err));
  OIKOS_TRY(oikos_alloc(&v->residents, (size_t)v->n_homes * groups, sizeof *v->residents,
                        "the evaluation", err));
  OIKOS_TRY(
      oikos_alloc(&v->home_loss, (size_t)v->n_homes, sizeof *v->home_loss, "the evaluation", err));
  OIKOS_TRY(
      oikos_alloc(&v->home_sure, (size_t)v->n_homes, sizeof *v->home_sure, "the evaluation", err));
  OIKOS_TRY(oikos_alloc(&v->group_loss, groups, sizeof *v->group_loss, "the evaluation", err));
  for (size_t k = 0; k < steps; k++) {
    v->loss[k] = estimate(r, k, HOME, -1);
    v->accuracy[k] = estimate(r, steps + k, HOME, -1);
  }
  for (int h = 0; h < v->n_homes; h++) {
    v->home_loss[h] = estimate(r, steps - 1, HOME, h);
    v->home_sure[h] = estimate(r, r->fields - SURE, HOME, h).mean;
  }
  v->sure = estimate(r, r->fields - SURE, HOME, -1).mean;
  for (int g = 0; g < v->n_groups; g++)
    v->group_loss[g] = estimate(r, steps - 1, GROUP, g);
  for (int64_t e = 0; e < r->episodes; e++) {
    const double *row = r->rows + (size_t)e * r->fields;
    v->residents[(size_t)row[r->fields - HOME] * groups + (size_t)row[r->fields - GROUP]]++;
  }
  v->rand = oikos_adjusted_rand((size_t)v->n_homes, groups, v->residents);
  if (r->judge.ratings)
    OIKOS_TRY(summarise_ratings(r, v, err));
  return r->targets ? summarise_targets(r, v, err) : OIKOS_OK;
}

/* Whether the observer asked to stop. */
static bool run_block(const block *b, const results *r) {
  oikos_trainer *t = b->t;
  int stop = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->n_threads)
  for (int64_t i = 0; i < b->count; i++) {
    int thread = omp_get_thread_num();
    if (thread == 0 && t->observer.stop && t->observer.stop(t->observer.user)) {
#pragma omp atomic write
      stop = 1;
    }
    int stopped;
#pragma omp atomic read
    stopped = stop;
    oikos_pulse_beat(&t->where->pulse);
    if (!stopped)
      evaluate_episode(b, i, r, thread);
  }
  return stop;
}

/* Blocks of as many episodes as there may be embedding rows at hand for; all ranks make as many. */
static oikos_status run_episodes(oikos_trainer *t, oikos_split split, results *r,
                                 oikos_error *err) {
  int64_t first, count, most = (r->episodes + t->team.size - 1) / t->team.size,
                        each = r->judge.ratings ? t->rows.most : most;
  int stop = 0;
  oikos_mark(t->where, t->step, OIKOS_AT_EVALUATE);
  oikos_share(r->episodes, t->team.rank, t->team.size, &first, &count);
  for (int64_t done = 0; done < most && !stop; done += each) {
    int64_t left = count > done ? count - done : 0;
    block b = {t, split, first + done, left < each ? left : each};
    OIKOS_TRY(oikos_rows_fetch(&t->rows, b.count, draw_unseen, &b, &t->workers[0].episode, err));
    stop = run_block(&b, r);
    MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, t->team.world);
    if (!stop)
      OIKOS_TRY(oikos_judge_ranks(&r->judge, b.count, draw_unseen, &b, &t->workers[0].episode,
                                  r->rows + (size_t)b.first * r->fields + r->ratings_at, r->fields,
                                  err));
  }
  oikos_collect(&t->team, (size_t)r->episodes * r->fields, r->rows);
  if (stop)
    return oikos_fail(err, OIKOS_STOPPED, "the evaluation was stopped on request");
  return OIKOS_OK;
}

static oikos_status evaluate(oikos_trainer *t, oikos_split split, results *r, oikos_error *err) {
  oikos_status status = oikos_alloc(&r->rows, oikos_mul((size_t)r->episodes, r->fields),
                                    sizeof *r->rows, "the evaluation", err);
  if (status == OIKOS_OK)
    status = oikos_trainer_reach(t, r->steps, err);
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  return run_episodes(t, split, r, err);
}

oikos_status oikos_trainer_evaluate(oikos_trainer *t, oikos_split split, int64_t episodes,
                                    int64_t steps, oikos_evaluation *v, oikos_error *err) {
  results r = {.episodes = episodes, .steps = steps < 0 ? t->config.inner.steps : steps};
  double start = oikos_wall_clock();
  if (oikos_source_target(t->source, 0).name)
    r.targets = oikos_source_shape(t->source).outputs;
  int64_t all = oikos_source_episodes(t->source, split);
  r.episodes = all > 0 && all < episodes ? all : episodes;
  *v = (oikos_evaluation){.episodes = r.episodes,
                          .steps = r.steps,
                          .n_homes = (int)t->config.home.count,
                          .n_groups = oikos_source_shape(t->source).n_groups};
  if (episodes < 1)
    return oikos_fail(err, OIKOS_USAGE, "eval.episodes is %lld; at least one is needed",
                      (long long)episodes);
  OIKOS_TRY(oikos_source_has(t->source, split, err));
  OIKOS_TRY(oikos_agree(&t->team, oikos_judge_create(t, &r.judge, err), err));
  r.ratings_at = (2 + (size_t)r.targets) * ((size_t)r.steps + 1);
  r.fields = r.ratings_at + oikos_judge_fields(&r.judge, r.steps) + SURE;
  oikos_status status = evaluate(t, split, &r, err);
  if (status == OIKOS_OK)
    status = oikos_agree(&t->team, summarise(&r, v, err), err);
  if (status == OIKOS_OK && r.judge.both.ratings && r.episodes == all) {
    status = oikos_both_sum_up(&r.judge.both, &t->team, r.steps, &v->rated[v->n_rated], err);
    v->n_rated++;
  }
  free(r.rows);
  oikos_judge_destroy(&r.judge);
  v->seconds = oikos_wall_clock() - start;
  if (status != OIKOS_OK)
    oikos_evaluation_destroy(v);
  return status;
}

void oikos_evaluation_destroy(oikos_evaluation *v) {
  free(v->loss);
  free(v->accuracy);
  free(v->residents);
  free(v->home_loss);
  free(v->home_sure);
  free(v->group_loss);
  free(v->rmse);
  for (int i = 0; i < 3; i++)
    free(v->rated[i].rmse);
  *v = (oikos_evaluation){0};
}
