/* SPDX-License-Identifier: MIT
 * The run directory: config.yaml, metrics.jsonl, checkpoints/. Rank 0 writes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"
#include "run/trainer_impl.h"
#include "store/checkpoint_list.h"

static oikos_status make_folder(const char *path, oikos_error *err) {
  char part[OIKOS_LONG_PATH];
  size_t length = strlen(path);
  for (size_t i = 1; i <= length; i++)
    if (path[i] == '/' || path[i] == 0) {
      snprintf(part, sizeof part, "%.*s", (int)i, path);
      if (mkdir(part, 0777) != 0 && errno != EEXIST)
        return oikos_fail(err, OIKOS_USAGE, "the run directory %s cannot be made: %s: %s", path,
                          part, strerror(errno));
    }
  if (access(path, W_OK | X_OK) != 0)
    return oikos_fail(err, OIKOS_USAGE, "the run directory %s cannot be written: %s", path,
                      strerror(errno));
  return OIKOS_OK;
}

static oikos_status write_config(const oikos_trainer *t, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  snprintf(path, sizeof path, "%s/config.yaml", t->run);
  FILE *out = fopen(path, "w");
  if (!out)
    return oikos_fail(err, OIKOS_USAGE, "%s cannot be written: %s", path, strerror(errno));
  oikos_config_write(&t->config, out);
  if (fclose(out) != 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  return OIKOS_OK;
}

static int64_t step_of(const char *line) {
  long long step;
  return sscanf(line, "{\"step\": %lld", &step) == 1 ? step : INT64_MAX;
}

/* Keep the lines up to this step: what lies beyond will be trained, and written, again. */
static oikos_status cut_metrics(const oikos_trainer *t, oikos_error *err) {
  char path[OIKOS_LONG_PATH], temporary[OIKOS_LONG_PATH], *line = NULL;
  size_t size = 0;
  snprintf(path, sizeof path, "%s/metrics.jsonl", t->run);
  snprintf(temporary, sizeof temporary, "%s/metrics.jsonl.tmp", t->run);
  FILE *in = fopen(path, "r"), *out = in ? fopen(temporary, "w") : NULL;
  if (!in)
    return OIKOS_OK;
  while (out && getline(&line, &size, in) >= 0)
    if (step_of(line) <= t->step && strchr(line, '\n'))
      fputs(line, out);
  free(line);
  fclose(in);
  if (!out || fclose(out) != 0 || rename(temporary, path) != 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be rewritten: %s", path, strerror(errno));
  return OIKOS_OK;
}

/* A new run must not mix with the checkpoints of an old one. */
static oikos_status refuse_old(const oikos_trainer *t, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  oikos_error ignored;
  oikos_status status = oikos_checkpoint_newest(t->run, path, NULL, NULL, &ignored);
  if (status != OIKOS_OK || path[0])
    return oikos_fail(err, OIKOS_USAGE,
                      "%s already holds the checkpoints of a run; continue it with --resume, or "
                      "choose another --out",
                      t->run);
  return OIKOS_OK;
}

static oikos_status prepare(const oikos_trainer *t, bool resume, oikos_error *err) {
  char checkpoints[OIKOS_LONG_PATH], metrics[OIKOS_LONG_PATH];
  snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", t->run);
  snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", t->run);
  OIKOS_TRY(make_folder(t->run, err));
  if (!resume) {
    OIKOS_TRY(refuse_old(t, err));
    unlink(metrics);
  }
  OIKOS_TRY(make_folder(checkpoints, err));
  OIKOS_TRY(write_config(t, err));
  return cut_metrics(t, err);
}

oikos_status oikos_run_directory_prepare(const oikos_trainer *t, bool resume, oikos_error *err) {
  return oikos_agree(&t->team, t->team.rank == 0 ? prepare(t, resume, err) : OIKOS_OK, err);
}

static void write_list(FILE *out, const char *name, int n, const double *x) {
  fprintf(out, ", \"%s\": [", name);
  for (int i = 0; i < n; i++)
    fprintf(out, "%s%.9g", i ? ", " : "", x[i]);
  fputc(']', out);
}

static oikos_status append(const oikos_trainer *t, const oikos_record *r, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  snprintf(path, sizeof path, "%s/metrics.jsonl", t->run);
  FILE *out = fopen(path, "a");
  if (!out)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  fprintf(out,
          "{\"step\": %lld, \"episodes\": %lld, \"support_loss\": %.9g, \"query_loss\": %.9g, "
          "\"accuracy\": %.9g, "
          "\"learner_norm\": %.9g, \"gradient_norm\": %.9g, \"rate\": %.9g, \"moved\": %.9g",
          (long long)r->step, (long long)r->episodes, r->support_loss, r->query_loss, r->accuracy,
          r->learner_norm, r->gradient_norm, r->rate, r->moved);
  write_list(out, "members", r->n_homes, r->members);
  write_list(out, "scores", r->n_homes, r->scores);
  fprintf(out, ", \"seconds\": %.3f, \"tasks_per_second\": %.1f}\n", r->seconds,
          r->tasks_per_second);
  if (fclose(out) != 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  return OIKOS_OK;
}

oikos_status oikos_metrics_append(const oikos_trainer *t, const oikos_record *r, oikos_error *err) {
  if (!t->run[0])
    return OIKOS_OK;
  return oikos_agree(&t->team, t->team.rank == 0 ? append(t, r, err) : OIKOS_OK, err);
}
