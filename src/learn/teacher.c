/* SPDX-License-Identifier: MIT */
#include "learn/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/homes.h"

typedef oikos_real real;

/* Inner steps of the teacher. */
static int64_t steps_of(const oikos_context *context) {
  int64_t steps = context->config->distill.teacher_steps;
  return steps < 0 ? context->teacher->config->inner.steps : steps;
}

oikos_status oikos_lesson_create(const oikos_context *context, oikos_worker *w, oikos_error *err) {
  const oikos_context *teacher = context->teacher;
  oikos_task_shape shape = oikos_source_shape(context->source);
  size_t n = shape.support + shape.query, homes = (size_t)teacher->weights->n_homes,
         outputs = oikos_network_output_size(context->net),
         taught = n + shape.support; // a support set, and what the teacher is judged on
  OIKOS_TRY(oikos_alloc(&w->teacher, 1, sizeof *w->teacher, "the teacher", err));
  OIKOS_TRY(
      oikos_alloc(&w->taught, oikos_mul(taught, outputs), sizeof *w->taught, "the teacher", err));
  OIKOS_TRY(oikos_encoder_pass_create(teacher->encoder, &w->teacher->encoder, err));
  OIKOS_TRY(oikos_alloc(&w->teacher->mean, teacher->weights->k, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->p, homes, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->score, homes, sizeof(real), "the teacher", err));
  OIKOS_TRY(oikos_alloc(&w->teacher->log_p, homes, sizeof(double), "the teacher", err));
  int64_t steps = steps_of(context), own = teacher->config->inner.steps; // of a held-out score
  return oikos_path_create(teacher->inner, steps > own ? steps : own, n, &w->teacher->path, err);
}

void oikos_lesson_destroy(oikos_worker *w) {
  if (w->teacher)
    oikos_worker_destroy(w->teacher); // its episode is the learner's
  free(w->teacher);
  free(w->taught);
}

/* The start of one of this training's own models. */
static void start_own(const oikos_context *context, int32_t home, real *start) {
  const oikos_weights *s = context->weights;
  size_t at = (size_t)home * s->k;
  switch ((oikos_teacher_kind)context->config->distill.teacher) {
  case OIKOS_TEACHER_HOME:
    oikos_home_start(&s->layout, s->shared, s->homes + at, start);
    break;
  case OIKOS_TEACHER_PEERS:
    oikos_home_start(&s->layout, s->peers, s->peer_homes + at, start);
    break;
  case OIKOS_TEACHER_SHARED:
  case OIKOS_TEACHER_MODEL:
    memcpy(start, s->shared, s->m * sizeof *start);
    break;
  }
}

void oikos_teach(const oikos_context *context, oikos_worker *w, int32_t home, oikos_batch *support,
                 oikos_batch *judged) {
  const oikos_context *teacher = context->teacher;
  if (!teacher)
    return;
  oikos_worker *own = w->teacher;
  oikos_batch all =
      oikos_learner_judged(teacher, oikos_train_norm_of(teacher->config), &w->episode);
  size_t outputs = oikos_network_output_size(context->net);
  real *query = w->taught + support->n * outputs;
  int64_t steps = steps_of(context);
  int in = context->config->distill.in;
  own->episode = w->episode;
  if (teacher == context)
    start_own(context, home, oikos_path_start(own->path));
  else // a model trained before: at the home that it finds for the learner's support set
    oikos_learner_arrive(teacher, own);
  oikos_adapt(teacher->inner, own->path, teacher->weights->shared + teacher->weights->m, support,
              steps);
  const real *theta = oikos_path_parameters(teacher->inner, own->path, steps);
  oikos_workspace *ws = oikos_path_workspace(own->path);
  if (in != OIKOS_IN_QUERY)
    oikos_network_predict(teacher->net, ws, theta, support, w->taught);
  if (in != OIKOS_IN_SUPPORT)
    oikos_network_predict(teacher->net, ws, theta, &all, query);
  support->teacher = in != OIKOS_IN_QUERY ? w->taught : NULL;
  judged->teacher = in != OIKOS_IN_SUPPORT ? query + all.n_support * outputs : NULL;
}
