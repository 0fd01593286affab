/* SPDX-License-Identifier: MIT
 * The run directory: config.yaml, metrics.jsonl, checkpoints/. Rank 0 writes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/try.h"
#include "run/part.h"
#include "run/trainer_impl.h"
#include "store/checkpoint_list.h"
#include "store/sync.h"
#include "store/temporary.h"

/* Write a file of the run directory as a whole or not at all. */
static oikos_status write_whole(const oikos_trainer *t, const char *name,
                                void (*write)(const oikos_trainer *t, FILE *out),
                                oikos_error *err) {
  char path[OIKOS_LONG_PATH], temporary[OIKOS_NAME_MAX];
  snprintf(path, sizeof path, "%s/%s", t->run, name);
  oikos_temporary_sweep(path); // the run is ours: what is there was left by a killed job
  OIKOS_TRY(oikos_temporary_create(path, temporary, err));
  FILE *out = fopen(temporary, "w");
  bool bad = !out;
  if (out) {
    write(t, out);
    bad = ferror(out);
    bad |= fclose(out) != 0;
  }
  if (bad || rename(temporary, path) != 0) {
    oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
    unlink(temporary);
    return OIKOS_ERROR;
  }
  return OIKOS_OK;
}

static void write_config(const oikos_trainer *t, FILE *out) {
  oikos_config_write(&t->config, out);
}

enum { DIGITS = 9 }; /* that tell floats apart */

void oikos_metrics_value(FILE *out, const char *name, double x) {
  fprintf(out, ", \"%s\": ", name);
  oikos_number_json(out, DIGITS, x);
}

static void write_list(FILE *out, const char *name, int n, const double *x) {
  fprintf(out, ", \"%s\": [", name);
  for (int i = 0; i < n; i++) {
    fputs(i ? ", " : "", out);
    oikos_number_json(out, DIGITS, x[i]);
  }
  fputc(']', out);
}

/* What one step was like for the learners, all together. */
static void write_means(const oikos_record *r, FILE *out) {
  oikos_metrics_value(out, "support_loss", r->support_loss);
  oikos_metrics_value(out, "query_loss", r->query_loss);
  oikos_metrics_value(out, "accuracy", r->accuracy);
  oikos_metrics_value(out, "learner_norm", r->learner_norm);
  oikos_metrics_value(out, "gradient_norm", r->gradient_norm);
  oikos_metrics_value(out, "rate", r->rate);
  oikos_metrics_value(out, "moved", r->moved);
}

static void write_record(const oikos_trainer *t, const oikos_record *r, FILE *out) {
  locale_t before = oikos_numbers_begin();
  fprintf(out, "{\"step\": %lld, \"episodes\": %lld", (long long)r->step, (long long)r->episodes);
  write_means(r, out);
  write_list(out, "members", r->n_homes, r->members);
  write_list(out, "scores", r->n_homes, r->scores);
  if (r->sure > 0)
    oikos_metrics_value(out, "sure", r->sure);
  OIKOS_PARTS(t, p, number)
    oikos_metrics_value(out, p->part->number, *(const double *)((const char *)r + p->part->value));
  OIKOS_PARTS(t, p, metrics)
    p->part->metrics(t, r, out);
  fprintf(out, ", \"seconds\": %.3f, \"tasks_per_second\": %.1f", r->seconds, r->tasks_per_second);
  if (r->slowest > 0)
    fprintf(out, ", \"slowest\": %.3f, \"slowest_rank\": %d", r->slowest, r->slowest_rank);
  if (r->balance > 0)
    fprintf(out, ", \"balance\": %.3f", r->balance);
  fputs("}\n", out);
  oikos_numbers_end(before);
}

/* All records that the state holds: none in a new run; in a resumed one those up to its step,
 * whatever the file had. */
static void write_metrics(const oikos_trainer *t, FILE *out) {
  for (int64_t i = 0; i < t->history.records; i++) {
    oikos_record r = oikos_trainer_record(t, i);
    write_record(t, &r, out);
  }
}

static void say_lock(void *user, const char *text) {
  oikos_trainer_say(user, "%s", text);
}

/* How much of a path is there no more than the rest: the length of its first part that is missing;
 * 0 if none is. */
static size_t first_missing(const char *path) {
  char part[OIKOS_PATH];
  size_t length = strlen(path);
  for (size_t i = 1; i <= length; i++) {
    snprintf(part, sizeof part, "%.*s", (int)i, path);
    if ((path[i] == '/' || path[i] == 0) && access(part, F_OK) != 0 && errno == ENOENT)
      return i;
  }
  return 0;
}

oikos_status oikos_run_directory_claim(oikos_trainer *t, oikos_error *err) {
  oikos_lock *lock = NULL;
  oikos_status status = OIKOS_OK;
  if (!t->run[0])
    return OIKOS_OK;
  if (t->team.rank == 0) {
    t->made = first_missing(t->run);
    status = oikos_make_folders(t->run, err);
    if (status == OIKOS_OK)
      status = oikos_lock_take(t->run, t->team.pulse, say_lock, t, &lock, err);
  }
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  return oikos_watch_create(&t->team, t->run, &t->config, lock, t->where, &t->observer, &t->watch,
                            err);
}

void oikos_run_directory_abandon(oikos_trainer *t) {
  char part[OIKOS_PATH];
  for (size_t length = strlen(t->run); t->made && length >= t->made; length--) {
    snprintf(part, sizeof part, "%.*s", (int)length, t->run);
    if ((t->run[length] == '/' || t->run[length] == 0) && rmdir(part) != 0)
      return; // somebody uses it
  }
}

static oikos_status prepare(const oikos_trainer *t, bool resume, oikos_error *err) {
  char checkpoints[OIKOS_LONG_PATH];
  snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", t->run);
  if (!resume && oikos_checkpoint_any(t->run)) // of another run, which must not mix with this one
    return oikos_fail(err, OIKOS_USAGE,
                      "%s already holds the checkpoints of a run; continue it with --resume, or "
                      "choose another --out",
                      t->run);
  OIKOS_TRY(oikos_make_folders(checkpoints, err));
  OIKOS_TRY(write_whole(t, "config.yaml", write_config, err));
  return write_whole(t, "metrics.jsonl", write_metrics, err);
}

oikos_status oikos_run_directory_prepare(oikos_trainer *t, bool resume, oikos_error *err) {
  oikos_status status = t->team.rank == 0 ? prepare(t, resume, err) : OIKOS_OK;
  t->made = status == OIKOS_OK ? 0 : t->made;
  return oikos_agree(&t->team, status, err);
}

static oikos_status append(const oikos_trainer *t, const oikos_record *r, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  snprintf(path, sizeof path, "%s/metrics.jsonl", t->run);
  FILE *out = fopen(path, "a");
  if (!out)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  write_record(t, r, out);
  if (fclose(out) != 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
  return OIKOS_OK;
}

oikos_status oikos_metrics_append(const oikos_trainer *t, const oikos_record *r, oikos_error *err) {
  if (!t->run[0])
    return OIKOS_OK;
  return oikos_agree(&t->team, t->team.rank == 0 ? append(t, r, err) : OIKOS_OK, err);
}
