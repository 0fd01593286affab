/* SPDX-License-Identifier: MIT */
#include "learn/learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/homes.h"
#include "learn/inner_impl.h"
#include "learn/teacher.h"
#include "math/vector.h"
#include "net/derivatives.h"

typedef oikos_real real;

/* Whether the first inner step of all learners is taken at the same parameters, over the whole
 * support set, in products that are small for one. */
static bool shares_start(const oikos_context *context) {
  const oikos_config *c = context->config;
  bool taught = context->teacher && c->distill.in != OIKOS_IN_QUERY; // each by its own teacher
  return !oikos_source_shape(context->source).varies && context->weights->k == 0 &&
         !c->learners.persist && c->inner.steps > 0 && c->inner.micro_batches == 1 && !taught &&
         oikos_network_joins(context->net);
}

/* One thread draws one episode after the other. */
static void share_scratch(oikos_worker *w) {
  for (size_t c = 1; c < OIKOS_CHUNK; c++) {
    free(w->drawn[c].scratch);
    w->drawn[c].scratch = w->drawn[0].scratch;
  }
}

static oikos_status allocate(const oikos_context *context, int64_t max_steps, oikos_worker *w,
                             oikos_error *err) {
  oikos_task_shape shape = oikos_source_shape(context->source);
  size_t homes = (size_t)context->weights->n_homes;
  for (size_t c = 0; c < OIKOS_CHUNK; c++)
    OIKOS_TRY(oikos_episode_create(context->source, &w->drawn[c], err));
  share_scratch(w);
  w->episode = w->drawn[0];
  if (shares_start(context))
    OIKOS_TRY(oikos_chunk_create(context->net, shape.support, &w->chunk, err));
  OIKOS_TRY(
      oikos_path_create(context->inner, max_steps, shape.support + shape.judged, &w->path, err));
  OIKOS_TRY(oikos_encoder_pass_create(context->encoder, &w->encoder, err));
  OIKOS_TRY(oikos_alloc(&w->gradient, context->weights->n, sizeof(real), "a gradient", err));
  OIKOS_TRY(oikos_alloc(&w->mean, context->weights->k, sizeof(real), "a home", err));
  OIKOS_TRY(oikos_alloc(&w->home_gradient, context->weights->k, sizeof(real), "a home", err));
  OIKOS_TRY(oikos_alloc(&w->p, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->score, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->dscore, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->log_p, homes, sizeof *w->log_p, "the home scores", err));
  return context->teacher ? oikos_lesson_create(context, w, err) : OIKOS_OK;
}

oikos_status oikos_worker_create(const oikos_context *context, int64_t max_steps, oikos_worker *w,
                                 oikos_error *err) {
  *w = (oikos_worker){.factor = 1};
  oikos_status status = allocate(context, max_steps, w, err);
  if (status != OIKOS_OK)
    oikos_worker_destroy(w);
  return status;
}

void oikos_worker_destroy(oikos_worker *w) {
  for (size_t c = OIKOS_CHUNK; c-- > 0;) {
    if (c > 0 && w->drawn[c].scratch == w->drawn[0].scratch)
      w->drawn[c].scratch = NULL;
    oikos_episode_destroy(&w->drawn[c]);
  }
  oikos_chunk_destroy(w->chunk);
  oikos_path_destroy(w->path);
  oikos_encoder_pass_destroy(w->encoder);
  free(w->gradient);
  free(w->mean);
  free(w->home_gradient);
  free(w->p);
  free(w->score);
  free(w->dscore);
  free(w->log_p);
  oikos_lesson_destroy(w);
  *w = (oikos_worker){0};
}

void oikos_worker_measure(oikos_worker *w, oikos_profile *profile) {
  oikos_path_measure(w->path, profile);
  if (w->chunk)
    oikos_workspace_measure(oikos_chunk_workspace(w->chunk), profile);
}

static const real *home_of(const oikos_context *context, int64_t t) {
  return context->weights->homes + (size_t)t * context->weights->k;
}

/* The support loss at the start that stands in the path, or that of its second half after adapting
 * on the first. */
static real score_start(const oikos_context *context, oikos_worker *w) {
  const oikos_batch *support = &w->episode.support;
  oikos_workspace *ws = oikos_path_workspace(w->path);
  if (context->config->home.score == OIKOS_SCORE_BEFORE)
    return (real)oikos_network_loss(context->net, ws, oikos_path_start(w->path), support).loss;
  // whole shots, so that each half holds every class
  size_t shot = oikos_source_shape(context->source).shot, half = support->n / shot / 2 * shot;
  oikos_batch first = *support, second = *support;
  first.n = half;
  second.n = support->n - half;
  second.x += half * oikos_network_input(context->net);
  second.y += half * oikos_network_targets(context->net);
  int64_t steps = context->config->inner.steps;
  oikos_adapt(context->inner, w->path, context->weights->shared + context->weights->m, &first,
              steps);
  return (real)oikos_network_loss(context->net, ws,
                                  oikos_path_parameters(context->inner, w->path, steps), &second)
      .loss;
}

