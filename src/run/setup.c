/* SPDX-License-Identifier: MIT
 * Step 0, initialise: everything is allocated here, nothing in the loop. */
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "dist/shared_sum.h"
#include "net/choose.h"
#include "oikos/version.h"
#include "run/open.h"
#include "run/part.h"
#include "run/same_data.h"
#include "run/trainer_impl.h"
#include "store/checkpoint_config.h"
#include "store/checkpoint_list.h"
#include "store/folders.h"
#include "store/hints.h"

static oikos_status load_data(oikos_trainer *t, oikos_data *data, oikos_error *err) {
  OIKOS_TRY(oikos_source_data_load(&t->team, &t->config, &t->data, data, err));
  const oikos_data_about *about = oikos_trainer_data(t);
  oikos_data_set_prints(t);
  if (about && !*about->digest)
    oikos_trainer_say(
        t,
        "%s bears no digest, so damage to it goes unnoticed: files that `oikos import` "
        "writes now have one",
        t->config.task.file);
  return OIKOS_OK;
}

static int thread_count(const oikos_config *config) {
  if (config->run.threads > 0)
    return (int)config->run.threads;
  return getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : 1;
}

/* Whether gradients can go from lockstep into the sums: all weigh the same, go into the shared
 * segments alone, and no part looks at them. */
static bool adds_lanes(const oikos_trainer *t) {
  const oikos_segments *s = &t->segments;
  bool looks = t->taker;
  OIKOS_PARTS(t, p, trained)
    looks = true;
  return t->lockstep && !looks && s->shared_trained < 0 && s->rates < 0 && s->encoder.n == 0 &&
         !s->effort && !s->examples && t->weights.k == 0;
}

oikos_status oikos_trainer_reach(oikos_trainer *t, int64_t steps, oikos_error *err) {
  if (steps <= t->max_steps)
    return OIKOS_OK;
  for (int k = 0; k < t->n_threads; k++) {
    oikos_worker_destroy(&t->workers[k]);
    OIKOS_TRY(oikos_worker_create(&t->context, steps, &t->workers[k], err));
  }
  t->max_steps = steps;
  t->lockstep = t->workers[0].lockstep;
  for (int k = 0; k < t->n_threads; k++)
    t->workers[k].adds_lanes = adds_lanes(t);
  return OIKOS_OK;
}

/* The largest part of a chunk with which the busiest thread has at most a tenth more to do than if
 * learners were dealt out one by one. */
int64_t oikos_unit_size(int64_t slots, int64_t threads) {
  int64_t least = (slots + threads - 1) / threads, unit = OIKOS_CHUNK;
  for (; threads > 1 && unit > 1; unit /= 2) {
    int64_t units = (slots + unit - 1) / unit, most = (units + threads - 1) / threads * unit;
    if (10 * most <= 11 * least)
      break;
  }
  return unit;
}

