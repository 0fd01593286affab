/* SPDX-License-Identifier: MIT
 * What the keys of a recommender want of each other. */
#include "tasks/ratings_impl.h"

oikos_status oikos_ratings_check_config(const oikos_config *c, const char *file, oikos_error *err) {
  if ((c->task.split == OIKOS_SPLIT_FILE) != (c->task.fold[0] != 0))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.split is %s file, but task.fold is \"%.40s\": a publisher's split "
                      "and its name, such as u1, belong together",
                      file, c->task.split == OIKOS_SPLIT_FILE ? "" : "not", c->task.fold);
  if (c->task.split == OIKOS_SPLIT_FRACTION && c->task.self_row && oikos_config_row_width(c) > 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.self_row is true, but with task.split fraction the users and items "
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
