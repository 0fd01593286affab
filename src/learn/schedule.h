/* SPDX-License-Identifier: MIT
 *
 * Schedules of the outer rates: a linear warm-up, and what follows it. A new one is an entry of the
 * table in schedule.c, and one line in the list of oikos/config.h.
 */
#ifndef OIKOS_LEARN_SCHEDULE_H
#define OIKOS_LEARN_SCHEDULE_H

#include "base/word.h"
#include "oikos/config.h"

/** The share of its rate that the schedule allows at a step. */
double oikos_schedule(const oikos_config *config, int64_t step);

/** Whether that depends on `steps`: a run with another number of them is another computation from
 * its beginning. */
bool oikos_schedule_has_end(const oikos_config *config);

/** What the index-th word of oikos_schedule_kind stands for. */
const oikos_word *oikos_schedule_word(int index);

#endif
