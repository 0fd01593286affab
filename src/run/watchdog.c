/* SPDX-License-Identifier: MIT */
#include "run/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "dist/keepalive.h"
#include "store/sync.h"

enum {
  LINE = 192,
  MOST_PAUSE = 30, /* s between two lines; */
  MOST_NAP = 2,    /* between two looks at the rank before */
  PATIENCE = 2     /* for another's message to end the job */
};

/* What another rank's line said when it was last looked at. */
typedef struct neighbour {
  long long beat;
  double heard; /* when the beat was seen to rise */
} neighbour;

struct oikos_watchdog {
  char path[OIKOS_PATH + 16]; /* RUN/ranks */
  char host[64];
  int rank, size;
  double limit, pause;    /* seconds: run.watchdog; between two lines */
  double nap;             /* of the thread */
  double keepalive_limit; /* run.keepalive */
  oikos_lock *lock;
  oikos_keepalive *keepalive; /* NULL: alone, or nobody watches */
  const oikos_rank_progress *progress;
  oikos_observer observer;

  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t end;
  bool runs, ending;

  bool doubts;       /* whether the rank before is there, */
  long long doubted; /* since this step */
  long long beats, beat;
  double woke, since, wrote, locked, looked; /* when progress was made, the line and the lock
                                          written, the others last looked at */
  neighbour *neighbours;                     /* (size) */
  oikos_rank_seen *seen;                     /* (size) */
  char *text;                                /* (size, LINE) */
  oikos_arena memory;
};

/* Write this rank's line over the last one. A failure shows to the others as silence. */
static bool write_line(oikos_watchdog *w, double now) {
  char line[LINE];
  int phase = atomic_load(&w->progress->phase);
  memset(line, ' ', sizeof line);
  int n = snprintf(line, sizeof line,
                   "rank %d host %s pid %ld step %lld phase %d progress %lld still %.1f beat "
                   "%lld: %s",
                   w->rank, w->host, (long)getpid(), atomic_load(&w->progress->step), phase,
                   w->beats, now - w->since, ++w->beat, oikos_phase_name(phase));
  line[n < LINE ? n : LINE - 1] = ' ';
  line[LINE - 1] = '\n';
  w->wrote = now;
  int file = open(w->path, O_WRONLY | O_CLOEXEC);
  bool good =
      file >= 0 && pwrite(file, line, sizeof line, (off_t)w->rank * LINE) == (ssize_t)sizeof line;
  if (file >= 0)
    close(file);
  return good;
}

/* A rank by its line; one that cannot be read has not said anything yet. */
static void parse_line(const char *line, oikos_rank_seen *r, long long *beat) {
  char copy[LINE];
  long long step = 0;
  memcpy(copy, line, LINE - 1);
  copy[LINE - 1] = 0;
  *r = (oikos_rank_seen){.host = "an unknown host"};
  *beat = 0;
  if (sscanf(copy, "rank %*d host %63s pid %ld step %lld phase %d progress %*d still %lf beat %lld",
             r->host, &r->pid, &step, &r->phase, &r->still, beat) != 6)
    return;
  r->step = step;
}

/* What the others say of themselves, into seen. False if that cannot be read. */
static bool look(oikos_watchdog *w, double now) {
  size_t bytes = (size_t)w->size * LINE;
  int file = open(w->path, O_RDONLY | O_CLOEXEC);
  bool read = file >= 0 && pread(file, w->text, bytes, 0) == (ssize_t)bytes,
       first = w->looked < w->since;
  if (file >= 0)
    close(file);
  for (int r = 0; read && r < w->size; r++) {
    long long beat;
    parse_line(w->text + (size_t)r * LINE, &w->seen[r], &beat);
    if (first || beat != w->neighbours[r].beat)
      w->neighbours[r] = (neighbour){beat, now};
    w->seen[r].silent = now - w->neighbours[r].heard;
  }
  w->looked = now;
  return read;
}

