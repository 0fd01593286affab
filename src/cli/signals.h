/* SPDX-License-Identifier: MIT
 * The signals that ask a job to stop: they are kept waiting until the program looks for them. */
#ifndef OIKOS_CLI_SIGNALS_H
#define OIKOS_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static inline sigset_t oikos_stop_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGINT);
  return set;
}

/** Keep them waiting, or let them act. The launcher blocks them before MPI_Init: its threads
 * inherit it. */
static inline void oikos_signals_wait(bool wait) {
  sigset_t set = oikos_stop_signals();
  sigprocmask(wait ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/** Whether one of them has come. A system call. */
static inline bool oikos_signals_pending(void) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGUSR1) ||
         sigismember(&pending, SIGINT);
}

#endif
