/* SPDX-License-Identifier: MIT */
#include "store/file_bytes.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/regular.h"

oikos_status oikos_bytes_open(const char *path, int *fd, int64_t *size, oikos_error *err) {
  return oikos_regular_open(path, fd, size, err);
}

oikos_status oikos_bytes_read(int fd, int64_t offset, void *bytes, size_t n, oikos_error *err) {
  for (size_t done = 0; done < n;) {
    ssize_t got = pread(fd, (char *)bytes + done, n - done, (off_t)offset + (off_t)done);
    if (got == 0)
      return oikos_fail(err, OIKOS_ERROR, "it ends at byte %lld, where %zu more are expected",
                        (long long)offset + (long long)done, n - done);
    if (got < 0 && errno != EINTR)
      return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
    done += got > 0 ? (size_t)got : 0;
  }
  return OIKOS_OK;
}

oikos_status oikos_bytes_write(int fd, int64_t offset, const void *bytes, size_t n,
                               oikos_error *err) {
  for (size_t done = 0; done < n;) {
    ssize_t put = pwrite(fd, (const char *)bytes + done, n - done, (off_t)offset + (off_t)done);
    if (put < 0 && errno != EINTR)
      return oikos_fail(err, OIKOS_ERROR, "it cannot be written: %s", strerror(errno));
    done += put > 0 ? (size_t)put : 0;
  }
  return OIKOS_OK;
}
