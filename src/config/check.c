/* SPDX-License-Identifier: MIT
 * What the keys of a configuration want of each other. */
#include "base/try.h"
#include "config/options.h"
#include "tasks/source.h"

/* What the aggregation rules and the rest of a configuration want of each other. */
static oikos_status check_aggregation(const oikos_config *c, const char *file, oikos_error *err) {
  bool ordered =
      c->aggregation.rule == OIKOS_RULE_TRIMMED_MEAN || c->aggregation.rule == OIKOS_RULE_MEDIAN;
  if (ordered && c->home.count > 1 && c->home.rule == OIKOS_HOME_WEIGHTED)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: aggregation.rule trimmed_mean and median order the members of a home, but "
        "with home.rule weighted every learner is a member of all in part; set "
        "home.rule to hard, or aggregation.rule to clip or centred_clip",
        file);
  if (ordered && c->home.owns == OIKOS_OWNS_MODULATION)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: aggregation.rule trimmed_mean and median order the gradients of "
                      "parameters, which a home that owns a modulation has none of; set "
                      "aggregation.rule to clip or centred_clip, or home.owns to all",
                      file);
  if (c->aggregation.rule != OIKOS_RULE_MEAN && c->distill.weight > 0 &&
      c->distill.teacher == OIKOS_TEACHER_PEERS)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher peers is the plain mean of the trained learners; with "
                      "another aggregation.rule than mean take another teacher",
                      file);
  if (c->privacy.noise > 0 && c->aggregation.rule != OIKOS_RULE_CLIP)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: privacy.noise is %g, but without aggregation.rule clip nothing bounds what "
        "it has to hide; set aggregation.rule to clip, and aggregation.radius",
        file, c->privacy.noise);
  if (c->privacy.noise > 0 && c->home.owns != OIKOS_OWNS_NOTHING &&
      c->home.mixing * (double)c->home.count > 1)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: with privacy.noise a home's sum is divided by learners.count / home.count, "
        "whoever lives there, so home.mixing may be at most 1 / home.count, %g; found %g",
        file, 1 / (double)c->home.count, c->home.mixing);
  return OIKOS_OK;
}

static oikos_status check_homes(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->home.count > 1 && c->home.owns == OIKOS_OWNS_NOTHING)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.count is %lld but home.owns is nothing, so all homes would be the "
                      "same; set home.owns to "
                      "last, all or modulation",
                      file, (long long)c->home.count);
  if ((c->home.score == OIKOS_SCORE_ENCODER) != (c->home.encoder.n_layers > 0))
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: home.encoder lists %d layers, but home.score is %s: the encoder's layers "
        "belong to score encoder, which needs at least one",
        file, c->home.encoder.n_layers,
        c->home.score == OIKOS_SCORE_ENCODER ? "encoder" : "not encoder");
  if (c->home.score == OIKOS_SCORE_ENCODER && c->home.rule != OIKOS_HOME_WEIGHTED)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.score encoder is trained through the weights p of the homes, and "
                      "home.rule hard has none; set home.rule to weighted",
                      file);
  if (c->home.owns == OIKOS_OWNS_MODULATION && (c->home.mixing > 0 || c->shared.mixing > 0))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.owns modulation: a trained network is no modulation and no network "
                      "before it, so nothing can be mixed; set home.mixing and shared.mixing to 0",
                      file);
  if (c->home.score == OIKOS_SCORE_HELD_OUT && c->task.support < 2)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: home.score held_out halves the support set, but task.support is %lld; give 2 or more",
        file, (long long)c->task.support);
  return OIKOS_OK;
}

/* What a task source has no part of is refused by its own words. */
static oikos_status check_fits(const oikos_config *c, const oikos_source_type *source,
                               const char *file, oikos_error *err) {
  char name[OIKOS_NAME], word[OIKOS_NAME], others[OIKOS_WORDS];
  oikos_option_chosen("task.source", c, name);
  if (source->data != OIKOS_DATA_NONE && !c->task.file[0])
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.source is %s but task.file is not set; make one with `oikos import`", file, name);
  oikos_option_chosen("task.split", c, word);
  if (source->splits && oikos_choice_index(source->splits, word) < 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.split is %s, but task.source is %s, which has no such split: set "
                      "task.split to %s",
                      file, word, name, oikos_choice_phrase(source->splits, others));
  oikos_option_chosen("model.loss", c, word);
  if (oikos_choice_index(source->losses, word) < 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: model.loss does not fit task.source: %s wants %s, found %s", file, name,
                      oikos_choice_phrase(source->losses, others), word);
  return OIKOS_OK;
}

static oikos_status check_task(const oikos_config *c, const char *file, oikos_error *err) {
  const oikos_source_type *source = oikos_source_type_of(c);
  OIKOS_TRY(check_fits(c, source, file, err));
  if (c->task.validation_fraction + c->task.test_fraction >= 1 &&
      c->task.split == OIKOS_SPLIT_FRACTION)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.validation_fraction + task.test_fraction is %g: nothing is left to train on",
        file, c->task.validation_fraction + c->task.test_fraction);
  if (c->inner.micro_batches > c->task.support * (source->per_class ? c->task.ways : 1))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: inner.micro_batches is %lld, more than the support examples", file,
                      (long long)c->inner.micro_batches);
  return source->check ? source->check(c, file, err) : OIKOS_OK;
}

oikos_status oikos_config_check(const oikos_config *c, oikos_error *err) {
  const char *file = c->file[0] ? c->file : "configuration";
  if (c->model.n_layers == 0)
    return oikos_fail(err, OIKOS_USAGE, "%s: model.layers: expected a list of layers, found none",
                      file);
  if (c->model.loss == OIKOS_LOSS_PROTOTYPES &&
      (c->inner.steps || c->eval.steps > 0 || c->home.count > 1))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: model.loss prototypes has no inner loop: set inner.steps to 0, "
                      "eval.steps to 0 or -1, and "
                      "home.count to 1",
                      file);
  OIKOS_TRY(check_homes(c, file, err));
  OIKOS_TRY(oikos_config_check_learners(c, file, err));
  OIKOS_TRY(check_task(c, file, err));
  OIKOS_TRY(oikos_config_check_embedding(c, file, err));
  OIKOS_TRY(check_aggregation(c, file, err));
  OIKOS_TRY(oikos_config_check_adjustment(c, file, err));
  return oikos_config_check_distill(c, file, err);
}
