/* SPDX-License-Identifier: MIT
 * What is in a file of ours, for people. Not collective. */
#ifndef OIKOS_STORE_INSPECT_H
#define OIKOS_STORE_INSPECT_H

#include <stdio.h>

#include "oikos/error.h"

/** Print what a checkpoint, an image file or a gradient dump holds. */
oikos_status oikos_inspect(const char *path, FILE *out, oikos_error *err);

#endif
