/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/stat.h>

#include "base/try.h"
#include "cli/cli.h"
#include "store/checkpoint_list.h"

static void say_skipped(void *user, const char *text) {
  (void)user;
  fprintf(stderr, "oikos: warning: passed over a damaged checkpoint: %s\n", text);
}

oikos_status oikos_cli_find_checkpoint(const char *what, char *path, oikos_error *err) {
  struct stat info;
  if (stat(what, &info) != 0)
    return oikos_fail(err, OIKOS_USAGE, "%s: no such run directory or file", what);
  snprintf(path, OIKOS_LONG_PATH, "%.1023s", what);
  if (!S_ISDIR(info.st_mode))
    return OIKOS_OK;
  OIKOS_TRY(oikos_checkpoint_newest(what, path, say_skipped, NULL, err));
  if (!path[0])
    return oikos_fail(err, OIKOS_USAGE,
                      "%s holds no checkpoint; train first: oikos train CONFIG --out %s", what,
                      what);
  return OIKOS_OK;
}

oikos_status oikos_cli_share_checkpoint(oikos_cli *cli, const char *what, char *path,
                                        oikos_error *err) {
  oikos_status status = cli->team.rank == 0 ? oikos_cli_find_checkpoint(what, path, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(&cli->team, status, err));
  oikos_broadcast(&cli->team, path, OIKOS_LONG_PATH);
  return OIKOS_OK;
}
