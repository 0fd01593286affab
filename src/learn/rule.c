/* SPDX-License-Identifier: MIT */
#include "learn/rule.h"

bool oikos_rule_orders(const oikos_config *c) {
  return c->aggregation.rule == OIKOS_RULE_TRIMMED_MEAN || c->aggregation.rule == OIKOS_RULE_MEDIAN;
}

bool oikos_rule_clips(const oikos_config *c) {
  return c->aggregation.rule == OIKOS_RULE_CLIP || c->aggregation.rule == OIKOS_RULE_CENTRED_CLIP;
}
