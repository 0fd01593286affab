/* SPDX-License-Identifier: MIT */
#include "learn/learner.h"

#include "learn/inner_impl.h"
#include "learn/teacher.h"
#include "math/vector.h"

typedef oikos_real real;

void oikos_learner_place_embedding_rows(const oikos_context *context, oikos_row_view embedding_rows,
                                        int64_t i, oikos_episode *e) {
  if (!embedding_rows.row)
    return;
  const int32_t *place = embedding_rows.place + embedding_rows.first[i];
  bool has_self = e->embedding_rows.self >= 0;
  oikos_episode_place(context->source, e, embedding_rows.row, place[0], place + has_self);
}

void oikos_learners_begin(const oikos_context *context, oikos_worker *w, int64_t step,
                          oikos_stratum_id first, int64_t count, const oikos_learner_id *learner,
                          oikos_row_view embedding_rows) {
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  w->first = first;
  for (int64_t i = 0; i < count; i++) {
    oikos_source_draw(context->source, OIKOS_TRAIN, step, learner[i], &w->drawn[i]);
    oikos_learner_place_embedding_rows(context, embedding_rows, i, &w->drawn[i]);
  }
  for (int64_t i = 0; w->lockstep && i < OIKOS_LOCKSTEP; i++) // lanes of nobody do as the first one
    oikos_lockstep_set(w->lockstep, (size_t)i, &w->drawn[i < count ? i : 0]);
  oikos_profile_add(profile, OIKOS_PROFILE_DRAW, &begin);
  if (w->lockstep)
    oikos_lockstep_train(w->lockstep, context->weights->shared);
  if (!w->chunk)
    return;
  for (int64_t i = 0; i < count; i++)
    oikos_chunk_set(context->net, w->chunk, (size_t)((first + i) % OIKOS_CHUNK),
                    &w->drawn[i].support);
  oikos_chunk_derive(context->net, w->chunk, context->weights->shared);
  oikos_profile_add(profile, OIKOS_PROFILE_INNER, &begin);
}

/* start (M) = left_off + pull (start - left_off) */
static void go_on(size_t m, double pull, const real *left_off, real *start) {
  for (size_t i = 0; i < m; i++)
    start[i] = left_off[i] + (real)pull * (start[i] - left_off[i]);
}

/* The judged loss before any inner step, where somebody asks for it. */
static double judge_start(const oikos_context *context, oikos_worker *w, size_t place,
                          const oikos_batch *query_batch) {
  if (context->config->learners.rollback == 0)
    return 0;
  if (w->lockstep)
    return oikos_lockstep_at_start(w->lockstep, place);
  return oikos_network_loss(context->net, oikos_path_workspace(w->path), oikos_path_start(w->path),
                            query_batch)
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

/* Inner steps and the meta-gradient, of the learner in a place of those at hand. */
static void train(const oikos_context *context, oikos_worker *w, size_t place,
                  const oikos_batch *support, const oikos_batch *query_batch,
                  oikos_judgement *before, oikos_judgement *after) {
  const real *rates = context->weights->shared + context->weights->m;
  int64_t steps = context->config->inner.steps;
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  if (w->lockstep) {
    *before = oikos_lockstep_before(w->lockstep, place);
    *after = oikos_lockstep_after(w->lockstep, place);
    if (!w->adds_lanes)
      oikos_lockstep_gradient(w->lockstep, place, w->gradient);
    oikos_lockstep_keep(w->lockstep, place, w->path);
    oikos_profile_add(profile, OIKOS_PROFILE_BACK, &begin);
    return;
  }
  *before = oikos_adapt(context->inner, w->path, rates, support, steps);
  oikos_profile_add(profile, OIKOS_PROFILE_INNER, &begin);
  *after =
      oikos_meta_gradient(context->inner, w->path, rates, support, query_batch, steps, w->gradient);
}

oikos_contribution oikos_learner_train(const oikos_context *context, oikos_worker *w,
                                       oikos_stratum_id stratum, double *log_p, int32_t home,
                                       const real *left_off) {
  const oikos_weights *s = context->weights;
  size_t place = (size_t)(stratum - w->first);
  int64_t steps = context->config->inner.steps;
  oikos_profile *profile = oikos_workspace_profile(oikos_path_workspace(w->path));
  double begin = oikos_profile_begin(profile);
  w->episode = w->drawn[place];
  oikos_path_join(w->path, w->chunk, (size_t)(stratum % OIKOS_CHUNK));
  oikos_path_scale_rates(w->path, w->factor);
  int32_t now = oikos_learner_find_home(context, w, log_p, home);
  if (left_off)
    go_on(s->m, context->config->learners.pull, left_off, oikos_path_start(w->path));
  oikos_profile_add(profile, OIKOS_PROFILE_HOME, &begin);
  oikos_batch support = w->episode.support,
              query_batch = oikos_learner_query_batch(context, oikos_train_norm_of(context->config),
                                                      &w->episode);
  oikos_teach(context, w, now, &support, &query_batch);
  double start_loss = judge_start(context, w, place, &query_batch);
  oikos_judgement before, after;
  train(context, w, place, &support, &query_batch, &before, &after);
  double support_after = judge_support(context, w, &support);
  oikos_path_join(w->path, NULL, 0);
  oikos_path_scale_rates(w->path, 1);
  for (size_t i = 0; left_off && i < s->m; i++)
    w->gradient[i] *= (real)context->config->learners.pull;
  oikos_learner_pull_back(context, w);
  bool by_examples = context->config->learners.weigh == OIKOS_WEIGH_EXAMPLES;
  return (oikos_contribution){
      .gradient = w->gradient,
      .summed = w->adds_lanes,
      .finite = w->finite[place],
      .home_gradient = w->home_gradient,
      .trained = oikos_path_parameters(context->inner, w->path, steps),
      .p = w->p,
      .score = w->score,
      .weight = {by_examples ? (real)query_batch.n : 1, by_examples ? (real)support.n : 1},
      .loss = {(real)before.loss, (real)after.loss,
               (real)(w->lockstep ? oikos_lockstep_norm(w->lockstep, place)
                                  : oikos_norm(s->m, w->gradient)),
               oikos_learner_confidence(context, log_p, now)},
      .start_loss = start_loss,
      .support_after = support_after,
      .dx = oikos_path_dx(w->path),
      .correct = (int64_t)after.correct,
      .evaluated = (int64_t)w->episode.query.n,
      .home = now,
      .moved = now != home,
  };
}
