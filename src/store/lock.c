/* SPDX-License-Identifier: MIT */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
} owner;

struct oikos_lock {
  char path[PATH];
  int file;
  owner me;
};

typedef enum { DEAD, ALIVE, CHANGED } verdict;

/* The first word of a small file; "-" if there is none. */
static void read_word(const char *path, char word[WORD]) {
  FILE *in = fopen(path, "r");
  if (!in || fscanf(in, "%127s", word) != 1)
    snprintf(word, WORD, "-");
  if (in)
    fclose(in);
}

/* When a process of this machine started; 0 if there is none, or only what its parent has yet to
 * take note of. */
static unsigned long long started(long pid) {
  char path[64], text[1024];
  unsigned long long start = 0;
  char state = 0;
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
  return state == 'Z' || state == 'X' ? 0 : start;
}

static const char *job_number(void) {
  static const char *const names[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (getenv(names[i]))
      return getenv(names[i]);
  return "-";
}

static owner owner_here(void) {
  owner me = {.pid = (long)getpid()};
  struct stat info;
  const struct passwd *who = getpwuid(getuid());
  if (gethostname(me.host, sizeof me.host - 1) != 0 || !me.host[0])
    snprintf(me.host, sizeof me.host, "-");
  if (who)
    snprintf(me.user, sizeof me.user, "%.100s", who->pw_name);
  else
    snprintf(me.user, sizeof me.user, "%ld", (long)getuid());
  snprintf(me.job, sizeof me.job, "%.100s", job_number());
  read_word("/proc/sys/kernel/random/boot_id", me.boot);
  if (stat("/proc/self/ns/pid", &info) == 0)
    me.space = (unsigned long long)info.st_ino;
  me.start = started(me.pid);
  return me;
}

/* What stands in a lock file: false, and an empty owner, if it is nothing that was written here. */
static bool read_owner(int file, owner *o) {
  char line[LINE + 1];
  ssize_t n = pread(file, line, LINE, 0);
  *o = (owner){0};
  line[n > 0 ? n : 0] = 0;
  if (sscanf(line,
             "host %127s pid %ld user %127s job %127s boot %127s space %llu start %llu beat %llu",
             o->host, &o->pid, o->user, o->job, o->boot, &o->space, &o->start, &o->beat) == 8)
    return true;
  *o = (owner){0};
  return false;
}

static bool write_owner(int file, const owner *o) {
  char line[LINE];
  memset(line, ' ', sizeof line);
  int n = snprintf(line, sizeof line,
                   "host %s pid %ld user %s job %s boot %s space %llu start %llu beat %llu",
                   o->host, o->pid, o->user, o->job, o->boot, o->space, o->start, o->beat);
  line[n] = ' ';
  line[LINE - 1] = '\n';
  return pwrite(file, line, sizeof line, 0) == (ssize_t)sizeof line;
}

static bool same_owner(const owner *a, const owner *b) {
  return a->pid == b->pid && a->start == b->start && a->space == b->space &&
         strcmp(a->boot, b->boot) == 0;
}

/* One at a time, where the file system can. Ends with the file's closing. */
static void guard(int file) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  while (fcntl(file, F_OFD_SETLKW, &all) != 0 && errno == EINTR)
    continue;
}

