/* SPDX-License-Identifier: MIT */
#include "store/temporary.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/try.h"
#include "store/sync.h"

enum { WORD = 64, BASE = 100 }; /* so that all of it stays within the 255 bytes of a file's name */

/* What may stand in any file system's names. */
static void keep_plain(char *word) {
  for (; *word; word++)
    if (!isalnum((unsigned char)*word) && *word != '.' && *word != '_')
      *word = '_';
}

oikos_status oikos_temporary_name(const char *path, char *name, oikos_error *err) {
  char folder[OIKOS_NAME_MAX], user[WORD] = "", host[WORD] = "";
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
  gethostname(host, sizeof host - 1);
  host[32] = 0;
  keep_plain(user);
  keep_plain(host);
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

oikos_status oikos_temporary_create(const char *path, char *name, oikos_error *err) {
  OIKOS_TRY(oikos_temporary_name(path, name, err));
  int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be created: %s", name, strerror(errno));
  close(file);
  return OIKOS_OK;
}

void oikos_temporary_sweep(const char *path) {
  char folder[OIKOS_NAME_MAX], start[BASE + 8];
  const char *slash = strrchr(path, '/');
  snprintf(start, sizeof start, "%.*s.tmp-", BASE, slash ? slash + 1 : path);
  oikos_folder_of(path, folder);
  DIR *all = opendir(folder);
  for (struct dirent *one = all ? readdir(all) : NULL; one; one = readdir(all))
    if (strncmp(one->d_name, start, strlen(start)) == 0)
      unlinkat(dirfd(all), one->d_name, 0);
  if (all)
    closedir(all);
}
