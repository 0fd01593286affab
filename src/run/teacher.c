/* SPDX-License-Identifier: MIT
 * A trained model as the teacher of a run. Its checkpoint is copied into the run directory, so that
 * a run resumes wherever it is moved to, and with the teacher that it began with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "run/read_config.h"
#include "run/trainer_impl.h"
#include "store/copy_file.h"
#include "store/sync.h"
#include "store/temporary.h"

static void kept_path(const oikos_trainer *t, char *path) {
  snprintf(path, OIKOS_LONG_PATH, "%s/teacher.h5", t->run);
}

/* A resumed run has its own copy, unless it ended before it made one. Rank 0 looks. */
static void find(oikos_trainer *t, bool resume) {
  kept_path(t, t->teacher_path);
  bool kept = resume && access(t->teacher_path, R_OK) == 0;
  if (!kept)
    snprintf(t->teacher_path, OIKOS_LONG_PATH, "%s", t->config.distill.model);
}

/* The teacher's configuration but for how this job runs. */
static oikos_status read_config(const oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                oikos_config *config, oikos_error *err) {
  OIKOS_TRY(oikos_read_config(checkpoint, config, err));
  config->run.threads = t->config.run.threads;
  return oikos_config_teaches(config, &t->config, err);
}

/* It adapts to the student's support sets: that is what a held-out score is to halve. */
static void adopt_task(oikos_trainer *teacher, const oikos_config *student) {
  teacher->config.task.support = student->task.support;
  teacher->config.task.query = student->task.query;
}

static oikos_status open_checkpoint(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                    oikos_error *err) {
  oikos_config *config;
  oikos_status status = oikos_alloc(&config, 1, sizeof *config, "the teacher", err);
  if (status == OIKOS_OK)
    status = read_config(t, checkpoint, config, err);
  status = oikos_agree(&t->team, status, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_open_for(t->team.world, t, config, checkpoint, &t->observer, &t->teacher,
                                    err);
  free(config);
  return status;
}

static oikos_status open_model(oikos_trainer *t, oikos_error *err) {
  oikos_checkpoint *checkpoint;
  oikos_status status = oikos_checkpoint_open(&t->team, t->teacher_path, &checkpoint, err);
  if (status == OIKOS_OK)
    status = open_checkpoint(t, checkpoint, err);
  oikos_checkpoint_close(checkpoint);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "the teacher %s: ", t->teacher_path);
  else
    adopt_task(t->teacher, &t->config);
  return status;
}

oikos_status oikos_teacher_present(const oikos_trainer *t, oikos_error *err) {
  if (t->config.distill.weight == 0 || t->context.teacher)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "distill.teacher is model, and a trainer opened for evaluation has no teacher: "
                    "it cannot train; create one with resume");
}

oikos_status oikos_teacher_begin(oikos_trainer *t, bool trains, bool resume, oikos_error *err) {
  if (t->config.distill.weight == 0)
    return OIKOS_OK;
  if (t->config.distill.teacher != OIKOS_TEACHER_MODEL) {
    t->context.teacher = &t->context;
    return OIKOS_OK;
  }
  if (!trains)
    return OIKOS_OK;
  if (t->team.rank == 0)
    find(t, resume && t->run[0]);
  oikos_broadcast(&t->team, t->teacher_path, sizeof t->teacher_path);
  OIKOS_TRY(open_model(t, err));
  t->context.teacher = &t->teacher->context;
  return OIKOS_OK;
}

oikos_status oikos_teacher_keep(const oikos_trainer *t, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  kept_path(t, path);
  if (!t->teacher || strcmp(path, t->teacher_path) == 0)
    return OIKOS_OK;
  oikos_temporary_sweep(path);
  return oikos_copy_file(t->teacher_path, path, err);
}