void oikos_trainer_say(const oikos_trainer *t, const char *format, ...) {
  char text[OIKOS_PATH + 512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (t->observer.message)
    t->observer.message(t->observer.user, text);
}

static oikos_status create_threads(oikos_trainer *t, oikos_error *err) {
  int n = thread_count(&t->config);
  if (t->learners.slots > 0 && n > t->learners.slots)
    n = (int)t->learners.slots;
  OIKOS_TRY(oikos_arena_alloc(&t->memory, &t->workers, (size_t)n, sizeof *t->workers, err));
  OIKOS_TRY(oikos_arena_alloc(&t->memory, &t->sums, (size_t)n, sizeof *t->sums, err));
  OIKOS_TRY(oikos_arena_alloc(&t->memory, &t->not_finite, (size_t)n, sizeof *t->not_finite, err));
  t->n_threads = n;
  t->unit = oikos_unit_size(t->learners.slots, n);
  for (int k = 1; k < n; k++) // that of the first thread is to be shared
    OIKOS_TRY(oikos_sum_create(t->segments.grid, &t->sums[k], err));
  OIKOS_PARTS(t, p, create)
    OIKOS_TRY(p->part->create(t, p, err));
  t->max_steps = -1;
  return oikos_trainer_reach(t, t->config.inner.steps, err);
}

static oikos_status create_source(oikos_trainer *t, const oikos_data *data, oikos_error *err) {
  const oikos_config *c = &t->config;
  OIKOS_TRY(oikos_source_create(c, data, &t->source, err));
  OIKOS_TRY(oikos_source_has(t->source, OIKOS_TRAIN, err));
  if (c->eval.episodes > 0)
    OIKOS_TRY(oikos_source_has(
        t->source, c->eval.split == OIKOS_EVAL_TEST ? OIKOS_TEST : OIKOS_VALIDATION, err));
  return OIKOS_OK;
}

/* What the configuration leaves open of how to compute: as in the checkpoint to come, or chosen by
 * rank 0 for all. */
static oikos_status complete_config(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                    oikos_error *err) {
  oikos_status status = OIKOS_OK;
  if (t->team.rank == 0) {
    oikos_task_shape shape = oikos_source_shape(t->source);
    size_t parts = (size_t)t->config.inner.micro_batches,
           query_size = oikos_query_batch_size(&t->config, oikos_train_norm_of(&t->config), shape),
           batch = (shape.support + parts - 1) / parts;
    if (checkpoint)
      status = oikos_trainer_choose_as(t, checkpoint, err);
    if (status == OIKOS_OK)
      status = oikos_choose(&t->config, shape.input, batch, query_size, err);
  }
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  oikos_broadcast(&t->team, &t->config.model, sizeof t->config.model);
  return OIKOS_OK;
}

static oikos_status create_model(oikos_trainer *t, oikos_error *err) {
  const oikos_config *c = &t->config;
  oikos_task_shape shape = oikos_source_shape(t->source);
  int64_t outputs = c->model.loss == OIKOS_LOSS_PROTOTYPES ? 0 : shape.outputs;
  size_t columns;
  OIKOS_TRY(oikos_network_create(c, shape.input, outputs, &t->net, err));
  OIKOS_TRY(oikos_inner_create(t->net, c, &t->inner, err));
  OIKOS_TRY(oikos_encoder_create(c, shape, &t->encoder, err));
  OIKOS_TRY(oikos_weights_create(c, t->net, t->inner, t->encoder, &t->weights, err));
  OIKOS_TRY(oikos_segments_create(c, t->net, oikos_encoder_network(t->encoder), &t->weights,
                                  &t->segments, err));
  t->context = (oikos_context){c, t->net, t->inner, t->source, t->encoder, &t->weights, NULL};
  OIKOS_TRY(oikos_parts_choose(t, &columns, err));
  OIKOS_TRY(oikos_parts_learners(t, NULL, &t->learners, err));
  oikos_parts_follow(t);
  OIKOS_TRY(oikos_arena_alloc(&t->memory, &t->scratch, 2 * t->weights.n + (size_t)c->home.count,
                              sizeof *t->scratch, err));
  return oikos_history_create((int)c->home.count, columns, &t->history, err);
}

/* Memory for data that ranks of a node do not share is worth a word: it may be the most there is.
 */
static void say_copies(const oikos_trainer *t) {
  int64_t copies = t->team.node_size > 1 && t->data.memory && t->data.memory->local;
  oikos_sum_int64(&t->team, 1, &copies);
  if (copies > 0)
    oikos_trainer_say(t,
                      "warning: %lld of %d ranks hold a copy of the data of their own, because the "
                      "ranks of their node cannot share memory",
                      (long long)copies, t->team.size);
}

static oikos_status find_source(oikos_trainer *t, oikos_error *err) {
  oikos_data data;
  if (t->student) {
    t->source = t->student->source;
    return OIKOS_OK;
  }
  oikos_rank_progress_set(t->progress, 0, OIKOS_PHASE_READ);
  OIKOS_TRY(load_data(t, &data, err));
  oikos_rank_progress_set(t->progress, 0, OIKOS_PHASE_SET_UP);
  say_copies(t);
  return oikos_agree(&t->team, create_source(t, &data, err), err);
}

/* Ranks that compute with another kernel, library or compiler give other bits to their learners. */
static void compare_numerics(const oikos_trainer *t) {
  char mine[256] = "", first[256] = "";
  oikos_version_numerics(mine, sizeof mine);
  memcpy(first, mine, sizeof first);
  oikos_broadcast(&t->team, first, sizeof first);
  int64_t differ = strcmp(mine, first) != 0;
  oikos_sum_int64(&t->team, 1, &differ);
  if (differ)
    oikos_trainer_say(
        t,
        "warning: %lld of %d ranks do not compute with what rank 0 does (%s): the bits "
        "depend on which rank has which learner; make it the same everywhere",
        (long long)differ, t->team.size, first);
}

/* Everything but the state. */
static oikos_status set_up(oikos_trainer *t, const oikos_checkpoint *checkpoint, bool trains,
                           bool resume, oikos_error *err) {
  OIKOS_TRY(find_source(t, err));
  OIKOS_TRY(complete_config(t, checkpoint, err));
  OIKOS_TRY(oikos_agree(&t->team, create_model(t, err), err));
  OIKOS_PARTS(t, p, open)
    OIKOS_TRY(p->part->open(t, p, trains, resume, err));
  OIKOS_TRY(oikos_agree(&t->team, create_threads(t, err), err));
  if (!t->student) {
    compare_numerics(t);
    if (*oikos_source_note(t->source))
      oikos_trainer_say(t, "%s: %s", t->config.task.file, oikos_source_note(t->source));
  }
  OIKOS_TRY(oikos_shared_sum_create(&t->team, t->segments.grid, &t->sums[0], err));
  return oikos_agree(&t->team, oikos_pulse_check(t->team.pulse, err), err);
}

void oikos_trainer_destroy(oikos_trainer *t) {
  if (!t)
    return;
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_END);
  oikos_watchdog_destroy(t->watchdog);
  oikos_folders_remove(t->run, t->made); // there is no run
  for (int k = 0; k < t->n_threads; k++) {
    oikos_worker_destroy(&t->workers[k]);
    if (k > 0)
      oikos_sum_destroy(&t->sums[k]);
  }
  if (t->sums)
    oikos_shared_sum_destroy(&t->sums[0]);
  oikos_parts_destroy(t);
  oikos_robust_destroy(&t->rule);
  oikos_learners_destroy(&t->learners);
  oikos_history_destroy(&t->history);
  oikos_segments_destroy(&t->segments);
  oikos_weights_destroy(&t->weights);
  oikos_encoder_destroy(t->encoder);
  oikos_inner_destroy(t->inner);
  oikos_network_destroy(t->net);
  if (!t->student)
    oikos_source_destroy(t->source);
  oikos_source_data_unload(&t->data);
  oikos_team_destroy(&t->team);
  oikos_arena_free(&t->memory);
  free(t);
}

