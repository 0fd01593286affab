/* SPDX-License-Identifier: MIT
 *
 * Balance: how much work each rank has, and who owns which learners.
 *
 * Work is counted in units (learn/work.h). A step takes as long as its busiest rank, so that the
 * efficiency of some steps is the sum of the ranks' mean work over the sum of the most that any
 * rank had. Learners are owned in consecutive blocks, even ones at first. After the first
 * OIKOS_LOOK_EARLY steps and then at every checkpoint the blocks are cut anew by what their
 * learners cost since the last look (math/partition.h), between strata of a cohort alone, if the
 * busiest rank then has less to do by more than OIKOS_LOOK_GAIN; of what it had, three standard
 * errors of the sum are left out of account, so that nothing is moved for what chance gave. A
 * block has at most OIKOS_LOOK_MOST times the even number of learners, which bounds the memory of
 * its owner.
 *
 * Sums do not depend on who adds what, so the bits are the same. Nothing of this is in a
 * checkpoint: a run that is resumed, on any number of ranks, measures for OIKOS_LOOK_EARLY steps
 * and knows as much.
 */
#ifndef OIKOS_RUN_BALANCE_H
#define OIKOS_RUN_BALANCE_H

#include "oikos/trainer.h"

enum { OIKOS_LOOK_EARLY = 32, OIKOS_LOOK_LEAST = 8, OIKOS_LOOK_MOST = 4, OIKOS_BALANCE_LOG = 1024 };

/** The efficiency of the steps since the last call: 1 where all ranks had the same work in each; 0
 * with one rank. Collective. */
double oikos_balance_efficiency(oikos_trainer *t);

/** Give every learner, with all that it keeps, to the owner that `bound` (P + 1) says. After a
 * failure all is as it was. Collective. */
oikos_status oikos_relocate(oikos_trainer *t, const int64_t *bound, oikos_error *err);

#endif
