/* SPDX-License-Identifier: MIT
 * What the keys of a recommender want of each other and of the rest. */
#include <string.h>

#include "base/try.h"
#include "config/options.h"

int64_t oikos_config_row_width(const oikos_config *c) {
  const oikos_layer_spec *first = &c->model.layers[0];
  if (c->model.n_layers == 0 || strcmp(first->kind, "embedding") != 0)
    return 0;
  for (int a = 0; a < first->n_args; a++)
    if ((!first->arg[a].key[0] || strcmp(first->arg[a].key, "width") == 0) &&
        first->arg[a].value >= 1 && first->arg[a].value <= 0x1p20)
      return (int64_t)first->arg[a].value;
  return 0; // the layer itself will say what is wrong
}

static oikos_status check_source(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->task.split == OIKOS_SPLIT_LIST)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.split is list, but task.source ratings has users and items to "
                      "split; set it to fraction (unseen users and items), last, or file "
                      "(task.fold)",
                      file);
  if ((c->task.split == OIKOS_SPLIT_FILE) != (c->task.fold[0] != 0))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.split is %s file, but task.fold is \"%.40s\": a publisher's split "
                      "and its name, such as u1, belong together",
                      file, c->task.split == OIKOS_SPLIT_FILE ? "" : "not", c->task.fold);
  if (c->task.split == OIKOS_SPLIT_FRACTION && c->task.own_row && oikos_config_row_width(c) > 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.own_row is true, but with task.split fraction the users and items "
                      "of the test are new and have no trained row of their own; set it to false",
                      file);
  if (c->task.residual && c->model.loss != OIKOS_LOSS_MSE)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.residual is true, but what biases leave of a rating is a number and "
        "no class: set model.loss to mse, or task.residual to false",
        file);
  if (c->task.support_least > c->task.support)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.support_least is %lld, more than task.support, %lld", file,
                      (long long)c->task.support_least, (long long)c->task.support);
  return OIKOS_OK;
}

/* The rows of a table are added up beside the main sum, as they are. */
static oikos_status check_rows(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->task.source != OIKOS_SOURCE_RATINGS)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: model.layers begins with embedding, but only task.source ratings has "
                      "users and items with rows",
                      file);
  if (c->aggregation.rule != OIKOS_RULE_MEAN)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: aggregation.rule %s does not reach the rows of an embedding layer: set "
                      "it to mean, or take the layer out",
                      file, c->aggregation.rule == OIKOS_RULE_CLIP ? "clip" : "other than mean");
  if (c->home.score == OIKOS_SCORE_ENCODER)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: home.score encoder reads the examples' embedding rows, which would not "
                      "hear of it: set it to before or held_out",
                      file);
  if (c->run.reduce == OIKOS_REDUCE_FAST)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: run.reduce fast is for comparison, and embedding rows are always added "
                      "exactly; set it to exact",
                      file);
  if (c->distill.weight > 0 && c->distill.teacher == OIKOS_TEACHER_MODEL)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher model has embedding rows of its own, which are not "
                      "loaded; take another teacher",
                      file);
  return OIKOS_OK;
}

oikos_status oikos_config_check_ratings(const oikos_config *c, const char *file, oikos_error *err) {
  if (c->task.source == OIKOS_SOURCE_RATINGS)
    OIKOS_TRY(check_source(c, file, err));
  return oikos_config_row_width(c) > 0 ? check_rows(c, file, err) : OIKOS_OK;
}
