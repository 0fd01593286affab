/* SPDX-License-Identifier: MIT
 *
 * The lock of a run directory: FOLDER/lock, one line that says who works there, with a count that
 * its owner raises every few seconds. Who finds a lock tells a living owner from a dead one without
 * comparing clocks: on the same machine, while it runs, by its process; elsewhere, or where its
 * process is not to be seen, by whether the count still rises. The file is made with O_EXCL and
 * taken over in place, under an fcntl lock where the file system has those, so that of two that
 * find it stale one wins. Nothing here is collective.
 */
#ifndef OIKOS_STORE_LOCK_H
#define OIKOS_STORE_LOCK_H

#include <stdbool.h>

#include "base/pulse.h"
#include "oikos/error.h"

enum {
  OIKOS_LOCK_BEAT = 5,  /* seconds between two beats of an owner */
  OIKOS_LOCK_WATCH = 15 /* seconds without one, after which an owner elsewhere is dead */
};

typedef struct oikos_lock oikos_lock;

/**
 * Take the lock of a folder that is there.
 * @param say  told of a stale lock, and of the wait for an owner on another machine; may be NULL
 * @param pulse  ends the wait with OIKOS_STOPPED; may be NULL
 * @return OIKOS_BUSY, naming the owner, if it is alive
 */
oikos_status oikos_lock_take(const char *folder, oikos_pulse *pulse,
                             void (*say)(void *user, const char *text), void *user,
                             oikos_lock **lock, oikos_error *err);

/** Say that the owner is alive: every OIKOS_LOCK_BEAT seconds, from any one thread. @return false
 * if the lock has become somebody else's: this process did not beat for too long */
bool oikos_lock_beat(oikos_lock *lock);

/** Remove the file, if it is still this one's; NULL does nothing. */
void oikos_lock_release(oikos_lock *lock);

#endif
