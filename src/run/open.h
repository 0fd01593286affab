/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_OPEN_H
#define OIKOS_RUN_OPEN_H

#include "oikos/trainer.h"
#include "store/checkpoint.h"

/** oikos_trainer_open of a checkpoint that is open already, and that the trainer does not keep.
 * @param student  NULL, or the trainer that this model is to teach: it sees the student's task */
oikos_status oikos_trainer_open_for(MPI_Comm comm, const oikos_trainer *student,
                                    const oikos_config *config, const oikos_checkpoint *checkpoint,
                                    const oikos_observer *observer, oikos_trainer **trainer,
                                    oikos_error *err);

#endif
