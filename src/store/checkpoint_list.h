/* SPDX-License-Identifier: MIT
 * The checkpoints of a run: RUN/checkpoints/step-000000001000.h5. Not collective unless it
 * says so. */
#ifndef OIKOS_STORE_CHECKPOINT_LIST_H
#define OIKOS_STORE_CHECKPOINT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "store/checkpoint.h"

enum { OIKOS_LONG_PATH = 1200 };

/** The path of a step's checkpoint (OIKOS_LONG_PATH). */
void oikos_checkpoint_path(const char *run, int64_t step, char *path);

/** Whether a run has checkpoints, whole or not. */
bool oikos_checkpoint_any(const char *run);

/**
 * Open the newest checkpoint that is whole; NULL if there is none at all. Damaged ones are reported
 * through @p skipped (may be NULL) on rank 0. Collective; a NULL team: this process alone.
 * @return OIKOS_ERROR if there are checkpoints but none is whole
 */
oikos_status oikos_checkpoint_newest(const oikos_team *team, const char *run,
                                     oikos_checkpoint **checkpoint,
                                     void (*skipped)(void *user, const char *text), void *user,
                                     oikos_error *err);

/**
 * After the checkpoint of @p step: remove all but the newest @p keep up to it, and what a killed
 * write left. Later ones were passed over as damaged; they do not count, and stay until training
 * writes them again.
 */
void oikos_checkpoint_prune(const char *run, int64_t step, int64_t keep);

#endif