/* Whether the path still names this open file. */
static bool is_at(int file, const char *path) {
  struct stat open_one, named;
  return fstat(file, &open_one) == 0 && stat(path, &named) == 0 &&
         open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* Look at an owner that cannot be asked for long enough to see it beat. */
static verdict watch(const char *path, const owner *was) {
  double begin = oikos_wall_clock();
  while (oikos_wall_clock() - begin < OIKOS_LOCK_WATCH) {
    owner now;
    usleep(200000);
    int file = open(path, O_RDONLY | O_CLOEXEC); // anew: network file systems look again then
    if (file < 0)
      return CHANGED;
    read_owner(file, &now);
    close(file);
    if (!same_owner(was, &now))
      return CHANGED;
    if (was->beat != now.beat)
      return ALIVE;
  }
  return DEAD;
}

static verdict judge(const char *path, bool known, const owner *o, const owner *me,
                     void (*say)(void *user, const char *text), void *user) {
  char text[PATH + 512];
  if (known && strcmp(o->boot, me->boot) == 0 && o->space == me->space)
    return started(o->pid) == o->start ? ALIVE : DEAD;
  if (known && strcmp(o->host, me->host) == 0 && strcmp(o->boot, me->boot) != 0 &&
      o->space == me->space)
    return DEAD; // this machine was started again since
  snprintf(text, sizeof text, "%s is held by process %ld on %s: looking for %d s whether it lives",
           path, o->pid, known ? o->host : "an unknown machine", OIKOS_LOCK_WATCH);
  if (say)
    say(user, text);
  return watch(path, o);
}

static oikos_status refuse(const char *folder, const owner *o, oikos_error *err) {
  bool job = strcmp(o->job, "-") != 0;
  return oikos_fail(err, OIKOS_BUSY,
                    "%s is in use by process %ld on %s (user %s%s%s): wait until it ends, or "
                    "choose another --out",
                    folder, o->pid, o->host, o->user, job ? ", job " : "", job ? o->job : "");
}

/* Open the lock file, or make it. */
static int open_lock(const char *path, bool *made) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  *made = file >= 0;
  return file >= 0 || errno != EEXIST ? file : open(path, O_RDWR | O_CLOEXEC);
}

/* One attempt with the file open and guarded; CHANGED: try again. */
static verdict attempt(oikos_lock *lock, bool made, owner *found,
                       void (*say)(void *user, const char *text), void *user) {
  char text[PATH + 512];
  bool known = !made && read_owner(lock->file, found);
  verdict v = made ? DEAD : judge(lock->path, known, found, &lock->me, say, user);
  if (v != DEAD)
    return v;
  if (!is_at(lock->file, lock->path))
    return CHANGED;
  if (!made && say) {
    snprintf(text, sizeof text, "%s was left by process %ld on %s, which is gone: taking it over",
             lock->path, found->pid, known ? found->host : "an unknown machine");
    say(user, text);
  }
  return DEAD;
}

static oikos_status take(oikos_lock *lock, const char *folder,
                         void (*say)(void *user, const char *text), void *user, oikos_error *err) {
  for (;;) {
    owner found = {0};
    bool made;
    lock->file = open_lock(lock->path, &made);
    if (lock->file < 0 && errno == ENOENT && !made && access(folder, W_OK) == 0)
      continue; // released between the two attempts to open it
    if (lock->file < 0)
      return oikos_fail(err, OIKOS_USAGE, "%s cannot be made: %s", lock->path, strerror(errno));
    guard(lock->file);
    verdict v = attempt(lock, made, &found, say, user);
    if (v == ALIVE)
      return refuse(folder, &found, err);
    if (v == DEAD && write_owner(lock->file, &lock->me))
      break;
    if (v == DEAD)
      return oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", lock->path, strerror(errno));
    close(lock->file);
  }
  struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(lock->file, F_OFD_SETLK, &all);
  return OIKOS_OK;
}

oikos_status oikos_lock_take(const char *folder, void (*say)(void *user, const char *text),
                             void *user, oikos_lock **lock, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(lock, 1, sizeof **lock, "the lock", err));
  (*lock)->me = owner_here();
  (*lock)->file = -1;
  snprintf((*lock)->path, sizeof(*lock)->path, "%s/lock", folder);
  oikos_status status = take(*lock, folder, say, user, err);
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
  if (!is_at(lock->file, lock->path) || !read_owner(lock->file, &now) ||
      !same_owner(&now, &lock->me))
    return false;
  lock->me.beat++;
  write_owner(lock->file, &lock->me); // a full disk is no reason to end: the place is there already
  return true;
}

void oikos_lock_release(oikos_lock *lock) {
  owner now;
  if (!lock)
    return;
  if (is_at(lock->file, lock->path) && read_owner(lock->file, &now) && same_owner(&now, &lock->me))
    unlink(lock->path);
  close(lock->file);
  free(lock);
}
