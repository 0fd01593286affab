/* SPDX-License-Identifier: MIT
 * The loop: steps, and what comes between them. oikos_trainer_step is the method. */
#include <omp.h>
#include <string.h>

#include "base/clock.h"
#include "base/try.h"
#include "learn/schedule.h"
#include "run/embedding_rows.h"
#include "run/part.h"
#include "run/trainer_impl.h"

typedef oikos_real real;

/* Add a learner's contribution to the sums of one thread, or hand it to the rule. False if it is
 * left out, or a number in it is not finite. */
static bool contribute(oikos_trainer *t, int thread, oikos_slot_id slot, oikos_contribution *c) {
  OIKOS_PARTS(t, p, trained)
    p->part->trained(t, p, thread, slot, c);
  bool taken = t->taker ? t->taker->part->take(t, t->taker, thread, slot, c)
                        : oikos_contribution_add(&t->segments, &t->weights, c, &t->sums[thread]),
       fine = taken;
  OIKOS_PARTS(t, p, taken)
    fine &= p->part->taken(t, p, thread, slot, c, taken);
  return fine;
}

/* Step 1 for the learner in a slot, into the sums of one thread. What becomes of it stands apart
 * until the step is over. */
static void train_learner(oikos_trainer *t, int thread, oikos_slot_id slot) {
  oikos_learners *learners = &t->learners;
  oikos_pulse_beat(t->team.pulse);
  oikos_learner_id learner = learners->learner[slot];
  oikos_local_id local = oikos_learners_local(learners, slot);
  double *log_p = learners->next_log_p + (size_t)slot * learners->homes;
  memcpy(log_p, learners->log_p + (size_t)local * learners->homes, learners->homes * sizeof *log_p);
  OIKOS_PARTS(t, p, start)
    p->part->start(t, p, thread, slot);
  oikos_contribution c =
      oikos_learner_train(&t->context, &t->workers[thread], learners->first_active + slot, log_p,
                          learners->home[local], oikos_learners_left_off(learners, local));
  learners->next_home[slot] = c.home;
  oikos_learners_store(learners, slot, c.trained);
  double begin = oikos_profile_begin(t->profiles);
  if (!contribute(t, thread, slot, &c)) {
    oikos_learners_store(learners, slot, NULL);
    if (t->not_finite[thread] < 0 || learner < t->not_finite[thread])
      t->not_finite[thread] = learner;
  }
  if (t->profiles)
    oikos_profile_add(&t->profiles[thread], OIKOS_PROFILE_ADD, &begin);
}

/* Step 1 for the learners in slots from .. to - 1, which a thread takes at a time. */
static void train_unit(oikos_trainer *t, int thread, oikos_slot_id from, oikos_slot_id to) {
  const oikos_learners *learners = &t->learners;
  oikos_learners_begin(&t->context, &t->workers[thread], t->step, learners->first_active + from,
                       to - from, learners->learner + from,
                       oikos_embedding_rows_view(t->embedding_rows, from));
  oikos_worker *w = &t->workers[thread];
  if (w->adds_lanes)
    oikos_lockstep_add(w->lockstep, &t->segments, (size_t)(to - from), &t->sums[thread], w->finite);
  for (oikos_slot_id slot = from; slot < to; slot++)
    train_learner(t, thread, slot);
}

/* How many units there are. In lockstep as few as can be, since one costs the same however many
 * learners it has; else parts of chunks. */
static int64_t unit_count(const oikos_trainer *t) {
  const oikos_learners *l = &t->learners;
  if (t->lockstep)
    return (l->active + OIKOS_LOCKSTEP - 1) / OIKOS_LOCKSTEP;
  return (l->first_active + l->active + t->unit - 1) / t->unit - l->first_active / t->unit;
}

