/* SPDX-License-Identifier: MIT
 * Evaluation: unseen episodes are spread over ranks and threads; every result has its place by the
 * episode's number, so the statistics are the same on any number of ranks. */
#include <omp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "net/derivatives.h"
#include "run/summary.h"
#include "run/trainer_impl.h"

/* Sums of the squared errors of the targets, in their own units, of the outputs that are at hand.
 */
static void judge_targets(const oikos_trainer *t, const oikos_worker *w, const oikos_batch *judged,
                          size_t targets, double *sums) {
  const oikos_real *y = oikos_workspace_outputs(t->net, oikos_path_workspace(w->path));
  for (size_t j = 0; j < targets; j++) {
    double sum = 0, unit = oikos_source_target(t->source, (int64_t)j).unit;
    for (size_t i = 0; i < judged->n; i++) {
      double difference = (double)y[i * targets + j] - (double)judged->y[i * targets + j];
      sum += difference * difference;
    }
    sums[j] = unit * unit * sum;
  }
}

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

static void evaluate_episode(const block *b, int64_t i, const oikos_results *r, int thread) {
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
    judge_targets(t, w, &judged, (size_t)r->targets, row + r->errors + k * r->targets);
    oikos_judge_step(&r->judge, thread, t->net, &w->episode,
                     oikos_workspace_outputs(t->net, oikos_path_workspace(w->path)), k, r->steps,
                     row + r->ratings_at);
  }
  oikos_judge_keep(&r->judge, i, &w->episode, oikos_path_parameters(t->inner, w->path, r->steps));
  row[r->judged] = queries;
  row[r->sure] = (double)oikos_learner_sure(&t->context, w->log_p, home);
  row[r->home] = home;
  row[r->group] = w->episode.group < 0 ? 0 : w->episode.group;
  for (size_t j = 0; j < r->each; j++)
    row[r->unit + j] = (double)(w->episode.classes ? w->episode.classes[j] : w->episode.unit);
}

/* Episodes begin .. end - 1 of a block. */
static void run_part(const block *b, int64_t begin, int64_t end, const oikos_results *r) {
  oikos_pulse *pulse = b->t->team.pulse;
#pragma omp parallel for schedule(dynamic, 1) num_threads(b->t->n_threads)
  for (int64_t i = begin; i < end; i++) {
    oikos_pulse_beat(pulse);
    if (!oikos_pulse_stopped(pulse))
      evaluate_episode(b, i, r, omp_get_thread_num());
  }
}

/* Whether the observer asked to stop. */
static bool run_block(const block *b, const oikos_results *r) {
  enum { PART = 4096 }; // so that not all that are left are looked at when nothing is to be done
  const oikos_pulse *pulse = b->t->team.pulse;
  for (int64_t i = 0; i < b->count && !oikos_pulse_stopped(pulse); i += PART)
    run_part(b, i, b->count - i < PART ? b->count : i + PART, r);
  return oikos_pulse_stopped(pulse);
}

/* Blocks of as many episodes as there may be embedding rows at hand for; all ranks make as many. */
static oikos_status run_episodes(oikos_trainer *t, oikos_split split, oikos_results *r,
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
  if (stop)
    return oikos_fail(err, OIKOS_STOPPED, "the evaluation was stopped on request");
  oikos_collect(&t->team, (size_t)r->episodes * r->fields, r->rows);
  return OIKOS_OK;
}

static oikos_status evaluate(oikos_trainer *t, oikos_split split, oikos_results *r,
                             oikos_error *err) {
  oikos_status status = oikos_alloc(&r->rows, oikos_mul((size_t)r->episodes, r->fields),
                                    sizeof *r->rows, "the evaluation", err);
  if (status == OIKOS_OK)
    status = oikos_trainer_reach(t, r->steps, err);
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  return run_episodes(t, split, r, err);
}

oikos_status oikos_trainer_evaluate(oikos_trainer *t, oikos_split split, int64_t episodes,
                                    int64_t steps, oikos_evaluation *v, oikos_error *err) {
  oikos_results r = {.episodes = episodes,
                     .steps = steps < 0 ? t->config.inner.steps : steps,
                     .each = oikos_source_shape(t->source).units};
  double start = oikos_wall_clock();
  if (oikos_source_target(t->source, 0).name)
    r.targets = oikos_source_shape(t->source).outputs;
  int64_t all = oikos_source_episodes(t->source, split);
  r.episodes = all > 0 && all < episodes ? all : episodes;
  *v = (oikos_evaluation){.episodes = r.episodes,
                          .steps = r.steps,
                          .n_homes = (int)t->config.home.count,
                          .n_groups = oikos_source_shape(t->source).n_groups,
                          .unit = oikos_source_unit(t->source)};
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
