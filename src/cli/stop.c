/* SPDX-License-Identifier: MIT */
#include "cli/stop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
  GRACE = 500,          /* ms for the program to stop by itself; */
  GRACE_OF_MANY = 1200, /* of several ranks: longer than launchers take from SIGTERM to SIGKILL when
                           another rank has ended, and said why */
  LATER = 400, /* ms more, for other ranks than the first, and for one that has said how it ended */
  ROLL = 8000, /* ms for the first barrier, which takes far below one; */
  ROLL_LATER = 2000 /* more for others than rank 0, which most often has the same to say */
};

static sigset_t signals(void) {
  static const int all[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
  sigset_t set;
  struct sigaction hangup;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    sigaddset(&set, all[i]);
  if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN)
    sigdelset(&set, SIGHUP); // nohup
  return set;
}

static const char *name_of(int signal) {
  return signal == SIGTERM   ? "SIGTERM"
         : signal == SIGINT  ? "SIGINT"
         : signal == SIGUSR1 ? "SIGUSR1"
                             : "SIGHUP";
}

/* The parent of a process; 0 if that cannot be told. */
static long parent_of(long pid) {
  char path[64], text[512];
  long parent = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0)
    close(file);
  text[n > 0 ? n : 0] = 0;
  const char *behind = strrchr(text, ')'); // the name may hold anything
  return behind && sscanf(behind, ") %*c %ld", &parent) == 1 ? parent : 0;
}

/* Whether all ranks have the signal: from the launcher or the scheduler, which is above this
 * process or above the script that started it (jobs/rank), or from a terminal. */
static bool is_everybodys(const siginfo_t *info) {
  if (info->si_code > 0)
    return true; // the kernel's own
  long above = getppid();
  return info->si_pid == above || info->si_pid == parent_of(above);
}

/* A file, or a folder that holds files alone. */
static void remove_left(const char *path) {
  const struct dirent *entry;
  if (!path || unlink(path) == 0)
    return;
  DIR *folder = opendir(path);
  while (folder && (entry = readdir(folder)) != NULL)
    unlinkat(dirfd(folder), entry->d_name, 0);
  if (folder)
    closedir(folder);
  rmdir(path);
}

/* End the process; MPI_Finalize would wait. */
static void end_process(oikos_stop *stop, const char *text, int status) {
  char line[1400], host[64] = "", who[112] = "";
  int rank = atomic_load(&stop->rank);
  if (rank > 0) {
    gethostname(host, sizeof host - 1);
    snprintf(who, sizeof who, "rank %d on %s: ", rank, host);
  }
  int n = text ? snprintf(line, sizeof line, "oikos: %s%s\n", who, text) : 0;
  n = n < (int)sizeof line ? n : (int)sizeof line - 1;
  if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
    status = status ? status : OIKOS_ERROR; // nobody hears it
  remove_left(atomic_load(&stop->pulse.left));
  _exit(status);
}

/* Take over from the program, if it is in a state. */
static bool take(oikos_stop *stop, oikos_stop_state from) {
  int expected = (int)from;
  return atomic_compare_exchange_strong(&stop->state, &expected, OIKOS_STOP_TAKEN);
}

/* The program did not stop by itself. */
static void end_it(oikos_stop *stop, bool speaks) {
  char text[1100];
  const char *words = atomic_load(&stop->words);
  if (!take(stop, OIKOS_STOP_SOON))
    return;
  snprintf(text, sizeof text, "stopped on request (%s)%s", name_of(atomic_load(&stop->asked)),
           words ? words : "; run it again to have it done");
  end_process(stop, speaks ? text : NULL, OIKOS_STOPPED);
}

/* A second SIGINT: whatever is going on. */
static void end_at_once(oikos_stop *stop) {
  int state = atomic_exchange(&stop->state, OIKOS_STOP_TAKEN);
  end_process(stop,
              state == OIKOS_STOP_SETTLED || atomic_load(&stop->rank) > 0
                  ? NULL
                  : "ended at once on a second SIGINT; checkpoints that were written are whole",
              OIKOS_ERROR);
}

