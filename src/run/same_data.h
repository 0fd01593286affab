/* SPDX-License-Identifier: MIT
 * Whether the data file is the one that a checkpoint was trained on: what weights have learnt
 * belongs to places in it. */
#ifndef OIKOS_RUN_SAME_DATA_H
#define OIKOS_RUN_SAME_DATA_H

#include "oikos/trainer.h"
#include "store/data_about.h"

/** What is known of the trainer's data file (a teacher's is its student's); NULL without one. */
const oikos_data_about *oikos_trainer_data(const oikos_trainer *t);

/** Take down which file it is, as numbers that a checkpoint keeps; 0 for what is not known. */
void oikos_data_set_prints(oikos_trainer *t);

/**
 * After loading a checkpoint: the trainer's file must be the one that the checkpoint has noted, to
 * go on with; to evaluate, its inputs must be the same, and what else differs is said. Notes the
 * trainer's file again. Not collective: the same on all ranks.
 * @return OIKOS_USAGE if it is another
 */
oikos_status oikos_data_same(oikos_trainer *t, const char *checkpoint, oikos_error *err);

#endif