/* The first slot of a unit, or the one behind the last unit. */
static oikos_slot_id unit_begin(const oikos_trainer *t, int64_t unit, int64_t units) {
  const oikos_learners *l = &t->learners;
  if (t->lockstep)
    return l->active * unit / units;
  oikos_slot_id slot = (l->first_active / t->unit + unit) * t->unit - l->first_active;
  return slot < 0 ? 0 : slot > l->active ? l->active : slot;
}

/* Whether a checkpoint is due by rank 0's clock. */
static bool save_due(const oikos_trainer *t) {
  return t->team.rank == 0 && t->run[0] && t->config.checkpoint.every < 0 &&
         oikos_timing_due(&t->timing, t->config.checkpoint.mtbf);
}

/* Step 1, train: the active learners of this rank, in any order on any thread. A request to stop,
 * and word that a checkpoint is due, ride along. */
static void train(oikos_trainer *t, bool stop) {
  int64_t units = unit_count(t);
  double begin = oikos_wall_clock();
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_TRAIN);
  for (int k = 0; k < t->n_threads; k++) {
    oikos_sum_zero(t->segments.grid, &t->sums[k]);
    t->not_finite[k] = -1;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->n_threads)
  for (int64_t k = 0; k < units; k++)
    train_unit(t, omp_get_thread_num(), unit_begin(t, k, units), unit_begin(t, k + 1, units));
  t->timing.busy += oikos_wall_clock() - begin;
  t->sums[0].words[OIKOS_COUNT_STOP] += stop;
  t->sums[0].words[OIKOS_COUNT_SAVE] += save_due(t);
}

/* The one all-reduce: the threads' sums, then the ranks'. */
static void reduce(oikos_trainer *t) {
  double begin = oikos_profile_begin(t->profiles);
  for (int k = 1; k < t->n_threads; k++)
    oikos_sum_merge(t->segments.grid, &t->sums[0], &t->sums[k]);
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_REDUCE);
  oikos_reduce(&t->team, t->segments.grid, &t->sums[0]);
  oikos_profile_add(t->profiles, OIKOS_PROFILE_REDUCE, &begin);
}

/* Some learner's numbers are not finite: find the first one, so that the message can name it. */
static oikos_status diverged(const oikos_trainer *t, oikos_error *err) {
  int64_t first = INT64_MAX;
  for (int k = 0; k < t->n_threads; k++)
    if (t->not_finite[k] >= 0 && t->not_finite[k] < first)
      first = t->not_finite[k];
  oikos_min_int64(&t->team, 1, &first);
  return oikos_fail(
      err, OIKOS_ERROR,
      "step %lld: the loss or gradient of learner %lld is not finite (NaN or infinity)%s: training "
      "has diverged. "
      "The last checkpoint is as it was; lower inner.rate or shared.rate, set outer.clip, or leave "
      "such learners out by learners.rollback or another aggregation.rule than mean",
      (long long)t->step, (long long)first,
      t->config.learners.rollback > 0 ? ", or grew beyond learners.rollback, as all others'" : "");
}

/* Whether the learners are to train once more, since their sums do not fit the grid, which then has
 * moved to where they do. An error if there is no step to make: somebody's numbers are not finite,
 * where nobody is left out; else if everybody is. */
static oikos_status look_at_sums(oikos_trainer *t, bool *repeat, oikos_error *err) {
  const oikos_sum *sum = &t->sums[0];
  if (sum->words[OIKOS_COUNT_NOT_FINITE] > 0 || oikos_update_counted(&t->config, sum) == 0)
    return diverged(t, err);
  *repeat = oikos_grid_misplaced(t->segments.grid, sum);
  OIKOS_PARTS(t, p, reduced)
    OIKOS_TRY(p->part->reduced(t, p, *repeat, err));
  if (*repeat)
    oikos_grid_refit(t->segments.grid, sum);
  return OIKOS_OK;
}

/* What the learners of the step at hand need. */
static oikos_status fetch(oikos_trainer *t, oikos_error *err) {
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_FETCH);
  OIKOS_PARTS(t, p, begin)
    OIKOS_TRY(p->part->begin(t, p, err));
  return OIKOS_OK;
}

