/* SPDX-License-Identifier: MIT */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"

enum { WORD = 128, LINE = 768, PATH = 4096 };

/* Who holds a lock. A process is told from a later one of the same number by when it started. */
typedef struct owner {
  char host[WORD], user[WORD], job[WORD];
  char boot[WORD]; /* the running kernel: the machine, until it is started again */
  long pid;
  unsigned long long space; /* the process numbers' namespace */
  unsigned long long start; /* of the process, in clock ticks since the kernel's */
  unsigned long long beat;
  unsigned long long mark; /* drawn at random; 0 in locks of version 0.1.0 */
} owner;

struct oikos_lock {
  char path[PATH];
  int file;
  owner me;
};

typedef enum { DEAD, ALIVE, CHANGED, ASKED } lock_verdict; /* ASKED: to stop, by a signal */

/* The first word of a small file; "-" if there is none. */
static void read_word(const char *path, char word[WORD]) {
  FILE *in = fopen(path, "r");
  if (!in || fscanf(in, "%127s", word) != 1)
    snprintf(word, WORD, "-");
  if (in)
    fclose(in);
}

/* When a process of this machine started; 0 if there is none, if it is hidden (/proc can be mounted
 * so), or if its parent has yet to take note of its end, which `ended` tells. */
static unsigned long long started(long pid, bool *ended) {
  char path[64], text[1024];
  unsigned long long start = 0;
  char state = 0;
  *ended = kill((pid_t)pid, 0) != 0 && errno == ESRCH;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *in = fopen(path, "r");
  if (!in)
    return 0;
  size_t n = fread(text, 1, sizeof text - 1, in);
  fclose(in);
  text[n] = 0;
  const char *behind = strrchr(text, ')'); // the name may hold anything
  if (behind)
    sscanf(behind,
           ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
           &state, &start);
  *ended |= state == 'Z' || state == 'X';
  return *ended ? 0 : start;
}

static const char *job_number(void) {
  static const char *const names[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (getenv(names[i]))
      return getenv(names[i]);
  return "";
}

/* A name as one word, so that the line can be read back: of directories and sites it may be empty
 * or hold blanks. */
static void put_word(char word[WORD], const char *name) {
  snprintf(word, WORD, "%.100s", *name ? name : "-");
  for (char *c = word; *c; c++)
    if ((unsigned char)*c <= ' ' || *c == 127)
      *c = '_';
}

static owner owner_here(void) {
  owner me = {.pid = (long)getpid()};
  char host[256] = "", number[32];
  bool ended;
  struct stat info;
  const struct passwd *who = getpwuid(getuid());
  snprintf(number, sizeof number, "%ld", (long)getuid());
  if (gethostname(host, sizeof host - 1) != 0)
    host[0] = 0;
  put_word(me.host, host);
  put_word(me.user, who && who->pw_name[0] ? who->pw_name : number);
  put_word(me.job, job_number());
  read_word("/proc/sys/kernel/random/boot_id", me.boot);
  if (stat("/proc/self/ns/pid", &info) == 0)
    me.space = (unsigned long long)info.st_ino;
  me.start = started(me.pid, &ended);
  if (getrandom(&me.mark, sizeof me.mark, 0) != (ssize_t)sizeof me.mark)
    me.mark = (unsigned long long)me.pid;
  return me;
}

/* What a lock file holds, as a text (LINE + 1). */
static void read_line(int file, char *line) {
  ssize_t n = pread(file, line, LINE, 0);
  line[n > 0 ? n : 0] = 0;
}

/* What it says: false, and an empty owner, if it is nothing that was written here. */
static bool parse_owner(const char *line, owner *o) {
  *o = (owner){0};
  if (sscanf(line,
             "host %127s pid %ld user %127s job %127s boot %127s space %llu start %llu beat %llu "
             "mark %llu",
             o->host, &o->pid, o->user, o->job, o->boot, &o->space, &o->start, &o->beat,
             &o->mark) >= 8)
    return true;
  *o = (owner){0};
  return false;
}

static bool read_owner(int file, owner *o) {
  char line[LINE + 1];
  read_line(file, line);
  return parse_owner(line, o);
}

static bool write_owner(int file, const owner *o) {
  char line[LINE];
  memset(line, ' ', sizeof line);
  int n = snprintf(line, sizeof line,
                   "host %s pid %ld user %s job %s boot %s space %llu start %llu beat %llu mark "
                   "%llu",
                   o->host, o->pid, o->user, o->job, o->boot, o->space, o->start, o->beat, o->mark);
  line[n] = ' ';
  line[LINE - 1] = '\n';
  return pwrite(file, line, sizeof line, 0) == (ssize_t)sizeof line;
}

static bool same_owner(const owner *a, const owner *b) {
  return a->pid == b->pid && a->start == b->start && a->space == b->space && a->mark == b->mark &&
         strcmp(a->boot, b->boot) == 0;
}

/* One at a time, where the file system can: waits while another one looks whether the owner lives.
 * Ends with the file's closing. False if this one was asked to stop. */
static bool guard(int file, oikos_pulse *pulse) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  double begin = oikos_wall_clock();
  while (fcntl(file, F_OFD_SETLK, &all) != 0 && (errno == EAGAIN || errno == EACCES) &&
         oikos_wall_clock() - begin < 2 * OIKOS_LOCK_WATCH) {
    if (oikos_pulse_stopped(pulse))
      return false;
    usleep(50000);
  }
  return true;
}