/* The encoder's parameters. */
static const real *encoder_of(const oikos_context *context) {
  return context->weights->shared + context->weights->m + context->weights->a;
}

/* score (T) of the homes on the support set. */
static void score_homes(const oikos_context *context, oikos_worker *w) {
  const oikos_weights *s = context->weights;
  memset(w->score, 0, (size_t)s->n_homes * sizeof *w->score);
  if (w->episode.support.n == 0) // nothing to judge by
    return;
  if (context->encoder) {
    oikos_encoder_score(context->encoder, w->encoder, encoder_of(context), &w->episode.support,
                        w->score);
    return;
  }
  for (int64_t t = 0; s->n_homes > 1 && t < s->n_homes; t++) {
    oikos_home_start(&s->layout, s->shared, home_of(context, t), oikos_path_start(w->path));
    w->score[t] = score_start(context, w);
  }
}

real oikos_learner_sure(const oikos_context *context, const double *log_p, int32_t home) {
  return context->weights->n_homes > 1 ? (real)exp(log_p[home]) : 0;
}

int32_t oikos_learner_find_home(const oikos_context *context, oikos_worker *w, double *log_p,
                                int32_t home) {
  const oikos_weights *s = context->weights;
  score_homes(context, w);
  home = oikos_home_choose(context->config, w->score, log_p, w->p, home);
  if (context->config->home.rule == OIKOS_HOME_WEIGHTED) {
    oikos_home_mean(&s->layout, s->n_homes, s->homes, w->p, w->mean);
    w->c = w->mean;
  } else {
    for (int64_t t = 0; t < s->n_homes; t++)
      w->p[t] = t == home;
    w->c = home_of(context, home);
  }
  oikos_home_start(&s->layout, s->shared, w->c, oikos_path_start(w->path));
  return home;
}

int32_t oikos_learner_arrive(const oikos_context *context, oikos_worker *w) {
  for (int64_t t = 0; t < context->weights->n_homes; t++)
    w->log_p[t] = -log((double)context->weights->n_homes);
  return oikos_learner_find_home(context, w, w->log_p, 0);
}

void oikos_learner_pull_back(const oikos_context *context, oikos_worker *w) {
  const oikos_weights *s = context->weights;
  oikos_home_start_gradient(&s->layout, s->shared, w->c, w->gradient, w->home_gradient);
  if (!context->encoder)
    return;
  double mean = 0;
  for (int64_t t = 0; t < s->n_homes; t++) {
    double slope = oikos_dot(s->k, home_of(context, t), w->home_gradient); // dL/dp_t
    w->dscore[t] = (real)slope;
    mean += (double)w->p[t] * slope;
  }
  for (int64_t t = 0; t < s->n_homes; t++)
    w->dscore[t] =
        (real)(-context->config->home.eta * (double)w->p[t] * ((double)w->dscore[t] - mean));
  oikos_encoder_gradient(context->encoder, w->encoder, encoder_of(context), w->dscore,
                         w->gradient + s->m + s->a);
}

static bool judges_behind(const oikos_config *c, oikos_norm_kind norm) {
  return c->model.loss == OIKOS_LOSS_PROTOTYPES || norm == OIKOS_NORM_SUPPORT;
}

oikos_batch oikos_learner_judged(const oikos_context *context, oikos_norm_kind norm,
                                 const oikos_episode *e) {
  if (!judges_behind(context->config, norm))
    return e->query;
  return (oikos_batch){.n = e->support.n + e->query.n,
                       .x = e->x,
                       .y = e->y,
                       .n_support = e->support.n,
                       .n_norm = norm == OIKOS_NORM_SUPPORT ? e->support.n : 0};
}

size_t oikos_judged_size(const oikos_config *c, oikos_norm_kind norm, oikos_task_shape shape) {
  return shape.query + (judges_behind(c, norm) ? shape.support : 0);
}

oikos_norm_kind oikos_train_norm_of(const oikos_config *c) {
  return (oikos_norm_kind)c->model.norm_statistics;
}

oikos_norm_kind oikos_eval_norm_of(const oikos_config *c) {
  return c->eval.norm_statistics == OIKOS_EVAL_NORM_MODEL     ? oikos_train_norm_of(c)
         : c->eval.norm_statistics == OIKOS_EVAL_NORM_SUPPORT ? OIKOS_NORM_SUPPORT
                                                              : OIKOS_NORM_TRANSDUCTIVE;
}