/* Step 2, the shared weights. Returns the norm of the mean gradient. */
static double share(oikos_trainer *t) {
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_UPDATE);
  OIKOS_PARTS(t, p, share)
    p->part->share(t, p);
  return oikos_update_shared(&t->config, &t->segments, &t->sums[0], t->step, &t->rule, &t->weights,
                             t->scratch);
}

/* Step 3, the homes. */
static void update_homes(oikos_trainer *t) {
  oikos_update_homes(&t->config, &t->segments, &t->sums[0], t->step, &t->rule, &t->weights,
                     t->scratch);
}

/* The sums of the step as means, into the history. */
static void add_to_history(oikos_trainer *t, double gradient_norm) {
  const oikos_sum *sum = &t->sums[0];
  double n = (double)oikos_update_counted(&t->config, sum), *now = t->history.now;
  real losses[OIKOS_N_LOSSES], *scores = t->scratch;
  oikos_sum_get(t->segments.grid, sum, t->segments.losses, 1 / n, losses);
  oikos_sum_get(t->segments.grid, sum, t->segments.scores, 1 / n, scores);
  now[OIKOS_ROW_SUPPORT_LOSS] = (double)losses[OIKOS_LOSS_BEFORE];
  now[OIKOS_ROW_QUERY_LOSS] = (double)losses[OIKOS_LOSS_AFTER];
  now[OIKOS_ROW_ACCURACY] =
      (double)sum->words[OIKOS_COUNT_CORRECT] / (double)sum->words[OIKOS_COUNT_EVALUATED];
  now[OIKOS_ROW_LEARNER_NORM] = (double)losses[OIKOS_GRADIENT_NORM];
  now[OIKOS_ROW_GRADIENT_NORM] = gradient_norm;
  now[OIKOS_ROW_RATE] = t->config.shared.rate * oikos_schedule(&t->config, t->step);
  now[OIKOS_ROW_MOVED] = (double)sum->words[OIKOS_COUNT_MOVED] / n;
  now[t->history.fields + OIKOS_ASIDE_CONFIDENCE] = (double)losses[OIKOS_CONFIDENCE];
  for (int64_t h = 0; h < t->config.home.count; h++) {
    now[OIKOS_ROW_MEMBERS + h] = (double)sum->words[OIKOS_COUNT_MEMBERS + h] / n;
    now[OIKOS_ROW_MEMBERS + t->config.home.count + h] = (double)scores[h];
  }
  oikos_history_add(&t->history);
}

/* What the learners have found becomes what they are; the step is done. */
static void commit(oikos_trainer *t, double gradient_norm) {
  const oikos_sum *sum = &t->sums[0];
  OIKOS_PARTS(t, p, commit)
    p->part->commit(t, p);
  oikos_learners_commit(&t->learners);
  OIKOS_PARTS(t, p, committed)
    p->part->committed(t, p);
  add_to_history(t, gradient_norm);
  t->stopping = sum->words[OIKOS_COUNT_STOP] > 0;
  t->saving = sum->words[OIKOS_COUNT_SAVE] > 0;
  oikos_grid_refit(t->segments.grid, sum);
  t->step++;
}

/* A step is the method:
 *
 *   pick     who takes part
 *   fetch    what they need
 *   train    step 1: each finds its home, adapts from it, and gives a meta-gradient
 *   reduce   one sum over all learners; once more if it does not fit its grid
 *   share    step 2: the shared weights, alike on all ranks
 *   homes    step 3: the homes
 *   commit   what the learners have found, by each part of a step (run/part.h)
 */
