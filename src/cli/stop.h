/* SPDX-License-Identifier: MIT
 *
 * The signals that ask a job to stop (SIGTERM, SIGINT, SIGUSR1, SIGHUP), from before MPI is up to
 * the end of the process. They are blocked in all threads but one, which waits for them: it hands
 * the request on, and ends the process itself where the program does not come to look for it, be it
 * in a read that does not return or in a collective call that somebody does not reach. Training
 * alone is waited for: it stops between two steps, with a checkpoint. The same thread ends a job
 * whose ranks do not reach each other at all.
 */
#ifndef OIKOS_CLI_STOP_H
#define OIKOS_CLI_STOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/pulse.h"

typedef enum {
  OIKOS_STOP_SOON,    /* the program stops within moments, or is stopped */
  OIKOS_STOP_PATIENT, /* it trains */
  OIKOS_STOP_SETTLED, /* it has said how it ended, and leaves */
  OIKOS_STOP_TAKEN    /* the thread ends the process: nobody else says a word */
} oikos_stop_state;

typedef struct oikos_stop {
  atomic_int state;            /* oikos_stop_state */
  atomic_int asked;            /* the first signal; 0: none yet */
  atomic_int rank;             /* of the process: 0 speaks for all */
  atomic_int ranks;            /* that there are; more than one until it is known */
  atomic_int status;           /* of the process, once it is settled */
  atomic_llong called;         /* ms of the monotonic clock when the roll was called; 0: not yet,
                                  -1: all answered */
  _Atomic(const char *) words; /* what a request means at this time; NULL: the usual */
  oikos_pulse pulse;           /* of the commands; hears the request, but in training */
  pthread_t thread;
} oikos_stop;

/** Block the signals, and start the thread that waits for them: before MPI_Init, whose threads
 * inherit the mask. False if there can be no thread. */
bool oikos_stop_begin(oikos_stop *stop, int rank);

/** The roll is called: the next thing is a barrier, which is not waited for longer than some
 * seconds. */
void oikos_stop_call(oikos_stop *stop);

/** All ranks have answered. */
void oikos_stop_answered(oikos_stop *stop);

/** Enter a state; it does not return if the thread has taken over. The calls below are inline, so
 * that library and launcher both have them. */
static inline void oikos_stop_enter(oikos_stop *stop, oikos_stop_state next) {
  int now = atomic_load(&stop->state);
  while (now != OIKOS_STOP_TAKEN && !atomic_compare_exchange_weak(&stop->state, &now, (int)next))
    continue;
  while (now == OIKOS_STOP_TAKEN)
    pause();
}

/** The program is about to say how it ended, and does nothing more. */
static inline void oikos_stop_set_status(oikos_stop *stop, int status) {
  atomic_store(&stop->status, status);
  oikos_stop_enter(stop, OIKOS_STOP_SETTLED);
}

/** Whether somebody asked. @param stop  an oikos_stop */
static inline bool oikos_stop_asked(void *stop) {
  return atomic_load_explicit(&((oikos_stop *)stop)->asked, memory_order_relaxed) != 0;
}

#endif
