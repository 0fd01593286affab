/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_STORE_CHECKPOINT_CONFIG_H
#define OIKOS_STORE_CHECKPOINT_CONFIG_H

#include "oikos/config.h"
#include "store/checkpoint.h"

/** The configuration in a checkpoint. Not collective. */
oikos_status oikos_read_config(const oikos_checkpoint *checkpoint, oikos_config *config,
                               oikos_error *err);

#endif