void oikos_learner_place_rows(const oikos_context *context, oikos_row_view rows, int64_t i,
                              oikos_episode *e) {
  if (!rows.row)
    return;
  const int32_t *place = rows.place + rows.first[i];
  bool own = e->rows.own >= 0;
  oikos_episode_place(context->source, e, rows.row, place[0], place + own);
}

void oikos_learners_begin(const oikos_context *context, oikos_worker *w, int64_t step,
                          int64_t first, int64_t count, const int64_t *learner,
                          oikos_row_view rows) {
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  for (int64_t s = first; s < first + count; s++) {
    oikos_source_draw(context->source, OIKOS_TRAIN, step, learner[s - first],
                      &w->drawn[s % OIKOS_CHUNK]);
    oikos_learner_place_rows(context, rows, s - first, &w->drawn[s % OIKOS_CHUNK]);
  }
  oikos_profile_phase(profile, OIKOS_PHASE_DRAW, &begin);
  if (!w->chunk)
    return;
  for (int64_t s = first; s < first + count; s++)
    oikos_chunk_set(context->net, w->chunk, (size_t)(s % OIKOS_CHUNK),
                    &w->drawn[s % OIKOS_CHUNK].support);
  oikos_chunk_derive(context->net, w->chunk, context->weights->shared);
  oikos_profile_phase(profile, OIKOS_PHASE_INNER, &begin);
}

/* start (M) = left_off + pull (start - left_off) */
static void go_on(size_t m, double pull, const real *left_off, real *start) {
  for (size_t i = 0; i < m; i++)
    start[i] = left_off[i] + (real)pull * (start[i] - left_off[i]);
}

/* The judged loss before any inner step, where somebody asks for it. */
static double judge_start(const oikos_context *context, oikos_worker *w,
                          const oikos_batch *judged) {
  if (context->config->learners.rollback == 0)
    return 0;
  return oikos_network_loss(context->net, oikos_path_workspace(w->path), oikos_path_start(w->path),
                            judged)
      .loss;
}

/* The support loss after the last inner step, where somebody asks for it. */
static double judge_support(const oikos_context *context, oikos_worker *w,
                            const oikos_batch *support) {
  if (!context->config->inner.adapt_rate)
    return 0;
  const real *theta = oikos_path_parameters(context->inner, w->path, context->config->inner.steps);
  return oikos_network_loss(context->net, oikos_path_workspace(w->path), theta, support).loss;
}

oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *w, int64_t slot,
                                       double *log_p, int32_t home, const real *left_off) {
  const oikos_weights *s = context->weights;
  const real *rates = s->shared + s->m;
  size_t place = (size_t)(slot % OIKOS_CHUNK);
  int64_t steps = context->config->inner.steps;
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  w->episode = w->drawn[place];
  oikos_path_join(w->path, w->chunk, place);
  oikos_path_scale_rates(w->path, w->factor);
  int32_t now = oikos_learner_find_home(context, w, log_p, home);
  if (left_off)
    go_on(s->m, context->config->learners.pull, left_off, oikos_path_start(w->path));
  oikos_profile_phase(profile, OIKOS_PHASE_HOME, &begin);
  oikos_batch support = w->episode.support,
              judged =
                  oikos_learner_judged(context, oikos_train_norm_of(context->config), &w->episode);
  oikos_teach(context, w, now, &support, &judged);
  double start_loss = judge_start(context, w, &judged);
  oikos_judgement before = oikos_adapt(context->inner, w->path, rates, &support, steps);
  oikos_profile_phase(profile, OIKOS_PHASE_INNER, &begin);
  oikos_judgement after =
      oikos_meta_gradient(context->inner, w->path, rates, &support, &judged, steps, w->gradient);
  double support_after = judge_support(context, w, &support);
  oikos_path_join(w->path, NULL, 0);
  oikos_path_scale_rates(w->path, 1);
  for (size_t i = 0; left_off && i < s->m; i++)
    w->gradient[i] *= (real)context->config->learners.pull;
  oikos_learner_pull_back(context, w);
  bool by_examples = context->config->learners.weigh == OIKOS_WEIGH_EXAMPLES;
  return (oikos_contribution){
      .gradient = w->gradient,
      .home_gradient = w->home_gradient,
      .trained = oikos_path_parameters(context->inner, w->path, steps),
      .p = w->p,
      .score = w->score,
      .weight = {by_examples ? (real)judged.n : 1, by_examples ? (real)support.n : 1},
      .loss = {(real)before.loss, (real)after.loss, (real)oikos_norm(s->m, w->gradient),
               oikos_learner_sure(context, log_p, now)},
      .start_loss = start_loss,
      .support_after = support_after,
      .dx = oikos_path_dx(w->path),
      .correct = (int64_t)after.correct,
      .judged = (int64_t)w->episode.query.n,
      .home = now,
      .moved = now != home,
  };
}