static oikos_status create(MPI_Comm comm, const oikos_config *config, const char *run,
                           const oikos_observer *observer, oikos_trainer **trainer,
                           oikos_error *err) {
  OIKOS_TRY(oikos_alloc(trainer, 1, sizeof **trainer, "the trainer", err));
  oikos_trainer *t = *trainer;
  t->config = *config;
  t->memory.what = "the trainer";
  t->progress = &t->local_progress;
  if (observer)
    t->observer = *observer;
  t->team = (oikos_team){.world = MPI_COMM_NULL, .node = MPI_COMM_NULL, .hints = MPI_INFO_NULL};
  if (run && snprintf(t->run, sizeof t->run, "%s", run) >= (int)sizeof t->run)
    return oikos_fail(err, OIKOS_USAGE, "the run directory's path is longer than %d bytes",
                      OIKOS_PATH - 1);
  OIKOS_TRY(oikos_team_create(comm, &t->team, err));
  t->local_progress.pulse.stop = t->observer.stop;
  t->local_progress.pulse.user = t->observer.user;
  t->team.pulse = &t->local_progress.pulse;
  OIKOS_TRY(oikos_agree(&t->team, oikos_config_check(config, err), err));
  return oikos_agree(&t->team, oikos_parts_check(config, err), err);
}

static oikos_status finish(oikos_status status, oikos_trainer **trainer) {
  if (status != OIKOS_OK) {
    oikos_trainer_destroy(*trainer);
    *trainer = NULL;
  }
  return status;
}