/* Whether the path still names this open file: 1, 0, or -1 if the file system does not say. */
static int is_at(int file, const char *path) {
  struct stat open_one, named;
  if (lstat(path, &named) != 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  if (fstat(file, &open_one) != 0)
    return errno == ESTALE ? 0 : -1;
  return open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* Look at an owner that cannot be asked for long enough to see it beat. */
static lock_verdict watch(const char *path, const char *line, oikos_pulse *pulse) {
  char now[LINE + 1];
  owner was, is;
  bool known = parse_owner(line, &was);
  double begin = oikos_wall_clock();
  while (oikos_wall_clock() - begin < OIKOS_LOCK_WATCH) {
    oikos_pulse_beat(pulse);
    if (oikos_pulse_stopped(pulse))
      return ASKED;
    usleep(200000);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); // anew: network file
    if (file < 0) // systems look again then
      return CHANGED;
    read_line(file, now);
    close(file);
    if (parse_owner(now, &is) && !(known && same_owner(&was, &is)))
      return CHANGED;
    if (now[0] && strcmp(line, now) != 0)
      return ALIVE; // it counted on, or is of a version whose lines mean nothing to this one
  }
  return DEAD;
}

/* Whether an owner lives by its process, where that is to be seen; ASKED: it is not. */
static lock_verdict look(const owner *o, const owner *me) {
  bool ended;
  if (strcmp(o->boot, "-") == 0 || strcmp(o->boot, me->boot) != 0 || o->space == 0 ||
      o->space != me->space || o->pid <= 0)
    return ASKED;
  unsigned long long start = started(o->pid, &ended);
  if (ended || (start && o->start && start != o->start))
    return DEAD;
  return start && o->start ? ALIVE : ASKED;
}

static lock_verdict judge(const char *path, const char *line, const owner *me, oikos_pulse *pulse,
                          void (*say)(void *user, const char *text), void *user) {
  char text[PATH + 512];
  owner o;
  bool known = parse_owner(line, &o);
  lock_verdict v = known ? look(&o, me) : ASKED;
  if (v != ASKED)
    return v;
  snprintf(text, sizeof text, "%s is held by process %ld on %s: looking for %d s whether it lives",
           path, o.pid, known ? o.host : "an unknown machine", OIKOS_LOCK_WATCH);
  if (say)
    say(user, text);
  return watch(path, line, pulse);
}

static oikos_status refuse(const char *folder, const owner *o, oikos_error *err) {
  bool known = o->host[0], job = known && strcmp(o->job, "-") != 0;
  return oikos_fail(err, OIKOS_BUSY,
                    "%s is in use by process %ld on %s (user %s%s%s): wait until it ends, or "
                    "choose another --out",
                    folder, o->pid, known ? o->host : "an unknown machine",
                    known ? o->user : "unknown", job ? ", job " : "", job ? o->job : "");
}

/* Open the lock file, or make it. A link is none of ours, wherever it leads. */
static int open_lock(const char *path, bool *made) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  struct stat info;
  *made = file >= 0;
  if (file >= 0 || errno != EEXIST)
    return file;
  file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file >= 0 && (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))) {
    close(file);
    errno = EINVAL;
    return -1;
  }
  return file;
}