/* Whether it is for this rank to speak: the first one that can does so at once. */
static bool my_turn(const oikos_watchdog *w, double still, double patience) {
  for (int r = 0; r < w->rank; r++)
    if (w->seen[r].silent < patience)
      return still >= w->limit + 3 * w->pause + PATIENCE;
  return true;
}

/* The observer ends the process. */
static void tell(oikos_watchdog *w, const char *text) {
  w->ending = true;
  if (w->observer.stuck)
    w->observer.stuck(w->observer.user, text);
}

/* The same of a text in `size` bytes, with what the user can do. */
static void tell_loss(oikos_watchdog *w, char *text, size_t size) {
  size_t n = strlen(text);
  snprintf(
      text + n, size - n,
      "; continue with --resume from the last checkpoint, without that host if it is at fault");
  tell(w, text);
}

/* Look around after half the time, so that by the end of it the silent ones are known. */
static void look_around(oikos_watchdog *w, double now) {
  char text[OIKOS_PATH + 1024];
  double still = now - w->since, patience = 0.4 * w->limit;
  if (still < w->limit / 2 || !look(w, now) || still < w->limit || !my_turn(w, still, patience) ||
      !oikos_stalled(w->seen, w->size, w->limit, patience, text, sizeof text))
    return;
  tell_loss(w, text, sizeof text);
}

/* Whether the rank before is there. Where steps are made it is, whatever its connection says: the
 * job computes over another network than that, which is not looked at any more. */
static void ask(oikos_watchdog *w, double now) {
  char text[512];
  long long step = atomic_load(&w->progress->step);
  if (!oikos_keepalive_lost(w->keepalive, now, text, sizeof text))
    return;
  if (!w->doubts) {
    w->doubts = true;
    w->doubted = step;
  }
  if (step > w->doubted + 1) {
    oikos_keepalive_destroy(w->keepalive);
    w->keepalive = NULL;
  } else if (now - w->since >= w->keepalive_limit) {
    tell_loss(w, text, sizeof text);
  }
}

static void beat(oikos_watchdog *w) {
  double now = oikos_wall_clock();
  long long beats = atomic_load_explicit(&w->progress->pulse.beats, memory_order_relaxed);
  if (beats != w->beats || now - w->woke > 2 * w->nap + 1) {
    // or this thread slept with the whole process: suspended by a scheduler, on a machine asleep
    w->beats = beats;
    w->since = now;
  }
  w->woke = now;
  if (w->lock && now - w->locked >= OIKOS_LOCK_BEAT) {
    w->locked = now;
    if (!oikos_lock_beat(w->lock))
      tell(w, "the run directory was taken over by another job while this one stood still for "
              "longer than a dead one: it ends, and the other goes on");
  }
  if (w->keepalive && !w->ending)
    ask(w, now);
  if (w->limit > 0 && !w->ending) {
    if (now - w->wrote >= w->pause)
      write_line(w, now);
    look_around(w, now);
  }
}

static void *watchdog(void *arg) {
  oikos_watchdog *w = arg;
  pthread_mutex_lock(&w->mutex);
  while (!w->ending) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    double moment = (double)until.tv_sec + 1e-9 * (double)until.tv_nsec + w->nap;
    until.tv_sec = (time_t)moment;
    until.tv_nsec = (long)(1e9 * (moment - (double)until.tv_sec));
    pthread_cond_timedwait(&w->end, &w->mutex, &until);
    if (!w->ending)
      beat(w);
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

/* A file of a line for each rank; every rank then fills its own. */
static oikos_status make_file(const oikos_watchdog *w, oikos_error *err) {
  int file = open(w->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int failure = file < 0 ? errno : oikos_take_space(file, (off_t)w->size * LINE);
  if (file >= 0)
    close(file);
  return failure ? oikos_fail(err, OIKOS_ERROR, "%s cannot be made: %s", w->path, strerror(failure))
                 : OIKOS_OK;
}

static oikos_status start_thread(oikos_watchdog *w, oikos_error *err) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&w->end, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&w->mutex, NULL);
  int failure = pthread_create(&w->thread, NULL, watchdog, w);
  w->runs = failure == 0;
  return failure ? oikos_fail(err, OIKOS_ERROR, "the watching thread cannot be started: %s",
                              strerror(failure))
                 : OIKOS_OK;
}

