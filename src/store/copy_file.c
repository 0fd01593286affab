/* SPDX-License-Identifier: MIT */
#include "store/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/sync.h"
#include "store/temporary.h"

/* All bytes of `in` to `out`; false with errno. */
static bool copy_bytes(int in, int out) {
  char buffer[1 << 16];
  ssize_t n;
  while ((n = read(in, buffer, sizeof buffer)) > 0)
    for (ssize_t done = 0, one; done < n; done += one)
      if ((one = write(out, buffer + done, (size_t)(n - done))) < 0)
        return false;
  return n == 0;
}

oikos_status oikos_copy_file(const char *from, const char *to, oikos_error *err) {
  char temporary[OIKOS_NAME_MAX];
  OIKOS_TRY(oikos_temporary_create(to, temporary, err));
  int in = open(from, O_RDONLY | O_CLOEXEC),
      out = in < 0 ? -1 : open(temporary, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  bool copied = in >= 0 && out >= 0 && copy_bytes(in, out);
  int failure = copied ? 0 : errno;
  if (in >= 0)
    close(in);
  if (out >= 0 && close(out) != 0 && !failure)
    failure = errno;
  oikos_status status = OIKOS_OK;
  if (failure)
    status =
        oikos_fail(err, OIKOS_ERROR, "%s cannot be copied to %s: %s", from, to, strerror(failure));
  if (status == OIKOS_OK)
    status = oikos_sync_file(temporary, err);
  if (status == OIKOS_OK)
    status = oikos_rename_synced(temporary, to, err);
  if (status != OIKOS_OK)
    unlink(temporary);
  return status;
}
