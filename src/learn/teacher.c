/* SPDX-License-Identifier: MIT */
#include "learn/teacher.h"

#include <string.h>

#include "learn/find_home.h"
#include "learn/homes.h"
#include "learn/judged.h"

typedef oikos_real real;

/* The start of one of this training's own models. */
static void start_own(const oikos_context *context, int32_t home, real *start) {
  const oikos_weights *s = context->weights;
  size_t at = (size_t)home * s->k;
  switch (context->config->distill.teacher) {
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
  int64_t steps = oikos_teacher_steps(context);
  oikos_distill_place in = context->config->distill.in;
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
