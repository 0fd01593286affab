/* SPDX-License-Identifier: MIT
 * What dynamic adjustment (rollback and patience, learner rates, priority) wants of a
 * configuration. */
#include "base/try.h"
#include "config/options.h"

/* A weighted mean over learners is asked for: there must be homes to rank, something shared to
 * weigh for, and a rule that takes weights. */
static oikos_status check_priority(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->home.priority == OIKOS_PRIORITY_NONE)
    return OIKOS_OK;
  if (c->home.count < 2 || c->home.owns == OIKOS_OWNS_ALL)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.priority weighs the learners of several homes in what they share, "
                      "but home.count is %lld%s; set home.priority to none",
                      file, (long long)c->home.count,
                      c->home.owns == OIKOS_OWNS_ALL ? " and home.owns is all" : "");
  if (c->aggregation.rule != OIKOS_RULE_MEAN)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.priority is a weighted mean, but aggregation.rule is not mean: the "
                      "other rules bound or order learners of equal weight; set one of the two",
                      file);
  if (c->distill.weight > 0 && c->distill.teacher == OIKOS_TEACHER_PEERS)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher peers is the plain mean of the trained learners; with "
                      "home.priority take another teacher",
                      file);
  return OIKOS_OK;
}

static oikos_status check_rollback(const oikos_config *c, const char *file, oikos_error *err) {
  double factor = c->learners.rollback;
  if (factor > 0 && factor < 1)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.rollback is %g, which would leave out learners whose loss has "
                      "fallen; set it to 1 or more, or to 0 for off",
                      file, factor);
  if (c->learners.patience > 0 && factor == 0 && c->aggregation.rule == OIKOS_RULE_MEAN)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.patience is %lld, but with aggregation.rule mean and without "
                      "learners.rollback no learner is left out; set learners.rollback",
                      file, (long long)c->learners.patience);
  return OIKOS_OK;
}

static oikos_status check_rate(const oikos_config *c, const char *file, oikos_error *err) {
  if (!c->inner.adapt_rate)
    return OIKOS_OK;
  if (c->inner.steps == 0)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: inner.adapt_rate is true, but inner.steps is 0, so there is no rate; set "
        "one of the two",
        file);
  if (c->inner.adapt_range < 1)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: inner.adapt_range is %g, but a factor between 1 / inner.adapt_range and "
                      "inner.adapt_range is wanted; set it to 1 or more",
                      file, c->inner.adapt_range);
  return OIKOS_OK;
}

oikos_status oikos_config_check_adjustment(const oikos_config *c, const char *file,
                                           oikos_error *err) {
  OIKOS_TRY(check_rollback(c, file, err));
  OIKOS_TRY(check_rate(c, file, err));
  return check_priority(c, file, err);
}
