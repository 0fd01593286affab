/* SPDX-License-Identifier: MIT
 * Checkpoints of a trainer: written, found and loaded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "learn/privacy.h"
#include "net/choose.h"
#include "oikos/version.h"
#include "run/fields.h"
#include "run/trainer_impl.h"
#include "store/checkpoint.h"
#include "store/checkpoint_list.h"

static oikos_status config_text(const oikos_config *config, char **text, oikos_error *err) {
  size_t size;
  FILE *out = open_memstream(text, &size);
  if (!out)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_write(config, out);
  fclose(out);
  return OIKOS_OK;
}

static oikos_status write_checkpoint(oikos_trainer *t, const char *path, const oikos_fields *f,
                                     oikos_error *err) {
  char *config = NULL, created[64], libraries[512], numerics[256];
  time_t now = time(NULL);
  struct tm utc;
  OIKOS_TRY(config_text(&t->config, &config, err));
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
  oikos_mark(t->where, t->step, OIKOS_AT_CHECKPOINT);
  oikos_trainer_privacy(t, &t->spent[0], &t->spent[1]);
  oikos_checkpoint_path(t->run, t->step, path);
  double start = oikos_wall_clock();
  oikos_status status = oikos_agree(&t->team, oikos_trainer_fields(t, &f, err), err);
  if (status == OIKOS_OK)
    status = write_checkpoint(t, path, &f, err);
  free(f.list);
  OIKOS_TRY(status);
  if (t->team.rank == 0)
    oikos_checkpoint_prune(t->run, t->step, t->config.checkpoint.keep);
  oikos_pace_saved(&t->pace, oikos_wall_clock() - start);
  oikos_trainer_say(t, "checkpoint %s written in %.2f s", path, oikos_wall_clock() - start);
  return OIKOS_OK;
}

/* The configuration that a checkpoint holds, released by free(). */
static oikos_status parse_config(const char *path, const char *text, oikos_config **config,
                                 oikos_error *err) {
  OIKOS_TRY(oikos_alloc(config, 1, sizeof **config, "a configuration", err));
  oikos_config_defaults(*config);
  OIKOS_TRY(oikos_config_parse(*config, path, text, strlen(text), err));
  oikos_choose_patches(*config);
  return OIKOS_OK;
}

/* The configuration in a checkpoint must be that of the run, but for what may change. */
static oikos_status compare_config(const oikos_trainer *t, const char *path, const char *text,
                                   oikos_error *err) {
  oikos_config *old = NULL;
  oikos_status status = parse_config(path, text, &old, err);
  if (status == OIKOS_OK)
    status = oikos_config_resumable(old, &t->config, err);
  free(old);
  return status;
}

oikos_status oikos_trainer_choose_as(oikos_trainer *t, const char *checkpoint, oikos_error *err) {
  oikos_checkpoint_info info;
  oikos_config *old = NULL;
  OIKOS_TRY(oikos_checkpoint_describe(checkpoint, &info, err));
  oikos_status status = parse_config(checkpoint, info.config, &old, err);
  if (status == OIKOS_OK)
    oikos_choose_as(old, &t->config);
  free(old);
  oikos_checkpoint_info_clear(&info);
  return status;
}

static oikos_status read_info(const oikos_trainer *t, const char *path, int64_t numbers[2],
                              oikos_error *err) {
  oikos_checkpoint_info info;
  OIKOS_TRY(oikos_checkpoint_describe(path, &info, err));
  char numerics[256];
  oikos_version_numerics(numerics, sizeof numerics);
  if (strcmp(numerics, info.numerics) != 0)
    oikos_trainer_say(t,
                      "warning: %s was written with %s, and this is %s: the bits will differ from "
                      "an uninterrupted run",
                      path, info.numerics, numerics);
  numbers[0] = info.step;
  numbers[1] = info.records;
  oikos_status status = compare_config(t, path, info.config, err);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  oikos_checkpoint_info_clear(&info);
  return status;
}

/* Of another data file the shapes may be others, which would say less. */
static oikos_status read_fields(oikos_trainer *t, const char *path, const oikos_fields *f,
                                oikos_error *err) {
  int first = oikos_trainer_data(t) ? 1 : 0; // data/prints
  if (first) {
    OIKOS_TRY(oikos_checkpoint_read(&t->team, path, f->list, first, err));
    OIKOS_TRY(oikos_data_same(t, path, err));
  }
  return oikos_checkpoint_read(&t->team, path, f->list + first, f->n - first, err);
}

oikos_status oikos_trainer_load(oikos_trainer *t, const char *path, oikos_error *err) {
  int64_t numbers[2] = {0};
  oikos_fields f = {0};
  oikos_status status = t->team.rank == 0 ? read_info(t, path, numbers, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  oikos_broadcast(&t->team, numbers, sizeof numbers);
  status = oikos_history_reserve(&t->history, numbers[1], err);
  t->history.records = status == OIKOS_OK ? numbers[1] : 0;
  if (status == OIKOS_OK)
    status = oikos_trainer_fields(t, &f, err);
  status = oikos_agree(&t->team, status, err);
  if (status == OIKOS_OK)
    status = read_fields(t, path, &f, err);
  free(f.list);
  if (status == OIKOS_OK)
    t->step = numbers[0];
  for (int64_t i = 0; status == OIKOS_OK && i < t->learners.count; i++)
    if (t->learners.home[i] < 0 || t->learners.home[i] >= t->config.home.count)
      status = oikos_fail(err, OIKOS_ERROR, "%s: learner %lld has home %d of %lld", path,
                          (long long)(t->learners.first + i), t->learners.home[i],
                          (long long)t->config.home.count);
  if (status == OIKOS_OK)
    status = oikos_census_check(t, path, err);
  if (status == OIKOS_OK && !oikos_own_rates_sound(&t->config, &t->own_rates, t->learners.count))
    status = oikos_fail(err, OIKOS_ERROR,
                        "%s: learners/rate_factor lies outside of 1 / inner.adapt_range to "
                        "inner.adapt_range, %g",
                        path, t->config.inner.adapt_range);
  return oikos_agree(&t->team, status, err);
}

static void say_skipped(void *user, const char *text) {
  oikos_trainer_say(user, "warning: passed over a damaged checkpoint: %s", text);
}

oikos_status oikos_trainer_newest(oikos_trainer *t, char *path, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  if (t->team.rank == 0)
    status = oikos_checkpoint_newest(t->run, path, say_skipped, t, err);
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  oikos_broadcast(&t->team, path, OIKOS_LONG_PATH);
  if (!path[0])
    oikos_trainer_say(t, "no checkpoint in %s: starting from step 0", t->run);
  return OIKOS_OK;
}