/* Milliseconds since some time. */
static long long clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1000LL * t.tv_sec + t.tv_nsec / 1000000;
}

/* A request as its rank has it. */
typedef struct request {
  int state;       /* of the program, when it was last looked at; */
  long long since; /* since when, or since the request */
  int interrupts;
  bool everybodys, repeated; /* sent to all ranks; sent more than once */
} request;

/* Keep a signal. */
static void keep_signal(oikos_stop *stop, request *r, const siginfo_t *info) {
  int none = 0;
  r->interrupts += info->si_signo == SIGINT;
  if (!atomic_compare_exchange_strong(&stop->asked, &none, info->si_signo)) {
    r->repeated = true;
    return;
  }
  r->state = -1;
  r->everybodys = is_everybodys(info);
}

/* What has to be done by now about a request that was made. */
static void look(oikos_stop *stop, request *r) {
  int state = atomic_load(&stop->state);
  r->since = state == r->state ? r->since : clock_now();
  r->state = state;
  long long waited = clock_now() - r->since;
  int rank = atomic_load(&stop->rank);
  long long grace = atomic_load(&stop->ranks) > 1 ? GRACE_OF_MANY : GRACE;
  bool speaks = rank == 0 || !(r->everybodys || r->repeated); // else another one does
  if (r->interrupts > 1)
    end_at_once(stop);
  if (waited >= grace + (rank > 0 ? LATER : 0))
    end_it(stop, speaks);
  if (waited >= grace + LATER && take(stop, OIKOS_STOP_SETTLED))
    end_process(stop, NULL, atomic_load(&stop->status));
}

/* A fabric over which nothing comes, of which MPI says nothing. True while that is to be watched.
 */
static bool watch_roll(oikos_stop *stop) {
  char text[512];
  long long called = atomic_load(&stop->called);
  int rank = atomic_load(&stop->rank);
  if (called <= 0 || clock_now() - called < ROLL + (rank > 0 ? ROLL_LATER : 0))
    return called >= 0;
  snprintf(text, sizeof text,
           "the ranks do not reach each other: %d s after MPI began not all had answered; see that "
           "each node's /dev/shm has room, and that MPI takes a network that joins all nodes (Open "
           "MPI: --mca btl_tcp_if_include, MPICH: MPIR_CVAR_NETWORK_IFACE)",
           ROLL / 1000);
  if (take(stop, OIKOS_STOP_SOON))
    end_process(stop, text, OIKOS_STUCK);
  return false;
}

static void *wait_for_signals(void *arg) {
  oikos_stop *stop = arg;
  const sigset_t set = signals();
  const struct timespec tick = {.tv_nsec = 50000000};
  request r = {0};
  for (;;) {
    siginfo_t info;
    bool ticks = watch_roll(stop) || oikos_stop_asked(stop);
    if ((ticks ? sigtimedwait(&set, &info, &tick) : sigwaitinfo(&set, &info)) > 0)
      keep_signal(stop, &r, &info);
    if (oikos_stop_asked(stop))
      look(stop, &r);
  }
  return NULL;
}

void oikos_stop_call(oikos_stop *stop) {
  atomic_store(&stop->called, clock_now());
}

void oikos_stop_answered(oikos_stop *stop) {
  atomic_store(&stop->called, -1);
}

bool oikos_stop_begin(oikos_stop *stop, int rank) {
  const sigset_t set = signals();
  *stop = (oikos_stop){.pulse = {.stop = oikos_stop_asked, .user = stop}, .rank = rank, .ranks = 2};
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return pthread_create(&stop->thread, NULL, wait_for_signals, stop) == 0 &&
         pthread_detach(stop->thread) == 0;
}
