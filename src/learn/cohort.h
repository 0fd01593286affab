/* SPDX-License-Identifier: MIT
 *
 * Who is active in a step. Of N learners, n (learners.per_step) are: the N are cut into n strata,
 * stratum s being floor(s N / n) .. floor((s + 1) N / n) - 1, and the generator picks one learner
 * of each (stratified sampling; Cochran, "Sampling techniques", 1977, section 5). A learner is
 * active in n / N of the steps, to within the rounding of its stratum's size, nobody twice in one
 * step; and an owner of consecutive learners finds its own active ones in a time that grows with
 * their number and not with N. The place of a learner in a step is the number of its stratum: the
 * same on any number of ranks.
 */
#ifndef OIKOS_LEARN_COHORT_H
#define OIKOS_LEARN_COHORT_H

#include "oikos/config.h"
#include "oikos/tasks.h"

/* A learner's number among all N is `oikos_learner_id learner`. It has others, from 0 on, each of
 * one name wherever it stands; the last two differ with the number of ranks, and no result may
 * depend on them. */
typedef int64_t oikos_stratum_id; /* stratum: its place in a step, below n */
typedef int64_t oikos_local_id;   /* local: its place among those that its rank owns */
typedef int64_t oikos_slot_id;    /* slot: its place among those of its rank that are active */

/** n: learners that are active in a step. */
int64_t oikos_cohort_size(const oikos_config *config);

/** The first learner of a stratum; N behind the last one. */
oikos_learner_id oikos_cohort_first(const oikos_config *config, oikos_stratum_id stratum);

/** The strata that have any of the learners first .. first + count - 1: as many slots as their
 * owner may need in a step. */
void oikos_cohort_strata(const oikos_config *config, oikos_learner_id first, int64_t count,
                         oikos_stratum_id *first_stratum, int64_t *strata);

/** The learner that a stratum has in a step. It grows with the stratum. */
oikos_learner_id oikos_cohort_learner(const oikos_config *config, int64_t step,
                                      oikos_stratum_id stratum);

#endif
