/* SPDX-License-Identifier: MIT */
#include "learn/rollback.h"

bool oikos_can_leave_out(const oikos_config *c) {
  return c->learners.rollback > 0 || c->aggregation.rule != OIKOS_RULE_MEAN;
}

bool oikos_diverged(const oikos_config *config, const oikos_contribution *c) {
  double factor = config->learners.rollback;
  return factor > 0 && !((double)c->loss[OIKOS_LOSS_AFTER] <= factor * c->start_loss);
}

int64_t oikos_streak(int64_t before, bool left_out) {
  return left_out ? before + 1 : 0;
}
