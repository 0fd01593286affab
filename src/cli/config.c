/* SPDX-License-Identifier: MIT
 * oikos config: explain every key, or show a configuration as it is resolved. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "tasks/source.h"

typedef struct config_options {
  const char *config;
  bool explain;
  oikos_sets sets;
} config_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
  config_options *o = state->input;
  switch (key) {
  case 'e':
    o->explain = true;
    return 0;
  case ARGP_KEY_END:
    return o->explain ? 0 : oikos_cli_parse_config(key, arg, state, &o->config, &o->sets);
  default:
    return oikos_cli_parse_config(key, arg, state, &o->config, &o->sets);
  }
}

/* Whether the network fits the task; for built-in sources, which can be asked without their data.
 */
static oikos_status check_network(const oikos_config *config, oikos_error *err) {
  oikos_source *source;
  oikos_network *net = NULL;
  if (oikos_source_type_of(config)->data != OIKOS_DATA_NONE)
    return OIKOS_OK;
  OIKOS_TRY(oikos_source_create(config, NULL, &source, err));
  oikos_task_shape shape = oikos_source_shape(source);
  oikos_status status = oikos_network_create(config, shape.input, shape.outputs, &net, err);
  oikos_network_destroy(net);
  oikos_source_destroy(source);
  return status;
}

static oikos_status show(oikos_cli *cli, const config_options *o, oikos_error *err) {
  oikos_config *config;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_status status = oikos_cli_config(cli, o->config, &o->sets, OIKOS_FOR_ANY, config, err);
  if (status == OIKOS_OK)
    status = oikos_config_check(config, err);
  if (status == OIKOS_OK)
    status = check_network(config, err);
  if (status == OIKOS_OK && cli->team.rank == 0)
    oikos_config_write(config, stdout);
  free(config);
  return status;
}

oikos_status oikos_command_config(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"explain", 'e', NULL, 0, "print every key with its type, default, range and meaning", 0},
      {"set", 's', "KEY=VALUE", 0, "override a key of the configuration; may be repeated", 0},
      {0},
  };
  static const struct argp argp = {
      table, parse, "[CONFIG]", "Explain the configuration, or show CONFIG resolved and checked.",
      NULL,  NULL,  NULL};
  config_options o = {0};
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  if (o.explain && cli->team.rank == 0) {
    oikos_config_explain(stdout);
    oikos_network_explain(stdout);
  }
  return o.config ? show(cli, &o, err) : OIKOS_OK;
}
