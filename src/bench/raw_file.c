/* SPDX-License-Identifier: MIT */
#include "bench/raw_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Close, and say what failed. */
static oikos_status finish(int fd, const char *path, const char *done, int failure,
                           oikos_error *err) {
  if (fd >= 0)
    close(fd);
  return failure
             ? oikos_fail(err, OIKOS_ERROR, "%s cannot be %s: %s", path, done, strerror(failure))
             : OIKOS_OK;
}

oikos_status oikos_raw_write(const char *path, off_t offset, const char *bytes, size_t n,
                             oikos_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  int failure = fd < 0 ? errno : 0;
  for (size_t done = 0; !failure && done < n;) {
    ssize_t written = pwrite(fd, bytes + done, n - done, offset + (off_t)done);
    if (written < 0)
      failure = errno;
    else
      done += (size_t)written;
  }
  if (!failure && fsync(fd) != 0)
    failure = errno;
  return finish(fd, path, "written", failure, err);
}

oikos_status oikos_raw_read(const char *path, off_t offset, char *bytes, size_t n,
                            oikos_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int failure = fd < 0 ? errno : 0;
  for (size_t done = 0; !failure && done < n;) {
    ssize_t got = pread(fd, bytes + done, n - done, offset + (off_t)done);
    if (got <= 0)
      failure = got < 0 ? errno : ENODATA; // it ends too early
    else
      done += (size_t)got;
  }
  return finish(fd, path, "read back", failure, err);
}
