/* SPDX-License-Identifier: MIT
 * Checkpoints of a trainer: written, found and loaded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "config/options.h"
#include "net/choose.h"
#include "oikos/version.h"
#include "run/fields.h"
#include "run/same_data.h"
#include "run/trainer_impl.h"
#include "store/checkpoint.h"
#include "store/checkpoint_config.h"
#include "store/checkpoint_list.h"

static oikos_status write_checkpoint(oikos_trainer *t, const char *path, const oikos_fields *f,
                                     oikos_error *err) {
  char *config, created[64], libraries[512], numerics[256];
  time_t now = time(NULL);
  struct tm utc;
  OIKOS_TRY(oikos_config_text(&t->config, &config, err));
  strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  oikos_version_libraries(libraries, sizeof libraries);
  oikos_version_numerics(numerics, sizeof numerics);
  oikos_checkpoint_info info = {.step = t->step,
                                .ranks = t->team.size,
                                .records = t->history.records,
                                .config = config,
                                .version = (char *)oikos_version(),
                                .libraries = libraries,
                                .numerics = numerics,
                                .created = created};
  oikos_status status = oikos_checkpoint_write(&t->team, path, &info, f->list, f->n, err);
  free(config);
  return status;
}

oikos_status oikos_trainer_checkpoint(oikos_trainer *t, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  oikos_fields f = {0};
  if (!t->run[0])
    return oikos_fail(err, OIKOS_USAGE,
                      "a checkpoint was asked for, but the trainer has no run directory");
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_CHECKPOINT);
  oikos_checkpoint_path(t->run, t->step, path);
  double start = oikos_wall_clock();
  oikos_status status = oikos_agree(&t->team, oikos_trainer_fields(t, &f, err), err);
  if (status == OIKOS_OK)
    status = write_checkpoint(t, path, &f, err);
  free(f.list);
  OIKOS_TRY(status);
  if (t->team.rank == 0)
    oikos_checkpoint_prune(t->run, t->step, t->config.checkpoint.keep);
  oikos_timing_saved(&t->timing, oikos_wall_clock() - start);
  oikos_trainer_say(t, "checkpoint %s written in %.2f s", path, oikos_wall_clock() - start);
  return OIKOS_OK;
}

/* The configuration that a checkpoint holds, released by free(). */
static oikos_status read_config(const oikos_checkpoint *checkpoint, oikos_config **config,
                                oikos_error *err) {
  OIKOS_TRY(oikos_alloc(config, 1, sizeof **config, "a configuration", err));
  OIKOS_TRY(oikos_read_config(checkpoint, *config, err));
  oikos_choose_patches(*config);
  return OIKOS_OK;
}

oikos_status oikos_trainer_choose_as(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                     oikos_error *err) {
  oikos_config *old = NULL;
  oikos_status status = read_config(checkpoint, &old, err);
  if (status == OIKOS_OK)
    oikos_choose_as(old, &t->config);
  free(old);
  return status;
}

/* The run must be the one that the checkpoint is of, but for what may change. */
static oikos_status compare(const oikos_trainer *t, const oikos_checkpoint *checkpoint,
                            oikos_error *err) {
  const char *path = oikos_checkpoint_file(checkpoint);
  const oikos_checkpoint_info *info = oikos_checkpoint_about(checkpoint);
  char numerics[256];
  oikos_config *old = NULL;
  oikos_version_numerics(numerics, sizeof numerics);
  if (t->team.rank == 0 && strcmp(numerics, info->numerics) != 0)
    oikos_trainer_say(t,
                      "warning: %s was written with %s, and this is %s: the bits will differ from "
                      "an uninterrupted run",
                      path, info->numerics, numerics);
  oikos_status status = read_config(checkpoint, &old, err);
  if (status == OIKOS_OK)
    status = oikos_config_resumable(old, &t->config, err);
  free(old);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}

/* Of another data file the shapes may be others, which would say less. */
static oikos_status read_fields(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                const oikos_fields *f, oikos_error *err) {
  int first = oikos_trainer_data(t) ? 1 : 0; // data/prints
  if (first) {
    OIKOS_TRY(oikos_checkpoint_read(&t->team, checkpoint, f->list, first, err));
    OIKOS_TRY(oikos_data_same(t, oikos_checkpoint_file(checkpoint), err));
  }
  return oikos_checkpoint_read(&t->team, checkpoint, f->list + first, f->n - first, err);
}

/* Room for what is to be read, and where it is. */
static oikos_status make_room(oikos_trainer *t, const oikos_checkpoint_info *info, oikos_fields *f,
                              oikos_error *err) {
  t->step = info->step; // nothing in the state can have happened more often
  OIKOS_TRY(oikos_history_reserve(&t->history, info->records, err));
  t->history.records = info->records;
  return oikos_trainer_fields(t, f, err);
}

oikos_status oikos_trainer_load(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                oikos_error *err) {
  oikos_fields f = {0};
  OIKOS_TRY(oikos_agree(&t->team, compare(t, checkpoint, err), err));
  oikos_status status = make_room(t, oikos_checkpoint_about(checkpoint), &f, err);
  status = oikos_agree(&t->team, status, err);
  if (status == OIKOS_OK)
    status = read_fields(t, checkpoint, &f, err);
  free(f.list);
  if (status == OIKOS_OK && !oikos_history_sound(&t->history, t->step))
    status = oikos_fail(err, OIKOS_ERROR,
                        "%s: the steps in history/records or history/pending are not those of a "
                        "run of %lld steps",
                        oikos_checkpoint_file(checkpoint), (long long)t->step);
  return status;
}

static void say_skipped(void *user, const char *text) {
  oikos_trainer_say(user, "warning: passed over a damaged checkpoint: %s", text);
}

oikos_status oikos_trainer_newest(oikos_trainer *t, oikos_checkpoint **checkpoint,
                                  oikos_error *err) {
  OIKOS_TRY(oikos_checkpoint_newest(&t->team, t->run, checkpoint, say_skipped, t, err));
  if (!*checkpoint)
    oikos_trainer_say(t, "no checkpoint in %s: starting from step 0", t->run);
  return OIKOS_OK;
}
