/* SPDX-License-Identifier: MIT
 *
 * What long work says of itself while it goes on: that something got done, for whoever watches it,
 * and whether it was asked to stop. Every loop over blocks that are read, hashed, written or parsed
 * takes a pulse, so that no wait is deaf or looks dead.
 */
#ifndef OIKOS_BASE_PULSE_H
#define OIKOS_BASE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "oikos/error.h"

typedef struct oikos_pulse {
  atomic_llong beats;       /* raised by whatever gets done */
  bool (*stop)(void *user); /* whether to stop; from any thread. NULL: what goes on goes on to its
                               end */
  void *user;
  _Atomic(const char *) left; /* a file or a folder of files that is to go with a process that is
                                 ended before it could stop; NULL: none */
} oikos_pulse;

/** Something got done: a block was read, hashed or written. From any thread; NULL does nothing. */
static inline void oikos_pulse_beat(oikos_pulse *p) {
  if (p)
    atomic_fetch_add_explicit(&p->beats, 1, memory_order_relaxed);
}

/** Whether somebody asked to stop. NULL: nobody did. */
static inline bool oikos_pulse_stopped(const oikos_pulse *p) {
  return p && p->stop && p->stop(p->user);
}

/** Name what is to go, or NULL; the text stays the caller's. */
static inline void oikos_pulse_set_leftover(oikos_pulse *p, const char *path) {
  if (p)
    atomic_store(&p->left, path);
}

/**
 * Both, after each block. Not collective: the other ranks learn of it when they agree next, and no
 * collective call may be left out until then.
 * @return OIKOS_STOPPED if somebody asked to stop
 */
oikos_status oikos_pulse_check(oikos_pulse *p, oikos_error *err);

#endif
