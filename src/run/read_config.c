/* SPDX-License-Identifier: MIT */
#include "run/read_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint.h"

static oikos_status read_text(const char *path, char **text, oikos_error *err) {
  oikos_checkpoint_info about;
  OIKOS_TRY(oikos_checkpoint_describe(path, &about, err));
  *text = about.config;
  about.config = NULL;
  oikos_checkpoint_info_clear(&about);
  return OIKOS_OK;
}

oikos_status oikos_read_config(const oikos_team *team, const char *path, oikos_config *config,
                               oikos_error *err) {
  char *text = NULL;
  oikos_status status = team->rank == 0 ? read_text(path, &text, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(team, status, err));
  uint64_t length = text ? strlen(text) : 0;
  oikos_broadcast(team, &length, sizeof length);
  if (team->rank != 0)
    status = oikos_alloc(&text, length + 1, 1, "the configuration", err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK) {
    oikos_broadcast(team, text, length + 1);
    oikos_config_defaults(config);
    status = oikos_config_parse(config, path, text, length, err);
    oikos_config_forget_given(config);
  }
  free(text);
  return oikos_agree(team, status, err);
}
