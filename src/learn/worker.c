/* SPDX-License-Identifier: MIT */
#include "learn/worker.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/inner_impl.h"

typedef oikos_real real;

_Static_assert((int)OIKOS_CHUNK <= (int)OIKOS_LOCKSTEP, "a chunk is at hand at once");

int64_t oikos_teacher_steps(const oikos_context *context) {
  int64_t steps = context->config->distill.teacher_steps;
  return steps < 0 ? context->teacher->config->inner.steps : steps;
}

/* Whether the first inner step of all learners is taken at the same parameters, over the whole
 * support set, in products that are small for one. */
static bool shares_start(const oikos_context *context) {
  const oikos_config *c = context->config;
  bool hears_teacher =
      context->teacher && c->distill.in != OIKOS_IN_QUERY; // each by its own teacher
  return !oikos_source_shape(context->source).varies && context->weights->k == 0 &&
         !c->learners.persist && c->inner.steps > 0 && c->inner.micro_batches == 1 &&
         !hears_teacher && oikos_network_batches_learners(context->net);
}

/* One thread draws one episode after the other. */
static void share_scratch(oikos_worker *w) {
  for (size_t c = 1; c < w->at_hand; c++) {
    free(w->drawn[c].scratch);
    w->drawn[c].scratch = w->drawn[0].scratch;
  }
}

/* Memory for the teacher of a worker whose other parts exist. */
static oikos_status create_teacher(const oikos_context *context, oikos_worker *w,
                                   oikos_error *err) {
  const oikos_context *teacher = context->teacher;
  oikos_task_shape shape = oikos_source_shape(context->source);
  size_t n = shape.support + shape.query, homes = (size_t)teacher->weights->n_homes,
         outputs = oikos_network_output_size(context->net),
         examples = n + shape.support; // a support set, and what the teacher is judged on
  OIKOS_TRY(oikos_alloc(&w->teacher, 1, sizeof *w->teacher, "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher_outputs, oikos_mul(examples, outputs),
                        sizeof *w->teacher_outputs, "the teacher", err));
  OIKOS_TRY(oikos_encoder_pass_create(teacher->encoder, &w->teacher->encoder, err));
  OIKOS_TRY(oikos_alloc(&w->teacher->mean, teacher->weights->k, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->p, homes, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->score, homes, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->log_p, homes, sizeof(double), "the teacher", err));
  int64_t steps = oikos_teacher_steps(context),
          least = teacher->config->inner.steps; // of a held-out score
  return oikos_path_create(teacher->inner, steps > least ? steps : least, n, &w->teacher->path,
                           err);
}

static oikos_status allocate(const oikos_context *context, int64_t max_steps, oikos_worker *w,
                             oikos_error *err) {
  oikos_task_shape shape = oikos_source_shape(context->source);
  size_t homes = (size_t)context->weights->n_homes;
  if (!context->teacher)
    OIKOS_TRY(oikos_lockstep_create(context->config, context->inner, context->weights, shape,
                                    &w->lockstep, err));
  w->at_hand = w->lockstep ? OIKOS_LOCKSTEP : OIKOS_CHUNK;
  for (size_t c = 0; c < w->at_hand; c++)
    OIKOS_TRY(oikos_episode_create(context->source, &w->drawn[c], err));
  share_scratch(w);
  w->episode = w->drawn[0];
  if (!w->lockstep && shares_start(context))
    OIKOS_TRY(oikos_chunk_create(context->net, shape.support, &w->chunk, err));
  OIKOS_TRY(oikos_path_create(context->inner, max_steps, shape.support + shape.query_part, &w->path,
                              err));
  OIKOS_TRY(oikos_encoder_pass_create(context->encoder, &w->encoder, err));
  OIKOS_TRY(oikos_alloc(&w->gradient, context->weights->n, sizeof(real), "a gradient", err));
  OIKOS_TRY(oikos_alloc(&w->mean, context->weights->k, sizeof(real), "a home", err));
  OIKOS_TRY(oikos_alloc(&w->home_gradient, context->weights->k, sizeof(real), "a home", err));
  OIKOS_TRY(oikos_alloc(&w->p, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->score, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->dscore, homes, sizeof(real), "the home scores", err));
  OIKOS_TRY(oikos_alloc(&w->log_p, homes, sizeof *w->log_p, "the home scores", err));
  return context->teacher ? create_teacher(context, w, err) : OIKOS_OK;
}

static void destroy_teacher(oikos_worker *w) {
  if (w->teacher)
    oikos_worker_destroy(w->teacher); // its episode is the learner's
  free(w->teacher);
  free(w->teacher_outputs);
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
  for (size_t c = OIKOS_LOCKSTEP; c-- > 0;) {
    if (c > 0 && w->drawn[c].scratch == w->drawn[0].scratch)
      w->drawn[c].scratch = NULL;
    oikos_episode_destroy(&w->drawn[c]);
  }
  oikos_chunk_destroy(w->chunk);
  oikos_lockstep_destroy(w->lockstep);
  oikos_path_destroy(w->path);
  oikos_encoder_pass_destroy(w->encoder);
  free(w->gradient);
  free(w->mean);
  free(w->home_gradient);
  free(w->p);
  free(w->score);
  free(w->dscore);
  free(w->log_p);
  destroy_teacher(w);
  *w = (oikos_worker){0};
}

void oikos_worker_measure(oikos_worker *w, oikos_profile *profile) {
  oikos_path_measure(w->path, profile);
  if (w->chunk)
    oikos_workspace_measure(oikos_chunk_workspace(w->chunk), profile);
  if (w->lockstep)
    oikos_lockstep_measure(w->lockstep, profile);
}
