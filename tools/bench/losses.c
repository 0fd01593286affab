/* SPDX-License-Identifier: MIT
 *
 * Loaded before a rank by tools/bench/losses: from LOSS_AFTER seconds on, or (LOSS_WHEN) as long as
 * a file is there, it takes something away from it, as a file server, an administrator or a full
 * disk would: calls on paths that begin with LOSS_PATH fail with LOSS_ERRNO. LOSS_CALLS: "o" all
 * opens, "w" opens to write, "r" reads, "u" writes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ORIGINAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double begun;
__attribute__((constructor)) static void begin(void) {
  begun = now();
}

static int begins(void) {
  const char *after = getenv("LOSS_AFTER"), *when = getenv("LOSS_WHEN");
  return when ? access(when, F_OK) == 0 : after && now() - begun >= strtod(after, NULL);
}

/* Whether a call of this kind on a path is to fail; sets errno. */
static int lost(char kind, const char *path) {
  const char *prefix = getenv("LOSS_PATH"), *calls = getenv("LOSS_CALLS"),
             *number = getenv("LOSS_ERRNO");
  char full[PATH_MAX];
  if (!prefix || !calls || !number || !strchr(calls, kind) || !begins())
    return 0;
  if (path[0] != '/') {
    char here[PATH_MAX / 2] = "";
    if (!getcwd(here, sizeof here))
      return 0;
    snprintf(full, sizeof full, "%s/%s", here, path);
    path = full;
  }
  if (strncmp(path, prefix, strlen(prefix)) != 0)
    return 0;
  errno = (int)strtol(number, NULL, 10);
  return 1;
}

static int lost_at(char kind, int fd) {
  char link[64], path[PATH_MAX] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return fd > 2 && readlink(link, path, sizeof path - 1) > 0 && lost(kind, path);
}

static int lost_open(const char *path, int flags) {
  return lost('o', path) || ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && lost('w', path));
}

static mode_t mode_of(int flags, va_list args) {
  return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, int) : 0;
}

#define OPEN(name)                                                                                 \
  int name(const char *path, int flags, ...) {                                                     \
    va_list args;                                                                                  \
    va_start(args, flags);                                                                         \
    mode_t mode = mode_of(flags, args);                                                            \
    va_end(args);                                                                                  \
    return lost_open(path, flags) ? -1 : ORIGINAL(name)(path, flags, mode);                        \
  }
OPEN(open)
OPEN(open64)

FILE *fopen(const char *path, const char *mode) {
  return lost_open(path, *mode == 'r' ? 0 : O_WRONLY) ? NULL : ORIGINAL(fopen)(path, mode);
}
ssize_t read(int fd, void *at, size_t n) {
  return lost_at('r', fd) ? -1 : ORIGINAL(read)(fd, at, n);
}
ssize_t pread(int fd, void *at, size_t n, off_t from) {
  return lost_at('r', fd) ? -1 : ORIGINAL(pread)(fd, at, n, from);
}
ssize_t pread64(int fd, void *at, size_t n, off64_t from) {
  return lost_at('r', fd) ? -1 : ORIGINAL(pread64)(fd, at, n, from);
}
ssize_t write(int fd, const void *at, size_t n) {
  return lost_at('u', fd) ? -1 : ORIGINAL(write)(fd, at, n);
}
ssize_t pwrite(int fd, const void *at, size_t n, off_t to) {
  return lost_at('u', fd) ? -1 : ORIGINAL(pwrite)(fd, at, n, to);
}
ssize_t pwrite64(int fd, const void *at, size_t n, off64_t to) {
  return lost_at('u', fd) ? -1 : ORIGINAL(pwrite64)(fd, at, n, to);
}
ssize_t writev(int fd, const struct iovec *v, int n) {
  return lost_at('u', fd) ? -1 : ORIGINAL(writev)(fd, v, n);
}
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t to) {
  return lost_at('u', fd) ? -1 : ORIGINAL(pwritev)(fd, v, n, to);
}
int fsync(int fd) {
  return lost_at('u', fd) ? -1 : ORIGINAL(fsync)(fd);
}
int ftruncate(int fd, off_t size) {
  return lost_at('u', fd) ? -1 : ORIGINAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  return lost_at('u', fd) ? -1 : ORIGINAL(ftruncate64)(fd, size);
}
int posix_fallocate(int fd, off_t from, off_t n) {
  return lost_at('u', fd) ? errno : ORIGINAL(posix_fallocate)(fd, from, n);
}
int posix_fallocate64(int fd, off64_t from, off64_t n) {
  return lost_at('u', fd) ? errno : ORIGINAL(posix_fallocate64)(fd, from, n);
}
int fallocate(int fd, int mode, off_t from, off_t n) {
  return lost_at('u', fd) ? -1 : ORIGINAL(fallocate)(fd, mode, from, n);
}
int mkstemp(char *path) {
  return lost_open(path, O_WRONLY) ? -1 : ORIGINAL(mkstemp)(path);
}
int unlink(const char *path) {
  return lost('w', path) ? -1 : ORIGINAL(unlink)(path);
}
int rename(const char *from, const char *to) {
  return lost('w', to) ? -1 : ORIGINAL(rename)(from, to);
}
int mkdir(const char *path, mode_t mode) {
  return lost('w', path) ? -1 : ORIGINAL(mkdir)(path, mode);
}
int shm_open(const char *name, int flags, mode_t mode) {
  return lost('o', "/dev/shm/") ? -1 : ORIGINAL(shm_open)(name, flags, mode);
}
