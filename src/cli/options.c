/* SPDX-License-Identifier: MIT
 * What the subcommands share: parsing and the configuration. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "cli/cli.h"
#include "store/checkpoint_config.h"

static bool wants_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "-?") == 0)
      return true;
  return false;
}

oikos_status oikos_cli_parse(oikos_cli *cli, const struct argp *argp, int argc, char **argv,
                             void *input, bool *help, oikos_error *err) {
  char name[64];
  snprintf(name, sizeof name, "oikos %s", argv[0]);
  *help = wants_help(argc, argv);
  if (*help) {
    if (cli->team.rank == 0)
      argp_help(argp, stdout,
                ARGP_HELP_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC, name);
    return OIKOS_OK;
  }
  char *first = argv[0];
  argv[0] = name; // argp's messages begin with it
  unsigned flags = cli->team.rank == 0 ? ARGP_NO_EXIT : ARGP_SILENT;
  error_t bad = argp_parse(argp, argc, argv, flags, NULL, input);
  argv[0] = first;
  return bad ? oikos_fail(err, OIKOS_USAGE, "%s", "") : OIKOS_OK; // argp has said why
}

error_t oikos_cli_wrong(struct argp_state *state, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  argp_error(state, "%s", text);
  return EINVAL;
}

error_t oikos_cli_number(struct argp_state *state, const char *option, const char *text,
                         int64_t low, int64_t *value) {
  char *end;
  long long number = strtoll(text, &end, 10);
  if (*end || end == text || number < low || number > 1000000000)
    return oikos_cli_wrong(state, "%s: expected a whole number from %lld to 1000000000, found %s",
                           option, (long long)low, text);
  *value = number;
  return 0;
}

error_t oikos_cli_add_set(struct argp_state *state, oikos_sets *sets, const char *assignment) {
  if (sets->n == OIKOS_MAX_SETS)
    return oikos_cli_wrong(state, "more than %d --set options", OIKOS_MAX_SETS);
  sets->assignment[sets->n++] = assignment;
  return 0;
}

error_t oikos_cli_only(struct argp_state *state, const char *name, const char **place,
                       const char *argument) {
  if (*place)
    return oikos_cli_wrong(state, "one %s is expected, found %s and %s", name, *place, argument);
  *place = argument;
  return 0;
}

error_t oikos_cli_parse_config(int key, char *arg, struct argp_state *state, const char **config,
                               oikos_sets *sets) {
  switch (key) {
  case 's':
    return oikos_cli_add_set(state, sets, arg);
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "CONFIG", config, arg);
  case ARGP_KEY_END:
    return *config ? 0 : oikos_cli_wrong(state, "CONFIG is missing");
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

oikos_status oikos_cli_check_used(const oikos_cli *cli, const oikos_config *config,
                                  oikos_reader purpose, oikos_error *err) {
  char hint[OIKOS_PATH + 256];
  for (int i = 0; cli->team.rank == 0 && oikos_config_hint(config, i, hint, sizeof hint); i++)
    fprintf(stderr, "oikos: %s\n", hint);
  return oikos_config_check_used(config, purpose, err);
}

oikos_status oikos_cli_config(oikos_cli *cli, const char *path, const oikos_sets *sets,
                              oikos_reader purpose, oikos_config *config, oikos_error *err) {
  char *text;
  size_t length;
  oikos_config_defaults(config);
  OIKOS_TRY(oikos_read_file(&cli->team, path, &text, &length, err));
  oikos_status status = oikos_config_parse(config, path, text, length, err);
  free(text);
  for (int i = 0; status == OIKOS_OK && sets && i < sets->n; i++)
    status = oikos_config_set(config, sets->assignment[i], err);
  if (status == OIKOS_OK)
    status = oikos_cli_check_used(cli, config, purpose, err);
  return oikos_agree(&cli->team, status, err);
}

oikos_status oikos_cli_trained_config(oikos_cli *cli, const oikos_checkpoint *checkpoint,
                                      const oikos_sets *sets, oikos_reader purpose,
                                      oikos_config *config, oikos_error *err) {
  oikos_status status = oikos_read_config(checkpoint, config, err);
  for (int i = 0; status == OIKOS_OK && i < sets->n; i++)
    status = oikos_config_set(config, sets->assignment[i], err);
  if (status == OIKOS_OK)
    status = oikos_cli_check_used(cli, config, purpose, err);
  return oikos_agree(&cli->team, status, err);
}
