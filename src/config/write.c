/* SPDX-License-Identifier: MIT
 * The configuration as text: resolved, explained, compared. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "config/options.h"

static void write_layers(const oikos_layer_list *list, FILE *out) {
  if (list->n_layers == 0)
    fputs(" []", out);
  for (int i = 0; i < list->n_layers; i++) {
    const oikos_layer_spec *spec = &list->layers[i];
    fprintf(out, "\n    - %s", spec->kind);
    if (spec->n_args && !spec->arg[0].key[0]) {
      fputs(": ", out);
      oikos_number_print(spec->arg[0].value, out);
      continue;
    }
    for (int a = 0; a < spec->n_args; a++) {
      fprintf(out, "%s%s: ", a ? ", " : ": {", spec->arg[a].key);
      oikos_number_print(spec->arg[a].value, out);
    }
    if (spec->n_args)
      fputc('}', out);
  }
}

/* Prints "section:" where a new one begins; returns the key's name inside its section. */
static const char *enter_section(const oikos_option *o, char *section, FILE *out) {
  const char *dot = strchr(o->key, '.');
  if (!dot)
    return o->key;
  size_t length = (size_t)(dot - o->key);
  if (strncmp(section, o->key, length) != 0 || section[length]) {
    snprintf(section, OIKOS_NAME, "%.*s", (int)length, o->key);
    fprintf(out, "%s:\n", section);
  }
  return dot + 1;
}

static void write_value(const oikos_option *o, const oikos_config *c, const char *name, FILE *out) {
  fprintf(out, "%s%s:", name == o->key ? "" : "  ", name);
  if (o->type == OPTION_LAYERS) {
    write_layers(oikos_option_at(o, c), out);
  } else {
    fputc(' ', out);
    oikos_option_print(o, c, out);
  }
  fputc('\n', out);
}

void oikos_config_write(const oikos_config *c, FILE *out) {
  char section[OIKOS_NAME] = "";
  for (const oikos_option *o = oikos_options(); o->key; o++)
    write_value(o, c, enter_section(o, section, out), out);
}

static void explain_type(const oikos_option *o, FILE *out) {
  switch (o->type) {
  case OPTION_INT:
    fprintf(out, "whole number, %.15g to %.15g", o->low, o->high);
    break;
  case OPTION_REAL:
    fprintf(out, "number, %.15g to %.15g", o->low, o->high);
    break;
  case OPTION_BOOL:
    fputs("true or false", out);
    break;
  case OPTION_CHOICE:
    fprintf(out, "one of %s", o->choices);
    break;
  case OPTION_STRING:
    fputs("text", out);
    break;
  case OPTION_STRINGS:
    fprintf(out, "list of %s", o->choices);
    break;
  case OPTION_LAYERS:
    fputs("list of layers", out);
    break;
  }
}

/* The meaning, folded at 100 columns into comment lines. */
static void explain_meaning(const char *text, const char *indent, FILE *out) {
  int column = 0;
  while (*text) {
    int word = (int)strcspn(text, " ");
    if (column == 0 || column + 1 + word > 100) {
      column = fprintf(out, "%s%s#", column ? "\n" : "", indent);
    }
    column += fprintf(out, " %.*s", word, text);
    text += word;
    text += strspn(text, " ");
  }
  fputc('\n', out);
}

void oikos_config_explain(FILE *out) {
  oikos_config *c = malloc(sizeof *c);
  char section[OIKOS_NAME] = "";
  if (!c)
    return;
  oikos_config_defaults(c);
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    const char *name = enter_section(o, section, out), *indent = name == o->key ? "" : "  ";
    explain_meaning(o->meaning, indent, out);
    fprintf(out, "%s# (", indent);
    explain_type(o, out);
    fputs(")\n", out);
    write_value(o, c, name, out);
  }
  free(c);
}

/* Make one line of a text: runs of blanks and line ends become one blank, none at the beginning. */
static void fold(char *text) {
  char *to = text;
  for (const char *from = text; from && *from; from++)
    if (!isspace((unsigned char)*from) || (to > text && to[-1] != ' '))
      *to++ = isspace((unsigned char)*from) ? ' ' : *from;
  if (to)
    *to = 0;
}

