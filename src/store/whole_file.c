/* SPDX-License-Identifier: MIT */
#include "store/whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/sync.h"
#include "store/temporary.h"

oikos_status oikos_write_whole(const char *path, void (*write)(const void *user, FILE *out),
                               const void *user, oikos_error *err) {
  char temporary[OIKOS_NAME_MAX];
  oikos_temporary_sweep(path);
  OIKOS_TRY(oikos_temporary_create(path, temporary, err));
  FILE *out = fopen(temporary, "w");
  bool bad = !out;
  if (out) {
    write(user, out);
    bad = ferror(out);
    bad |= fclose(out) != 0;
  }
  if (bad || rename(temporary, path) != 0) {
    oikos_fail(err, OIKOS_ERROR, "%s cannot be written: %s", path, strerror(errno));
    unlink(temporary);
    return OIKOS_ERROR;
  }
  return OIKOS_OK;
}
