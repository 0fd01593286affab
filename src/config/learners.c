/* SPDX-License-Identifier: MIT
 * What the keys of learners, and of the homes they choose, want of each other and of the rest. */
#include "base/try.h"
#include "config/options.h"

static oikos_status check_many(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->learners.per_step > c->learners.count)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.per_step is %lld, but learners.count is %lld: no more can be "
                      "active than there are",
                      file, (long long)c->learners.per_step, (long long)c->learners.count);
  if (c->learners.persist && c->inner.steps == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.persist keeps what the inner steps have made of a learner, but "
                      "inner.steps is 0; set it to 1 or more",
                      file);
  if (c->learners.persist && c->privacy.noise > 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.persist writes every learner's own parameters into the "
                      "checkpoint, which privacy.noise does not hide; set one of the two off",
                      file);
  return OIKOS_OK;
}

/* Sums of weighted learners: the rules that bound or order learners take them all alike. */
static oikos_status check_weigh(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->learners.weigh == OIKOS_WEIGH_EQUAL)
    return OIKOS_OK;
  if (c->aggregation.rule != OIKOS_RULE_MEAN)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: learners.weigh examples is a weighted mean, but aggregation.rule is not "
                      "mean: the other rules bound or order learners of equal weight; set one of "
                      "the two",
                      file);
  if (c->distill.weight > 0 && c->distill.teacher == OIKOS_TEACHER_PEERS)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher peers is the plain mean of the trained learners; with "
                      "learners.weigh examples take another teacher",
                      file);
  return OIKOS_OK;
}

oikos_status oikos_config_check_learners(const oikos_config *c, const char *file,
                                         oikos_error *err) {
  OIKOS_TRY(check_many(c, file, err));
  OIKOS_TRY(check_weigh(c, file, err));
  bool bound = c->task.learners == OIKOS_LEARNERS_GROUPS;
  char source[OIKOS_NAME], grouped[OIKOS_WORDS], phrase[OIKOS_WORDS];
  oikos_option_chosen("task.source", c, source);
  oikos_words_reading(oikos_option_find("task.source"), "task.learners", grouped);
  if (bound && oikos_choice_index(grouped, source) < 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.learners is groups, but an episode of task.source %s is of no one "
                      "group; only %s know groups",
                      file, source, oikos_choice_phrase(grouped, phrase));
  if (c->task.move_at > 0 && !bound)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.move_at is %lld, but with task.learners free no learner has a group "
        "to move from; set task.learners to groups",
        file, (long long)c->task.move_at);
  if (c->home.revive > 0 && c->home.rule == OIKOS_HOME_WEIGHTED)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.revive is %lld, but with home.rule weighted every learner lives in "
                      "all homes in part, so none is empty; set home.rule to hard",
                      file, (long long)c->home.revive);
  if (c->home.revive > 0 && c->privacy.noise > 0)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: home.revive is %lld, which tells by the weights where nobody lives; with "
        "privacy.noise set it to 0",
        file, (long long)c->home.revive);
  return OIKOS_OK;
}
