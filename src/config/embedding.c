/* SPDX-License-Identifier: MIT
 * What an embedding layer wants of the rest. */
#include <string.h>

#include "base/try.h"
#include "config/options.h"
#include "tasks/source.h"

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

/* The rows of a table are added up beside the main sum, as they are. */
static oikos_status check_embedding_rows(const oikos_config *c, const char *file,
                                         oikos_error *err) {
  char word[OIKOS_NAME];
  if (!oikos_source_type_of(c)->rated)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: model.layers begins with embedding, but task.source %s has no users and "
                      "items with rows; take the layer out",
                      file, oikos_option_chosen("task.source", c, word));
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

oikos_status oikos_config_check_embedding(const oikos_config *c, const char *file,
                                          oikos_error *err) {
  return oikos_config_row_width(c) > 0 ? check_embedding_rows(c, file, err) : OIKOS_OK;
}
