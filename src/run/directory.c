/* SPDX-License-Identifier: MIT
 * The run directory: config.yaml, metrics.jsonl, checkpoints/. Rank 0 writes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "base/try.h"
#include "run/part.h"
#include "run/trainer_impl.h"
#include "store/checkpoint_list.h"
#include "store/folders.h"
#include "store/sync.h"
#include "store/whole_file.h"

static void write_config(const void *config, FILE *out) {
  oikos_config_write(config, out);
}

enum { DIGITS = 9 }; /* that tell floats apart */

void oikos_metrics_value(FILE *out, const char *name, double x) {
  oikos_json_number(out, name, DIGITS, x);
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
  oikos_json_list(out, "members", DIGITS, (size_t)r->n_homes, r->members, sizeof *r->members);
  oikos_json_list(out, "scores", DIGITS, (size_t)r->n_homes, r->scores, sizeof *r->scores);
  if (r->confidence > 0)
    oikos_metrics_value(out, "confidence", r->confidence);
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
static void write_metrics(const void *trainer, FILE *out) {
  const oikos_trainer *t = trainer;
  for (int64_t i = 0; i < t->history.records; i++) {
    oikos_record r = oikos_trainer_record(t, i);
    write_record(t, &r, out);
  }
}

static void say_lock(void *user, const char *text) {
  oikos_trainer_say(user, "%s", text);
}

oikos_status oikos_run_directory_claim(oikos_trainer *t, oikos_error *err) {
  oikos_lock *lock = NULL;
  oikos_status status = OIKOS_OK;
  if (!t->run[0])
    return OIKOS_OK;
  if (t->team.rank == 0) {
    t->made = oikos_folders_missing(t->run);
    status = oikos_make_folders(t->run, err);
    if (status == OIKOS_OK)
      status = oikos_lock_take(t->run, t->team.pulse, say_lock, t, &lock, err);
  }
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  return oikos_watchdog_create(&t->team, t->run, &t->config, lock, t->progress, &t->observer,
                               &t->watchdog, err);
}

static void metrics_path(const oikos_trainer *t, char *path) {
  snprintf(path, OIKOS_LONG_PATH, "%s/metrics.jsonl", t->run);
}

static oikos_status prepare(const oikos_trainer *t, bool resume, oikos_error *err) {
  char checkpoints[OIKOS_LONG_PATH], config[OIKOS_LONG_PATH], metrics[OIKOS_LONG_PATH];
  snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", t->run);
  snprintf(config, sizeof config, "%s/config.yaml", t->run);
  metrics_path(t, metrics);
  if (!resume && oikos_checkpoint_any(t->run)) // of another run, which must not mix with this one
    return oikos_fail(err, OIKOS_USAGE,
                      "%s already holds the checkpoints of a run; continue it with --resume, or "
                      "choose another --out",
                      t->run);
  OIKOS_TRY(oikos_make_folders(checkpoints, err));
  OIKOS_TRY(oikos_write_whole(config, write_config, &t->config, err));
  return oikos_write_whole(metrics, write_metrics, t, err);
}

oikos_status oikos_run_directory_prepare(oikos_trainer *t, bool resume, oikos_error *err) {
  oikos_status status = t->team.rank == 0 ? prepare(t, resume, err) : OIKOS_OK;
  t->made = status == OIKOS_OK ? 0 : t->made;
  return oikos_agree(&t->team, status, err);
}

static oikos_status append(const oikos_trainer *t, const oikos_record *r, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  metrics_path(t, path);
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
