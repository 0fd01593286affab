/* SPDX-License-Identifier: MIT
 *
 * A thread of each rank that watches over a run, beside the training and without MPI: it keeps the
 * run directory's lock, and it writes where the rank is into its line of RUN/ranks. Where the rank
 * has made no progress for run.watchdog seconds it reads what the others say, and if the job stands
 * still it tells the observer, who ends the process: a collective that somebody does not reach
 * would wait for ever. So it does, sooner, if the rank before it is lost (dist/keepalive.h). Only
 * monotonic clocks of one machine are compared with each other.
 */
#ifndef OIKOS_RUN_WATCHDOG_H
#define OIKOS_RUN_WATCHDOG_H

#include <stdatomic.h>

#include "dist/team.h"
#include "oikos/trainer.h"
#include "run/stall.h"
#include "store/lock.h"

typedef struct oikos_watchdog oikos_watchdog;

/** What this rank is at, for the watching thread to see. */
typedef struct oikos_rank_progress {
  atomic_llong step;
  atomic_int phase;  /* oikos_phase */
  oikos_pulse pulse; /* beats are progress */
} oikos_rank_progress;

/** This rank is now in @p phase of a step. */
static inline void oikos_rank_progress_set(oikos_rank_progress *w, int64_t step,
                                           oikos_phase phase) {
  atomic_store_explicit(&w->step, step, memory_order_relaxed);
  atomic_store_explicit(&w->phase, phase, memory_order_relaxed);
  oikos_pulse_beat(&w->pulse);
}

/**
 * Begin to watch. Collective.
 * @param run    the run directory; must outlive the watchdog, as must @p progress
 * @param lock   of the run directory, on rank 0: kept alive by this thread and released at the end
 * @param config  run.watchdog, run.keepalive and run.interface
 */
oikos_status oikos_watchdog_create(const oikos_team *team, const char *run,
                                   const oikos_config *config, oikos_lock *lock,
                                   const oikos_rank_progress *progress,
                                   const oikos_observer *observer, oikos_watchdog **watchdog,
                                   oikos_error *err);

/** Release the lock, since no more is written. NULL does nothing. Not collective. */
void oikos_watchdog_unlock(oikos_watchdog *watchdog);

/** End the thread, remove RUN/ranks, release the lock. NULL does nothing. Not collective. */
void oikos_watchdog_destroy(oikos_watchdog *watchdog);

#endif