static oikos_status refuse_file(const char *path, oikos_error *err) {
  int why = errno;
  bool foreign = why == ELOOP || why == EINVAL || why == EISDIR || why == ENXIO;
  return oikos_fail(err, OIKOS_USAGE, "%s cannot be made: %s%s", path,
                    foreign ? "there is something that is no file" : strerror(why),
                    foreign ? "; remove it" : "");
}

/* One attempt with the file open and guarded; CHANGED: try again. */
static lock_verdict attempt(oikos_lock *lock, bool made, oikos_pulse *pulse, owner *found,
                            void (*say)(void *user, const char *text), void *user) {
  char text[PATH + 512], line[LINE + 1];
  if (made)
    return DEAD;
  read_line(lock->file, line);
  bool known = parse_owner(line, found);
  lock_verdict v = judge(lock->path, line, &lock->me, pulse, say, user);
  if (v != DEAD)
    return v;
  if (is_at(lock->file, lock->path) != 1)
    return CHANGED;
  if (say) {
    snprintf(text, sizeof text, "%s was left by process %ld on %s, which is gone: taking it over",
             lock->path, found->pid, known ? found->host : "an unknown machine");
    say(user, text);
  }
  return DEAD;
}

/* The same from opening the file on. */
static lock_verdict open_and_attempt(oikos_lock *lock, oikos_pulse *pulse, owner *found,
                                     void (*say)(void *user, const char *text), void *user) {
  bool made;
  lock->file = open_lock(lock->path, &made);
  if (lock->file < 0)
    return errno == ENOENT ? CHANGED : DEAD; // released between the two attempts to open it
  return guard(lock->file, pulse) ? attempt(lock, made, pulse, found, say, user) : ASKED;
}

static oikos_status take(oikos_lock *lock, const char *folder, oikos_pulse *pulse,
                         void (*say)(void *user, const char *text), void *user, oikos_error *err) {
  enum { TRIES = 200 }; // of owners that come and go
  lock_verdict v = CHANGED;
  owner found = {0};
  for (int k = 0; v == CHANGED; k++) {
    v = open_and_attempt(lock, pulse, &found, say, user);
    if (v == ASKED)
      return oikos_pulse_check(pulse, err);
    if (lock->file < 0 && (v == DEAD || k == TRIES))
      return refuse_file(lock->path, err);
    if (v == CHANGED && k == TRIES)
      v = ALIVE;
    if (v == CHANGED) {
      if (lock->file >= 0)
        close(lock->file);
      usleep(k < TRIES / 2 ? 0 : 20000);
    }
  }
  if (v == ALIVE)
    return refuse(folder, &found, err);
  if (!write_owner(lock->file, &lock->me)) {
    oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", lock->path, strerror(errno));
    unlink(lock->path); // it would name nobody
    return OIKOS_ERROR;
  }
  struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(lock->file, F_OFD_SETLK, &all);
  return OIKOS_OK;
}

oikos_status oikos_lock_take(const char *folder, oikos_pulse *pulse,
                             void (*say)(void *user, const char *text), void *user,
                             oikos_lock **lock, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(lock, 1, sizeof **lock, "the lock", err));
  (*lock)->me = owner_here();
  (*lock)->file = -1;
  snprintf((*lock)->path, sizeof(*lock)->path, "%s/lock", folder);
  oikos_status status = take(*lock, folder, pulse, say, user, err);
  if (status == OIKOS_OK)
    return OIKOS_OK;
  if ((*lock)->file >= 0)
    close((*lock)->file);
  free(*lock);
  *lock = NULL;
  return status;
}

bool oikos_lock_beat(oikos_lock *lock) {
  owner now;
  int there = is_at(lock->file, lock->path);
  if (there == 0 || (read_owner(lock->file, &now) && !same_owner(&now, &lock->me)))
    return false;
  lock->me.beat++;
  if (there == 1)
    write_owner(lock->file, &lock->me); // a full disk or a file server that is away for a while is
  return true;                          // no reason to end
}

void oikos_lock_release(oikos_lock *lock) {
  owner now;
  if (!lock)
    return;
  if (is_at(lock->file, lock->path) == 1 && read_owner(lock->file, &now) &&
      same_owner(&now, &lock->me))
    unlink(lock->path);
  close(lock->file);
  free(lock);
}
