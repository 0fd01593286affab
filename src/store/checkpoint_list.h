/* SPDX-License-Identifier: MIT
 * The checkpoints of a run: RUN/checkpoints/step-000000001000.h5. Nothing here is collective. */
#ifndef OIKOS_STORE_CHECKPOINT_LIST_H
#define OIKOS_STORE_CHECKPOINT_LIST_H

#include <stdint.h>

#include "oikos/error.h"

enum { OIKOS_LONG_PATH = 1200 };

/** The path of a step's checkpoint (OIKOS_LONG_PATH). */
void oikos_checkpoint_path(const char *run, int64_t step, char *path);

/**
 * The newest checkpoint that is whole into path (OIKOS_LONG_PATH), "" if there is none at all.
 * Damaged ones are reported through @p skipped (may be NULL).
 * @return OIKOS_ERROR if there are checkpoints but none is whole
 */
oikos_status oikos_checkpoint_newest(const char *run, char *path,
                                     void (*skipped)(void *user, const char *text), void *user,
                                     oikos_error *err);

/**
 * After the checkpoint of @p step: remove all but the newest @p keep up to it, and what a killed
 * write left. Later ones were passed over as damaged; they do not count, and stay until training
 * writes them again.
 */
void oikos_checkpoint_prune(const char *run, int64_t step, int64_t keep);

#endif