oikos_status oikos_trainer_step(oikos_trainer *t, oikos_error *err) {
  bool repeat = true, stop = false;
  oikos_learners_pick(&t->config, t->step, &t->learners);
  OIKOS_TRY(fetch(t, err));
  while (repeat) {
    stop |= t->observer.stop && t->observer.stop(t->observer.user);
    train(t, stop);
    reduce(t);
    OIKOS_TRY(look_at_sums(t, &repeat, err));
  }
  double begin = oikos_profile_begin(t->profiles), norm = share(t);
  update_homes(t);
  commit(t, norm);
  oikos_profile_add(t->profiles, OIKOS_PROFILE_UPDATE, &begin);
  if (t->observer.step)
    t->observer.step(t->observer.user, t->step, t->history.now[OIKOS_ROW_QUERY_LOSS],
                     t->history.now[OIKOS_ROW_ACCURACY]);
  return OIKOS_OK;
}

oikos_record oikos_trainer_record(const oikos_trainer *t, int64_t index) {
  oikos_record r = oikos_history_record(&t->history, index);
  OIKOS_PARTS(t, p, number)
    *(double *)((char *)&r + p->part->value) = oikos_history_row(&t->history, index)[p->column];
  OIKOS_PARTS(t, p, read)
    p->part->read(t, &r);
  return r;
}

static oikos_status record(oikos_trainer *t, oikos_error *err) {
  int64_t n = oikos_cohort_size(&t->config), steps = (int64_t)t->history.pending[OIKOS_ROW_STEP];
  oikos_rank_progress_set(t->progress, t->step, OIKOS_PHASE_RECORD);
  oikos_timing_compare(&t->team, &t->timing);
  oikos_status status = oikos_history_close(&t->history, t->step, t->step * n, steps * n, err);
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  OIKOS_PARTS(t, p, record)
    p->part->record(t, p, oikos_history_row(&t->history, t->history.records - 1));
  oikos_record r = oikos_trainer_record(t, t->history.records - 1);
  r.slowest = t->timing.slowest;
  r.slowest_rank = t->timing.slowest_rank;
  r.slowest_host = t->timing.slowest_host;
  if (t->observer.record)
    t->observer.record(t->observer.user, &r);
  return oikos_metrics_append(t, &r, err);
}

static oikos_status run_steps(oikos_trainer *t, oikos_error *err) {
  if (t->step > t->config.steps)
    return oikos_fail(err, OIKOS_USAGE,
                      "steps is %lld, but the run is at step %lld already; give more steps, or "
                      "evaluate it with `oikos eval`",
                      (long long)t->config.steps, (long long)t->step);
  int64_t every = t->config.checkpoint.every, saved = t->step;
  t->timing.saved = oikos_wall_clock();
  while (t->step < t->config.steps && !t->stopping) {
    OIKOS_TRY(oikos_trainer_step(t, err));
    if (t->step % t->config.log.every == 0)
      OIKOS_TRY(record(t, err));
    if (t->run[0] && (every > 0 ? t->step % every == 0 : t->saving)) {
      OIKOS_TRY(oikos_trainer_checkpoint(t, err));
      saved = t->step;
    }
    OIKOS_PARTS(t, p, between)
      OIKOS_TRY(p->part->between(t, p, saved == t->step, err));
  }
  if (t->run[0] && (saved != t->step || t->step == 0))
    OIKOS_TRY(oikos_trainer_checkpoint(t, err));
  oikos_watchdog_unlock(t->watchdog);
  if (t->step < t->config.steps)
    return oikos_fail(err, OIKOS_STOPPED, "stopped on request after step %lld of %lld%s",
                      (long long)t->step, (long long)t->config.steps,
                      t->run[0] ? "; a checkpoint was written, continue with --resume" : "");
  return OIKOS_OK;
}

oikos_status oikos_trainer_run(oikos_trainer *t, oikos_error *err) {
  t->local_progress.pulse.stop =
      NULL; // between steps alone, with a checkpoint that is written whole
  oikos_status status = run_steps(t, err);
  t->local_progress.pulse.stop = t->observer.stop;
  return status;
}
