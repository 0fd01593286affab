/* SPDX-License-Identifier: MIT */
#include "learn/teacher.h"

#include <string.h>

#include "learn/find_home.h"
#include "learn/homes.h"
#include "learn/query_batch.h"

typedef oikos_real real;

/* The start of one of this training's own models. */
static void set_start(const oikos_context *context, int32_t home, real *start) {
  const oikos_weights *s = context->weights;
  size_t offset = (size_t)home * s->k;
  switch (context->config->distill.teacher) {
  case OIKOS_TEACHER_HOME:
    oikos_home_start(&s->layout, s->shared, s->homes + offset, start);
    break;
  case OIKOS_TEACHER_PEERS:
    oikos_home_start(&s->layout, s->peers, s->peer_homes + offset, start);
    break;
  case OIKOS_TEACHER_SHARED:
  case OIKOS_TEACHER_MODEL:
    memcpy(start, s->shared, s->m * sizeof *start);
    break;
  }
}

void oikos_teach(const oikos_context *context, oikos_worker *w, int32_t home, oikos_batch *support,
                 oikos_batch *query_batch) {
  const oikos_context *teacher = context->teacher;
  if (!teacher)
    return;
  oikos_worker *worker = w->teacher;
  oikos_batch all =
      oikos_learner_query_batch(teacher, oikos_train_norm_of(teacher->config), &w->episode);
  size_t outputs = oikos_network_output_size(context->net);
  real *query = w->teacher_outputs + support->n * outputs;
  int64_t steps = oikos_teacher_steps(context);
  oikos_distill_place in = context->config->distill.in;
  worker->episode = w->episode;
  if (teacher == context)
    set_start(context, home, oikos_path_start(worker->path));
  else // a model trained before: at the home that it finds for the learner's support set
    oikos_learner_arrive(teacher, worker);
  oikos_adapt(teacher->inner, worker->path, teacher->weights->shared + teacher->weights->m, support,
              steps);
  const real *theta = oikos_path_parameters(teacher->inner, worker->path, steps);
  oikos_workspace *ws = oikos_path_workspace(worker->path);
  if (in != OIKOS_IN_QUERY)
    oikos_network_predict(teacher->net, ws, theta, support, w->teacher_outputs);
  if (in != OIKOS_IN_SUPPORT)
    oikos_network_predict(teacher->net, ws, theta, &all, query);
  support->teacher = in != OIKOS_IN_QUERY ? w->teacher_outputs : NULL;
  query_batch->teacher = in != OIKOS_IN_SUPPORT ? query + all.n_support * outputs : NULL;
}
