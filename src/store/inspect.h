/* SPDX-License-Identifier: MIT
 * What is in a file of ours, for people. Not collective. */
#ifndef OIKOS_STORE_INSPECT_H
#define OIKOS_STORE_INSPECT_H

#include <stdio.h>

#include "store/checkpoint.h"

/** Print what an imported file or a gradient dump holds, or a checkpoint once it is known to be
 * whole. */
oikos_status oikos_inspect(const char *path, FILE *out, oikos_error *err);

/** The same of a checkpoint that is open. */
oikos_status oikos_inspect_checkpoint(const oikos_checkpoint *checkpoint, FILE *out,
                                      oikos_error *err);

#endif
