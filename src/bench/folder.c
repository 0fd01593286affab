/* SPDX-License-Identifier: MIT */
#include "bench/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sync.h"

oikos_status oikos_bench_folder_make(const char *parent, char *folder, oikos_error *err) {
  snprintf(folder, OIKOS_NAME_MAX, "%.4000s/oikos-bench-XXXXXX", parent);
  if (mkdtemp(folder))
    return OIKOS_OK;
  folder[0] = 0;
  return oikos_fail(err, OIKOS_USAGE,
                    "no folder can be made in %s: %s; measure in a folder that exists and can be "
                    "written",
                    parent, strerror(errno));
}

void oikos_bench_folder_remove(const char *folder) {
  DIR *files = opendir(folder);
  const struct dirent *file;
  while (files && (file = readdir(files)) != NULL)
    unlinkat(dirfd(files), file->d_name, 0); // not `.` and `..`, which are no files
  if (files)
    closedir(files);
  rmdir(folder);
}
