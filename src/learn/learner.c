/* SPDX-License-Identifier: MIT */
#include "learn/learner.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/homes.h"
#include "learn/teacher.h"
#include "math/vector.h"
#include "net/derivatives.h"

typedef oikos_real real;

static oikos_status allocate(const oikos_context *context, int64_t max_steps, oikos_worker *w,
                             oikos_error *err) {
  oikos_task_shape shape = oikos_source_shape(context->source);
  size_t homes = (size_t)context->weights->n_homes;
  OIKOS_TRY(oikos_episode_create(context->source, &w->episode, err));
  OIKOS_TRY(
      oikos_path_create(context->inner, max_steps, shape.support + shape.query, &w->path, err));
  OIKOS_TRY(oikos_alloc(&w->gradient, context->weights->m + context->weights->a,
                        sizeof *w->gradient, "a gradient", err));
  OIKOS_TRY(oikos_alloc(&w->p, homes, sizeof *w->p, "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->score, homes, sizeof *w->score, "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->log_p, homes, sizeof *w->log_p, "the home scores", err));
  return context->teacher ? oikos_lesson_create(context, w, err) : OIKOS_OK;
}

oikos_status oikos_worker_create(const oikos_context *context, int64_t max_steps, oikos_worker *w,
                                 oikos_error *err) {
  *w = (oikos_worker){0};
  oikos_status status = allocate(context, max_steps, w, err);
  if (status != OIKOS_OK)
    oikos_worker_destroy(w);
  return status;
}

void oikos_worker_destroy(oikos_worker *w) {
  oikos_episode_destroy(&w->episode);
  oikos_path_destroy(w->path);
  free(w->gradient);
  free(w->p);
  free(w->score);
  free(w->log_p);
  oikos_lesson_destroy(w);
  *w = (oikos_worker){0};
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
  size_t shots = (size_t)context->config->task.support, half = shots / 2 * (support->n / shots);
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

int32_t oikos_learner_find_home(const oikos_context *context, oikos_worker *w, double *log_p,
                                int32_t home) {
  const oikos_weights *s = context->weights;
  real *start = oikos_path_start(w->path);
  for (int64_t t = 0; s->n_homes > 1 && t < s->n_homes; t++) {
    oikos_home_start(s->m, s->k, s->shared, home_of(context, t), start);
    w->score[t] = score_start(context, w);
  }
  home = oikos_home_choose(context->config, w->score, log_p, w->p, home);
  if (context->config->home.rule == OIKOS_HOME_WEIGHTED) {
    oikos_home_start_weighted(s->m, s->k, s->n_homes, s->shared, s->homes, w->p, start);
    return home;
  }
  for (int64_t t = 0; t < s->n_homes; t++)
    w->p[t] = t == home;
  oikos_home_start(s->m, s->k, s->shared, home_of(context, home), start);
  return home;
}

oikos_batch oikos_learner_judged(const oikos_context *context, const oikos_episode *e) {
  oikos_batch judged = e->query;
  if (context->config->model.loss == OIKOS_LOSS_PROTOTYPES)
    judged = (oikos_batch){
        .n = e->support.n + e->query.n, .x = e->x, .y = e->y, .n_support = e->support.n};
  return judged;
}

oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *w, int64_t step,
                                       int64_t learner, double *log_p, int32_t home) {
  const oikos_weights *s = context->weights;
  const real *rates = s->shared + s->m;
  int64_t steps = context->config->inner.steps;
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  oikos_source_draw(context->source, OIKOS_TRAIN, step, learner, &w->episode);
  oikos_profile_phase(profile, OIKOS_PHASE_DRAW, &begin);
  int32_t now = oikos_learner_find_home(context, w, log_p, home);
  oikos_profile_phase(profile, OIKOS_PHASE_HOME, &begin);
  oikos_batch support = w->episode.support, judged = oikos_learner_judged(context, &w->episode);
  oikos_teach(context, w, now, &support, &judged);
  oikos_judgement before = oikos_adapt(context->inner, w->path, rates, &support, steps);
  oikos_profile_phase(profile, OIKOS_PHASE_INNER, &begin);
  oikos_judgement after =
      oikos_meta_gradient(context->inner, w->path, rates, &support, &judged, steps, w->gradient);
  return (oikos_contribution){
      .gradient = w->gradient,
      .trained = oikos_path_parameters(context->inner, w->path, steps),
      .p = w->p,
      .score = w->score,
      .loss = {(real)before.loss, (real)after.loss, (real)oikos_norm(s->m, w->gradient)},
      .correct = (int64_t)after.correct,
      .home = now,
      .moved = now != home,
  };
}
