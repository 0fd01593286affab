/* SPDX-License-Identifier: MIT
 * Who teaches the learners (learn/teacher.h): the trainer's own weights or a trained model. Its
 * checkpoint is copied into the run directory, so that a run resumes wherever it is moved to, and
 * with the teacher that it began with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "run/fields.h"
#include "run/open.h"
#include "run/part.h"
#include "run/trainer_impl.h"
#include "store/checkpoint_config.h"
#include "store/copy_file.h"
#include "store/sync.h"
#include "store/temporary.h"

typedef struct teacher {
  oikos_trainer *trainer;     /* of a model; NULL: none was opened */
  char path[OIKOS_LONG_PATH]; /* the checkpoint it was read from */
} teacher;

static void destroy(void *state) {
  oikos_trainer_destroy(((teacher *)state)->trainer);
}

oikos_trainer *oikos_trainer_teacher(oikos_trainer *t) {
  const oikos_part_state *p = oikos_part_of(t, &oikos_part_teacher);
  return p ? ((const teacher *)p->state)->trainer : NULL;
}

static void kept_path(const oikos_trainer *t, char *path) {
  snprintf(path, OIKOS_LONG_PATH, "%s/teacher.h5", t->run);
}

/* A resumed run has its own copy, unless it ended before it made one. Rank 0 looks. */
static void find(const oikos_trainer *t, bool resume, teacher *state) {
  kept_path(t, state->path);
  bool kept = resume && access(state->path, R_OK) == 0;
  if (!kept)
    snprintf(state->path, OIKOS_LONG_PATH, "%s", t->config.distill.model);
}

/* The teacher's configuration but for how this job runs. */
static oikos_status read_config(const oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                oikos_config *config, oikos_error *err) {
  OIKOS_TRY(oikos_read_config(checkpoint, config, err));
  config->run.threads = t->config.run.threads;
  return oikos_config_teaches(config, &t->config, err);
}

static oikos_status open_checkpoint(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                    oikos_trainer **trainer, oikos_error *err) {
  oikos_config *config;
  oikos_status status = oikos_alloc(&config, 1, sizeof *config, "the teacher", err);
  if (status == OIKOS_OK)
    status = read_config(t, checkpoint, config, err);
  status = oikos_agree(&t->team, status, err);
  if (status == OIKOS_OK)
    status =
        oikos_trainer_open_for(t->team.world, t, config, checkpoint, &t->observer, trainer, err);
  free(config);
  return status;
}

static oikos_status open_model(oikos_trainer *t, teacher *state, oikos_error *err) {
  oikos_checkpoint *checkpoint;
  oikos_status status = oikos_checkpoint_open(&t->team, state->path, &checkpoint, err);
  if (status == OIKOS_OK)
    status = open_checkpoint(t, checkpoint, &state->trainer, err);
  oikos_checkpoint_close(checkpoint);
  if (status != OIKOS_OK) {
    oikos_fail_prefix(err, "the teacher %s: ", state->path);
    return status;
  }
  // it adapts to the student's support sets: that is what a held-out score is to halve
  state->trainer->config.task.support = t->config.task.support;
  state->trainer->config.task.query = t->config.task.query;
  return OIKOS_OK;
}

static oikos_status begin(oikos_trainer *t, oikos_part_state *p, oikos_error *err) {
  (void)p;
  if (t->context.teacher)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "distill.teacher is model, and a trainer opened for evaluation has no teacher: "
                    "it cannot train; create one with resume");
}

static oikos_status open_teacher(oikos_trainer *t, oikos_part_state *p, bool trains, bool resume,
                                 oikos_error *err) {
  teacher *state = p->state;
  if (t->config.distill.teacher != OIKOS_TEACHER_MODEL) {
    t->context.teacher = &t->context;
    return OIKOS_OK;
  }
  if (!trains)
    return OIKOS_OK;
  if (t->team.rank == 0)
    find(t, resume && t->run[0], state);
  oikos_broadcast(&t->team, state->path, sizeof state->path);
  OIKOS_TRY(open_model(t, state, err));
  t->context.teacher = &state->trainer->context;
  return OIKOS_OK;
}

/* Keep its checkpoint in the run directory. Rank 0 writes. */
static oikos_status keep(const oikos_trainer *t, const teacher *state, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  kept_path(t, path);
  if (!state->trainer || strcmp(path, state->path) == 0)
    return OIKOS_OK;
  oikos_temporary_sweep(path);
  return oikos_copy_file(state->path, path, err);
}

static oikos_status enter(oikos_trainer *t, oikos_part_state *p, bool resume, oikos_error *err) {
  (void)resume;
  bool mine = t->run[0] && t->team.rank == 0;
  return oikos_agree(&t->team, mine ? keep(t, p->state, err) : OIKOS_OK, err);
}

/* What peers teach. */
static void weight_fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  const oikos_weights *w = &t->weights;
  (void)p;
  oikos_fields_tensors(f, t->segments.shared, 0, 0, w->peers,
                       "mean of the last step's trained learners", "peers/shared");
  if (w->k > 0)
    oikos_fields_homes(f, t, w->peer_homes, "mean of the last step's trained learners at each home",
                       "peers/homes");
}

const oikos_part oikos_part_teacher = {.size = sizeof(teacher),
                                       .name = "teacher",
                                       .open = open_teacher,
                                       .destroy = destroy,
                                       .enter = enter,
                                       .begin = begin,
                                       .weight_fields = weight_fields};