/* An option's value as oikos_config_write gives it, on one line; freed by the caller. */
static char *option_text(const oikos_option *o, const oikos_config *c) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  if (o->type == OPTION_LAYERS)
    write_layers(oikos_option_at(o, c), out);
  else
    oikos_option_print(o, c, out);
  fclose(out);
  fold(text);
  return text;
}

/* Where to begin to show a value that differs from another one: a long list at the first item that
 * does. */
static size_t first_difference(const char *a, const char *b) {
  enum { SHORT = 100 };
  size_t at = 0;
  while (a[at] && a[at] == b[at])
    at++;
  if (at < SHORT)
    return 0;
  while (at > 0 && strncmp(a + at, "- ", 2) != 0)
    at--;
  return at;
}

oikos_status oikos_config_resumable(const oikos_config *old, const oikos_config *now,
                                    oikos_error *err) {
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    // a cosine schedule is a function of the last step too
    bool fixed = !o->free_on_resume ||
                 (strcmp(o->key, "steps") == 0 && old->outer.schedule == OIKOS_SCHEDULE_COSINE);
    if (!fixed)
      continue;
    char *was = option_text(o, old), *is = option_text(o, now);
    bool equal = was && is && strcmp(was, is) == 0;
    size_t from = was && is ? first_difference(was, is) : 0;
    if (!equal)
      oikos_fail(err, OIKOS_USAGE,
                 "%s was %s%.300s in the checkpoint and is %s%.300s now; only keys that leave the "
                 "computation as it is may "
                 "change: keep the old value, or start a new run in another --out",
                 o->key, from ? "... " : "", was ? was + from : "?", from ? "... " : "",
                 is ? is + from : "?");
    free(was);
    free(is);
    if (!equal)
      return OIKOS_USAGE;
  }
  return OIKOS_OK;
}

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

oikos_status oikos_config_check(const oikos_config *c, oikos_error *err) {
  const char *file = c->file[0] ? c->file : "configuration";
  if (c->model.n_layers == 0)
    return oikos_fail(err, OIKOS_USAGE, "%s: model.layers: expected a list of layers, found none",
                      file);
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
  if (c->model.loss == OIKOS_LOSS_PROTOTYPES &&
      (c->inner.steps || c->eval.steps > 0 || c->home.count > 1))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: model.loss prototypes has no inner loop: set inner.steps to 0, "
                      "eval.steps to 0 or -1, and "
                      "home.count to 1",
                      file);
  if (c->task.source != OIKOS_SOURCE_FUNCTIONS && !c->task.file[0])
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.source is %s but task.file is not set; make one with `oikos import`", file,
        c->task.source == OIKOS_SOURCE_IMAGES ? "images" : "table");
  if (c->task.source == OIKOS_SOURCE_TABLE && c->task.split == OIKOS_SPLIT_FILE)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: task.source is table, which keeps no publisher's split: set task.split "
                      "to fraction or list",
                      file);
  OIKOS_TRY(oikos_config_check_learners(c, file, err));
  if ((c->task.source == OIKOS_SOURCE_IMAGES) != (c->model.loss != OIKOS_LOSS_MSE))
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: model.loss does not fit task.source: functions and tables want mse, images want "
        "cross_entropy or prototypes",
        file);
  if (c->task.validation_fraction + c->task.test_fraction >= 1 &&
      c->task.split == OIKOS_SPLIT_FRACTION)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: task.validation_fraction + task.test_fraction is %g: nothing is left to train on",
        file, c->task.validation_fraction + c->task.test_fraction);
  if (c->inner.micro_batches >
      c->task.support * (c->task.source == OIKOS_SOURCE_IMAGES ? c->task.ways : 1))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: inner.micro_batches is %lld, more than the support examples", file,
                      (long long)c->inner.micro_batches);
  OIKOS_TRY(check_aggregation(c, file, err));
  OIKOS_TRY(oikos_config_check_adjustment(c, file, err));
  return oikos_config_check_distill(c, file, err);
}
