/* SPDX-License-Identifier: MIT */
#include "learn/find_home.h"

#include <math.h>
#include <string.h>

#include "learn/homes.h"
#include "learn/inner_impl.h"
#include "math/vector.h"

typedef oikos_real real;

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

real oikos_learner_confidence(const oikos_context *context, const double *log_p, int32_t home) {
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