static oikos_status begin(oikos_watchdog *w, oikos_error *err) {
  w->woke = w->since = w->locked = oikos_wall_clock();
  w->wrote = w->looked = -1;
  w->pause = w->limit / 8 < MOST_PAUSE ? w->limit / 8 : MOST_PAUSE;
  w->nap = w->keepalive ? MOST_NAP : OIKOS_LOCK_BEAT;
  w->nap = w->limit > 0 && w->pause < w->nap ? w->pause : w->nap;
  if (gethostname(w->host, sizeof w->host - 1) != 0 || !w->host[0])
    snprintf(w->host, sizeof w->host, "-");
  if (w->limit > 0) {
    size_t n = (size_t)w->size;
    OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->neighbours, n, sizeof *w->neighbours, err));
    OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->seen, n, sizeof *w->seen, err));
    OIKOS_TRY(oikos_arena_alloc(&w->memory, &w->text, oikos_mul(n, LINE), 1, err));
    if (!write_line(w, w->since))
      return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", w->path, strerror(errno));
  }
  return w->lock || w->limit > 0 || w->keepalive ? start_thread(w, err) : OIKOS_OK;
}

oikos_status oikos_watchdog_create(const oikos_team *team, const char *run,
                                   const oikos_config *config, oikos_lock *lock,
                                   const oikos_rank_progress *progress,
                                   const oikos_observer *observer, oikos_watchdog **watchdog,
                                   oikos_error *err) {
  double limit = config->run.watchdog, keepalive = config->run.keepalive;
  oikos_status status = oikos_alloc(watchdog, 1, sizeof **watchdog, "the watchdog", err);
  if (status != OIKOS_OK)
    oikos_lock_release(lock);
  else
    **watchdog = (oikos_watchdog){.rank = team->rank,
                                  .size = team->size,
                                  .limit = limit,
                                  .keepalive_limit = keepalive,
                                  .lock = lock,
                                  .progress = progress,
                                  .observer = *observer,
                                  .memory.what = "the watchdog"};
  if (status == OIKOS_OK)
    snprintf((*watchdog)->path, sizeof(*watchdog)->path, "%s/ranks", run);
  if (status == OIKOS_OK && team->rank == 0 && limit > 0)
    status = make_file(*watchdog, err);
  OIKOS_TRY(oikos_agree(team, status, err));
  if (keepalive > 0 && team->size > 1)
    OIKOS_TRY(oikos_keepalive_create(team, keepalive, config->run.interface,
                                     &(*watchdog)->keepalive, err));
  return oikos_agree(team, begin(*watchdog, err), err);
}

void oikos_watchdog_unlock(oikos_watchdog *w) {
  if (!w || !w->lock)
    return;
  pthread_mutex_lock(&w->mutex);
  oikos_lock_release(w->lock);
  w->lock = NULL;
  pthread_mutex_unlock(&w->mutex);
}

void oikos_watchdog_destroy(oikos_watchdog *w) {
  if (!w)
    return;
  if (w->runs) {
    pthread_mutex_lock(&w->mutex);
    w->ending = true;
    pthread_cond_signal(&w->end);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->end);
    pthread_mutex_destroy(&w->mutex);
  }
  if (w->rank == 0 && w->limit > 0)
    unlink(w->path);
  oikos_keepalive_destroy(w->keepalive);
  oikos_lock_release(w->lock);
  oikos_arena_free(&w->memory);
  free(w);
}
