/* SPDX-License-Identifier: MIT
 *
 * A thread of each rank that watches over a run, beside the training and without MPI: it keeps the
 * run directory's lock, and it writes where the rank is into its line of RUN/ranks. Where the rank
 * has made no progress for run.watchdog seconds it reads what the others say, and if the job stands
 * still it tells the observer, who ends the process: a collective that somebody does not reach
 * would wait for ever. So it does, sooner, if the rank before it is lost (dist/keepalive.h). Only
 * monotonic clocks of one machine are compared with each other.
 */
#ifndef OIKOS_RUN_WATCH_H
#define OIKOS_RUN_WATCH_H

#include <stdatomic.h>

#include "dist/team.h"
#include "oikos/trainer.h"
#include "run/stall.h"
#include "store/lock.h"

typedef struct oikos_watch oikos_watch;

/** Where this rank is, for the watching thread to see. */
typedef struct oikos_whereabouts {
  atomic_llong step;
  atomic_int place;  /* oikos_place */
  oikos_pulse pulse; /* beats are progress */
} oikos_whereabouts;

/** This rank is now at @p place of a step. */
static inline void oikos_mark(oikos_whereabouts *w, int64_t step, oikos_place place) {
  atomic_store_explicit(&w->step, step, memory_order_relaxed);
  atomic_store_explicit(&w->place, place, memory_order_relaxed);
  oikos_pulse_beat(&w->pulse);
}

/**
 * Begin to watch. Collective.
 * @param run    the run directory; must outlive the watch, as must @p where
 * @param lock   of the run directory, on rank 0: kept alive by this thread and released at the end
 * @param config  run.watchdog, run.keepalive and run.interface
 */
oikos_status oikos_watch_create(const oikos_team *team, const char *run, const oikos_config *config,
                                oikos_lock *lock, const oikos_whereabouts *where,
                                const oikos_observer *observer, oikos_watch **watch,
                                oikos_error *err);

/** Release the lock, since no more is written. NULL does nothing. Not collective. */
void oikos_watch_unlock(oikos_watch *watch);

/** End the thread, remove RUN/ranks, release the lock. NULL does nothing. Not collective. */
void oikos_watch_destroy(oikos_watch *watch);

#endif
