/* SPDX-License-Identifier: MIT */
#include "store/checkpoint_config.h"

#include <string.h>

oikos_status oikos_read_config(const oikos_checkpoint *checkpoint, oikos_config *config,
                               oikos_error *err) {
  const char *text = oikos_checkpoint_about(checkpoint)->config;
  oikos_config_defaults(config);
  oikos_status status =
      oikos_config_parse(config, oikos_checkpoint_file(checkpoint), text, strlen(text), err);
  oikos_config_forget_given(config);
  return status;
}
