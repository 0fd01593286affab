/* SPDX-License-Identifier: MIT
 * Which teachers a configuration may have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "config/options.h"
#include "tasks/source.h"

/* Whether the student starts where such a teacher does. */
static bool same_start(const oikos_config *c) {
  bool home = c->distill.teacher == OIKOS_TEACHER_HOME,
       home_weights = c->home.owns != OIKOS_OWNS_NOTHING,
       mixture = c->home.rule == OIKOS_HOME_WEIGHTED && c->home.count > 1;
  if (c->distill.teacher == OIKOS_TEACHER_SHARED)
    return !home_weights;
  return home && !(home_weights && mixture);
}

oikos_status oikos_config_check_distill(const oikos_config *c, const char *file, oikos_error *err) {
  int64_t steps = c->distill.teacher_steps;
  if (c->distill.weight == 0)
    return OIKOS_OK;
  if (c->model.loss == OIKOS_LOSS_PROTOTYPES)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.weight is %g, but model.loss prototypes has no term of "
                      "distillation; set distill.weight to 0, or model.loss to cross_entropy",
                      file, c->distill.weight);
  if (c->distill.in == OIKOS_IN_SUPPORT && c->inner.steps == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.in is support, but inner.steps is 0, so nothing is learned on "
                      "the support set; set distill.in to query",
                      file);
  if (c->distill.teacher == OIKOS_TEACHER_MODEL && !c->distill.model[0])
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher is model, but distill.model is not set; give a "
                      "checkpoint of the teacher, or use `oikos distill`",
                      file);
  if (c->distill.teacher == OIKOS_TEACHER_PEERS && c->home.owns == OIKOS_OWNS_MODULATION)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: distill.teacher is peers, but home.owns is modulation: a trained network "
        "is no modulation, so there is no mean of them; choose another of the two",
        file);
  if (c->distill.in == OIKOS_IN_QUERY && same_start(c) && (steps < 0 || steps == c->inner.steps))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: distill.teacher would give what the learner itself gives: both start at "
                      "the same parameters and take the same steps. Set distill.teacher_steps to "
                      "another number than inner.steps, or choose another distill.teacher",
                      file);
  return OIKOS_OK;
}

/* An option's value as text, freed by the caller. */
static char *text_of(const oikos_option *o, const oikos_config *c) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  oikos_option_print(o, c, out);
  fclose(out);
  return text;
}

/* Keys that decide what a task is and which classes, groups, users and items are unseen. */
static bool matters(const oikos_option *o, const oikos_config *student) {
  static const char *const free_keys[] = {"task.support", "task.query", "task.noise", "task.file"};
  for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
    if (strcmp(o->key, free_keys[i]) == 0)
      return false;
  if (strcmp(o->key, "seed") == 0) // it draws what belongs to each part
    return oikos_source_type_of(student)->splits && student->task.split == OIKOS_SPLIT_FRACTION;
  return strncmp(o->key, "task.", 5) == 0 || strcmp(o->key, "model.loss") == 0;
}

oikos_status oikos_config_teaches(const oikos_config *teacher, const oikos_config *student,
                                  oikos_error *err) {
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    if (!matters(o, student))
      continue;
    char *theirs = text_of(o, teacher), *ours = text_of(o, student);
    bool equal = theirs && ours && strcmp(theirs, ours) == 0;
    if (!equal)
      oikos_fail(err, OIKOS_USAGE,
                 "the teacher was trained with %s %.300s, the student has %.300s: a teacher must "
                 "know the student's task; give both the same %s",
                 o->key, theirs ? theirs : "?", ours ? ours : "?", o->key);
    free(theirs);
    free(ours);
    if (!equal)
      return OIKOS_USAGE;
  }
  return OIKOS_OK;
}
