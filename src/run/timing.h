/* SPDX-License-Identifier: MIT
 *
 * The timing of a run: how long this rank's learners take beside the others', and when a checkpoint
 * is due where the configuration leaves that open. Times, so nothing here is state.
 */
#ifndef OIKOS_RUN_TIMING_H
#define OIKOS_RUN_TIMING_H

#include <stdbool.h>

#include "dist/team.h"

typedef struct oikos_timing {
  double busy;      /* seconds of training its learners since the last record */
  int slowest_rank; /* of the last record */
  double slowest;   /* its time over the ranks' mean; 0: not known */
  char slowest_host[64];
  double saved;         /* when the last checkpoint was written, or the run begun */
  double write_seconds; /* that a checkpoint takes; 0: none was written yet */
} oikos_timing;

/** Who was slowest since the last record. Collective. */
void oikos_timing_compare(const oikos_team *team, oikos_timing *timing);

/** A checkpoint took so long. */
void oikos_timing_saved(oikos_timing *timing, double seconds);

/** Whether this rank's clock says that a checkpoint is due. @param mtbf  hours between failures */
bool oikos_timing_due(const oikos_timing *timing, double mtbf);

#endif