static oikos_status resume_from(oikos_trainer *t, const oikos_checkpoint *checkpoint,
                                oikos_error *err) {
  oikos_rank_progress_set(t->progress, 0, OIKOS_PHASE_LOAD);
  OIKOS_TRY(oikos_trainer_load(t, checkpoint, err));
  oikos_trainer_say(t, "resumed from %s at step %lld", oikos_checkpoint_file(checkpoint),
                    (long long)t->step);
  return OIKOS_OK;
}

/* Set up, and resume if asked to. */
static oikos_status begin(oikos_trainer *t, bool resume, oikos_error *err) {
  oikos_checkpoint *checkpoint = NULL;
  OIKOS_TRY(oikos_run_directory_claim(t, err));
  if (resume)
    OIKOS_TRY(oikos_trainer_newest(t, &checkpoint, err));
  oikos_status status = set_up(t, checkpoint, true, resume, err);
  if (status == OIKOS_OK && checkpoint)
    status = resume_from(t, checkpoint, err);
  oikos_checkpoint_close(checkpoint);
  OIKOS_TRY(status);
  if (t->run[0]) {
    OIKOS_TRY(oikos_agree(
        &t->team, oikos_hints_create(t->config.checkpoint.hints, &t->team.hints, err), err));
    OIKOS_TRY(oikos_run_directory_prepare(t, resume, err));
  }
  OIKOS_PARTS(t, p, enter)
    OIKOS_TRY(p->part->enter(t, p, resume, err));
  return OIKOS_OK;
}

oikos_status oikos_trainer_create(MPI_Comm comm, const oikos_config *config, const char *run,
                                  bool resume, const oikos_observer *observer,
                                  oikos_trainer **trainer, oikos_error *err) {
  oikos_status status = create(comm, config, run, observer, trainer, err);
  if (status == OIKOS_OK)
    status = begin(*trainer, run && resume, err);
  return finish(status, trainer);
}

oikos_status oikos_trainer_create_alone(const oikos_config *config, int ranks,
                                        oikos_trainer **trainer, oikos_error *err) {
  oikos_status status = create(MPI_COMM_SELF, config, NULL, NULL, trainer, err);
  if (status == OIKOS_OK) {
    (*trainer)->team.size = ranks; // what is owned and allocated goes by this
    status = set_up(*trainer, NULL, true, false, err);
  }
  return finish(status, trainer);
}

oikos_status oikos_trainer_open_for(MPI_Comm comm, const oikos_trainer *student,
                                    const oikos_config *config, const oikos_checkpoint *checkpoint,
                                    const oikos_observer *observer, oikos_trainer **trainer,
                                    oikos_error *err) {
  oikos_status status = create(comm, config, NULL, observer, trainer, err);
  if (status == OIKOS_OK && student) {
    (*trainer)->student = student;
    (*trainer)->progress = student->progress;
    (*trainer)->team.pulse = student->team.pulse;
  }
  if (status == OIKOS_OK)
    status = set_up(*trainer, checkpoint, false, false, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_load(*trainer, checkpoint, err);
  return finish(status, trainer);
}

oikos_status oikos_trainer_open(MPI_Comm comm, const oikos_config *config, const char *checkpoint,
                                const oikos_observer *observer, oikos_trainer **trainer,
                                oikos_error *err) {
  oikos_team team;
  oikos_checkpoint *whole = NULL;
  *trainer = NULL;
  OIKOS_TRY(oikos_team_create(comm, &team, err));
  oikos_status status = oikos_checkpoint_open(&team, checkpoint, &whole, err);
  oikos_team_destroy(&team);
  if (status == OIKOS_OK)
    status = oikos_trainer_open_for(comm, NULL, config, whole, observer, trainer, err);
  oikos_checkpoint_close(whole);
  return status;
}

int64_t oikos_trainer_steps(const oikos_trainer *t) {
  return t->step;
}

const oikos_network *oikos_trainer_network(const oikos_trainer *t) {
  return t->net;
}

const oikos_source *oikos_trainer_source(const oikos_trainer *t) {
  return t->source;
}

const oikos_real *oikos_trainer_shared(const oikos_trainer *t) {
  return t->weights.shared;
}

const oikos_real *oikos_trainer_homes(const oikos_trainer *t, size_t *size) {
  *size = t->weights.k;
  return t->weights.homes;
}
