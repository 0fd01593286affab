/* SPDX-License-Identifier: MIT
 * oikos inspect: what a file holds, or the digest of a checkpoint's state. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/try.h"
#include "cli/cli.h"
#include "store/inspect.h"

typedef struct inspect_options {
  const char *file;
  bool digest;
} inspect_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
  inspect_options *o = state->input;
  switch (key) {
  case 'd':
    o->digest = true;
    return 0;
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "FILE", &o->file, arg);
  case ARGP_KEY_END:
    return o->file ? 0 : oikos_cli_wrong(state, "FILE is missing");
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static oikos_status print_digest(const char *what, oikos_error *err) {
  oikos_checkpoint *checkpoint;
  char digest[OIKOS_DIGEST];
  oikos_status status = oikos_cli_find_checkpoint(NULL, what, &checkpoint, err);
  if (status == OIKOS_OK)
    status = oikos_checkpoint_digest(checkpoint, digest, err);
  oikos_checkpoint_close(checkpoint);
  if (status == OIKOS_OK)
    puts(digest);
  return status;
}

/* A file of any kind, or the newest checkpoint of a run. */
static oikos_status show(const char *what, oikos_error *err) {
  oikos_checkpoint *checkpoint = NULL;
  struct stat info;
  if (stat(what, &info) == 0 && !S_ISDIR(info.st_mode))
    return oikos_inspect(what, stdout, err);
  oikos_status status = oikos_cli_find_checkpoint(NULL, what, &checkpoint, err);
  if (status == OIKOS_OK)
    status = oikos_inspect_checkpoint(checkpoint, stdout, err);
  oikos_checkpoint_close(checkpoint);
  return status;
}

oikos_status oikos_command_inspect(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"digest", 'd', NULL, 0,
       "print one hash over all state of a checkpoint: equal for equal state, on any number of "
       "ranks",
       0},
      {0},
  };
  static const struct argp argp = {
      table,  parse,
      "FILE", "Show what a checkpoint, the newest one of a run, or an imported file holds.",
      NULL,   NULL,
      NULL};
  inspect_options o = {0};
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help || cli->team.rank != 0)
    return OIKOS_OK;
  return o.digest ? print_digest(o.file, err) : show(o.file, err);
}
