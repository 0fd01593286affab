/* SPDX-License-Identifier: MIT
 * What the aggregation rules (aggregation.rule) do with learners' numbers; learn/robust.h says how.
 */
#ifndef OIKOS_LEARN_RULE_H
#define OIKOS_LEARN_RULE_H

#include "oikos/config.h"

/** trimmed_mean or median: the learners' numbers are ordered, not added. */
bool oikos_rule_orders(const oikos_config *config);

/** clip or centred_clip: trained parameters count as their way from the weights. */
bool oikos_rule_clips(const oikos_config *config);

#endif
