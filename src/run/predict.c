/* SPDX-License-Identifier: MIT
 * Predictions as a file, for plots. Rank 0 alone computes and writes: they are few, and so the same
 * on any number of ranks. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/try.h"
#include "run/trainer_impl.h"
#include "tasks/source.h"

typedef oikos_real real;

enum { DIGITS = 6, POINTS = 101 }; /* of the grid, where episodes have their points */

typedef struct predictor {
  oikos_trainer *t;
  oikos_worker *w;
  oikos_workspace *ws; /* for the grid */
  real *theta;         /* (M) */
  real x[POINTS], y[POINTS];
  FILE *out;
} predictor;

static void write_list(FILE *out, const char *name, size_t n, const real *x) {
  oikos_json_list(out, name, DIGITS, n, x, sizeof *x);
}

/* The function that the network is at theta. */
static void write_function(predictor *p, const char *name, const real *theta) {
  oikos_batch grid = {.n = POINTS, .x = p->x};
  oikos_network_predict(p->t->net, p->ws, theta, &grid, p->y);
  write_list(p->out, name, POINTS, p->y);
}

static void write_head(predictor *p, int64_t steps) {
  const oikos_source_type *source = oikos_source_type_of(&p->t->config);
  double apart = (source->high - source->low) / (POINTS - 1);
  for (int i = 0; i < POINTS; i++)
    p->x[i] = (real)(source->low + apart * i);
  fprintf(p->out, "{\"step\": %lld, \"inner_steps\": %lld", (long long)p->t->step,
          (long long)steps);
  write_list(p->out, "x", POINTS, p->x);
}

static void write_homes(predictor *p) {
  const oikos_weights *s = &p->t->weights;
  fputs(",\n \"homes\": [", p->out);
  for (int64_t h = 0; h < s->n_homes; h++) {
    oikos_home_start(&s->layout, s->shared, s->homes + (size_t)h * s->k, p->theta);
    fprintf(p->out, "%s\n  {\"home\": %lld", h ? "," : "", (long long)h);
    write_function(p, "start", p->theta);
    fputc('}', p->out);
  }
}

static void write_points(predictor *p, const oikos_episode *e) {
  write_list(p->out, "support_x", e->support.n, e->support.x);
  write_list(p->out, "support_y", e->support.n, e->support.y);
  write_list(p->out, "query_x", e->query.n, e->query.x);
  write_list(p->out, "query_y", e->query.n, e->query.y);
}

/* The function after so many steps, and its query loss. */
static real write_adapted(predictor *p, const char *name, int64_t steps) {
  const real *theta = oikos_path_parameters(p->t->inner, p->w->path, steps);
  write_function(p, name, theta);
  return (real)oikos_network_loss(p->t->net, oikos_path_workspace(p->w->path), theta,
                                  &p->w->episode.query)
      .loss;
}

static void write_episode(predictor *p, oikos_split split, int64_t e, int64_t steps) {
  oikos_trainer *t = p->t;
  oikos_worker *w = p->w;
  oikos_source_draw(t->source, split, 0, e, &w->episode);
  int32_t home = oikos_learner_arrive(&t->context, w);
  for (int64_t h = 0; h < t->config.home.count; h++) // also of hard homes
    w->p[h] = (real)exp(w->log_p[h]);
  oikos_adapt(t->inner, w->path, t->weights.shared + t->weights.m, &w->episode.support, steps);
  fprintf(p->out, "%s\n  {\"episode\": %lld, \"group\": \"%s\", \"home\": %d", e ? "," : "",
          (long long)e, oikos_source_group(t->source, w->episode.group), home);
  write_list(p->out, "p", (size_t)t->config.home.count, w->p);
  write_points(p, &w->episode);
  real loss[] = {write_adapted(p, "start", 0), write_adapted(p, "adapted", steps)};
  write_list(p->out, "query_loss", 2, loss);
  fputc('}', p->out);
}

static oikos_status write_all(predictor *p, oikos_split split, int64_t episodes, int64_t steps,
                              oikos_error *err) {
  oikos_trainer *t = p->t;
  OIKOS_TRY(oikos_alloc(&p->theta, t->weights.m, sizeof *p->theta, "the predictions", err));
  OIKOS_TRY(oikos_workspace_create(t->net, POINTS, &p->ws, err));
  write_head(p, steps);
  write_homes(p);
  fputs("],\n \"episodes\": [", p->out);
  for (int64_t e = 0; e < episodes && !ferror(p->out); e++) {
    OIKOS_TRY(oikos_pulse_check(t->team.pulse, err));
    write_episode(p, split, e, steps);
  }
  fputs("]}\n", p->out);
  return OIKOS_OK;
}

static oikos_status write_file(oikos_trainer *t, oikos_split split, int64_t episodes, int64_t steps,
                               const char *path, oikos_error *err) {
  predictor p = {.t = t, .w = &t->workers[0], .out = fopen(path, "w")};
  if (!p.out)
    return oikos_fail(err, OIKOS_USAGE, "%s cannot be written: %s", path, strerror(errno));
  locale_t before = oikos_numbers_begin();
  oikos_status status = write_all(&p, split, episodes, steps, err);
  oikos_numbers_end(before);
  bool bad = ferror(p.out);
  bad |= fclose(p.out) != 0;
  if (bad && status == OIKOS_OK)
    status = oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  oikos_workspace_destroy(p.ws);
  free(p.theta);
  return status;
}

oikos_status oikos_trainer_predict(oikos_trainer *t, oikos_split split, int64_t episodes,
                                   int64_t steps, const char *path, oikos_error *err) {
  steps = steps < 0 ? t->config.inner.steps : steps;
  const oikos_source_type *source = oikos_source_type_of(&t->config);
  if (source->low == source->high)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: predictions are of functions of one number; this run's task.source is "
                      "another one",
                      path);
  if (oikos_network_normalises(t->net))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: this run's network has a batch_norm layer: what it predicts at a point "
                      "depends on which others are asked for, so there is no function to write",
                      path);
  OIKOS_TRY(oikos_agree(&t->team, oikos_trainer_reach(t, steps, err), err));
  oikos_status status = OIKOS_OK;
  if (t->team.rank == 0)
    status = write_file(t, split, episodes, steps, path, err);
  return oikos_agree(&t->team, status, err);
}
