/* SPDX-License-Identifier: MIT */
#include "base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static oikos_status check(int fd, int64_t *size, oikos_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  if (S_ISDIR(info.st_mode))
    return oikos_fail(err, OIKOS_ERROR, "it is a folder, not a file");
  if (!S_ISREG(info.st_mode))
    return oikos_fail(
        err, OIKOS_ERROR,
        "it is a pipe or a device, not a regular file; write what comes out of it to a "
        "file first");
  *size = info.st_size;
  return OIKOS_OK;
}

oikos_status oikos_regular_open(const char *path, int *fd, int64_t *size, oikos_error *err) {
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (*fd < 0)
    return oikos_fail(err, OIKOS_USAGE, "it cannot be opened: %s", strerror(errno));
  oikos_status status = check(*fd, size, err);
  if (status != OIKOS_OK) {
    close(*fd);
    *fd = -1;
  }
  return status;
}
