/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_READ_CONFIG_H
#define OIKOS_RUN_READ_CONFIG_H

#include "dist/team.h"
#include "oikos/config.h"

/** The configuration in a checkpoint, which rank 0 reads for all. Collective. */
oikos_status oikos_read_config(const oikos_team *team, const char *path, oikos_config *config,
                               oikos_error *err);

#endif
