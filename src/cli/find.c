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

oikos_status oikos_cli_find_checkpoint(const oikos_team *team, const char *what,
                                       oikos_checkpoint **checkpoint, oikos_error *err) {
  struct stat info = {0};
  oikos_status status = OIKOS_OK;
  *checkpoint = NULL;
  if (stat(what, &info) != 0)
    status = oikos_fail(err, OIKOS_USAGE, "%s: no such run directory or file", what);
  if (team)
    status = oikos_agree(team, status, err);
  OIKOS_TRY(status);
  int folder = S_ISDIR(info.st_mode);
  if (team)
    oikos_broadcast(team, &folder, sizeof folder);
  if (!folder)
    return oikos_checkpoint_open(team, what, checkpoint, err);
  OIKOS_TRY(oikos_checkpoint_newest(team, what, checkpoint, say_skipped, NULL, err));
  if (!*checkpoint)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s holds no checkpoint; train first: oikos train CONFIG --out %s", what,
                      what);
  return OIKOS_OK;
}
