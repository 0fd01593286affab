/* SPDX-License-Identifier: MIT */
#include "store/temporary.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <H5public.h>

#include "base/try.h"
#include "store/sync.h"

enum {
  WORD = 64,
  BASE = 100, /* so that all of it stays within the 255 bytes of a file's name */
  DAY = 86400
};

/* What may stand in any file system's names. */
static void keep_plain(char *word) {
  for (; *word; word++)
    if (!isalnum((unsigned char)*word) && *word != '.' && *word != '_')
      *word = '_';
}

static void host_word(char host[WORD]) {
  memset(host, 0, WORD);
  gethostname(host, WORD - 1);
  host[32] = 0;
  keep_plain(host);
}

oikos_status oikos_temporary_name(const char *path, char *name, oikos_error *err) {
  char folder[OIKOS_NAME_MAX], user[WORD] = "", host[WORD];
  uint64_t random;
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const struct passwd *who = getpwuid(getuid());
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
    return oikos_fail(err, OIKOS_ERROR, "no random number could be had for a temporary file: %s",
                      strerror(errno));
  if (who)
    snprintf(user, sizeof user, "%.24s", who->pw_name);
  else
    snprintf(user, sizeof user, "%ld", (long)getuid());
  keep_plain(user);
  host_word(host);
  oikos_folder_of(path, folder);
  int n =
      snprintf(name, OIKOS_NAME_MAX, "%s%s%.*s.tmp-%s-%s-%ld-%016" PRIx64, slash ? folder : "",
               slash && slash != path ? "/" : "", BASE, base, user, host, (long)getpid(), random);
  return n < OIKOS_NAME_MAX ? OIKOS_OK
                            : oikos_fail(err, OIKOS_USAGE,
                                         "the path %.200s... is too long: there is no room for a "
                                         "temporary name beside it (%d bytes at most)",
                                         path, OIKOS_NAME_MAX - 1);
}

static oikos_status make(const char *path, char *name, int *file, oikos_error *err) {
  OIKOS_TRY(oikos_temporary_name(path, name, err));
  *file = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  return *file >= 0
             ? OIKOS_OK
             : oikos_fail(err, OIKOS_ERROR, "%s cannot be created: %s", name, strerror(errno));
}

oikos_status oikos_temporary_create(const char *path, char *name, oikos_error *err) {
  int file;
  OIKOS_TRY(make(path, name, &file, err));
  close(file);
  return OIKOS_OK;
}

/* Of this host, by its name, and a process that it does not have. */
static bool is_orphan(const char *behind) {
  char this_host[WORD], host[WORD];
  long pid;
  host_word(this_host);
  return sscanf(behind, "%*[^-]-%63[^-]-%ld-", host, &pid) == 2 && strcmp(host, this_host) == 0 &&
         pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Nobody holds it, at a time that the file system gave to another file: hosts' clocks differ. */
static bool is_dead(int folder, const char *name, const char *behind, time_t now) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  struct stat info;
  int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return false;
  bool plain = fstat(file, &info) == 0 && S_ISREG(info.st_mode),
       locked = fcntl(file, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
  close(file);
  return plain && !locked && (is_orphan(behind) || now - info.st_mtime > DAY);
}

/* Remove all of them, or if there is a time the dead ones. */
static void sweep(const char *path, time_t now) {
  char folder[OIKOS_NAME_MAX], start[BASE + 8];
  const char *slash = strrchr(path, '/');
  snprintf(start, sizeof start, "%.*s.tmp-", BASE, slash ? slash + 1 : path);
  oikos_folder_of(path, folder);
  DIR *all = opendir(folder);
  for (struct dirent *one = all ? readdir(all) : NULL; one; one = readdir(all))
    if (strncmp(one->d_name, start, strlen(start)) == 0 &&
        (!now || is_dead(dirfd(all), one->d_name, one->d_name + strlen(start), now)))
      unlinkat(dirfd(all), one->d_name, 0);
  if (all)
    closedir(all);
}

oikos_status oikos_temporary_hold(const char *path, char *name, int *held, oikos_error *err) {
  struct stat info;
  OIKOS_TRY(make(path, name, held, err));
#if H5_VERSION_GE(1, 10, 7) // older ones lock what they open, on NFS against this lock
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  (void)fcntl(*held, F_OFD_SETLK, &all); // of the open file: HDF5's closing it does not end it
#endif
  if (fstat(*held, &info) == 0)
    sweep(path, info.st_mtime);
  return OIKOS_OK;
}

void oikos_temporary_sweep(const char *path) {
  sweep(path, 0);
}
