/* SPDX-License-Identifier: MIT
 *
 * Who is active in a step. Of N learners, n (learners.per_step) are: the N are cut into n strata,
 * stratum s being floor(s N / n) .. floor((s + 1) N / n) - 1, and the generator picks one learner
 * of each (stratified sampling; Cochran, "Sampling techniques", 1977, section 5). A learner is
 * active in n / N of the steps, to within the rounding of its stratum's size, nobody twice in one
 * step; and an owner of consecutive learners finds its own active ones in a time that grows with
 * their number and not with N. The place of a learner in a step is its slot, the number of its
 * stratum: the same on any number of ranks.
 */
#ifndef OIKOS_LEARN_COHORT_H
#define OIKOS_LEARN_COHORT_H

#include "oikos/config.h"

/** n: learners that are active in a step. */
int64_t oikos_cohort_size(const oikos_config *config);

/** The first learner of stratum number @p slot, which has it in every step; N behind the last one.
 */
int64_t oikos_cohort_first(const oikos_config *config, int64_t slot);

/** The strata that have any of the learners first .. first + count - 1: the slots that their owner
 * may need in a step. */
void oikos_cohort_slots(const oikos_config *config, int64_t first, int64_t count,
                        int64_t *first_slot, int64_t *slots);

/** The learner in a slot of a step. It grows with the slot. */
int64_t oikos_cohort_learner(const oikos_config *config, int64_t step, int64_t slot);

#endif
