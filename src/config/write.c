/* SPDX-License-Identifier: MIT
 * The configuration as text: resolved, explained, compared. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "config/options.h"
#include "learn/schedule.h"

/* Arguments, name and inputs: nothing if there are none. */
static void write_mapping(const oikos_layer_list *list, const oikos_layer_spec *spec, FILE *out) {
  const char *between = ": {";
  for (int a = 0; a < spec->n_args; a++, between = ", ") {
    fprintf(out, "%s%s: ", between, spec->arg[a].key);
    oikos_number_print(spec->arg[a].value, out);
  }
  if (spec->name[0]) {
    fprintf(out, "%sname: %s", between, spec->name);
    between = ", ";
  }
  if (spec->n_from)
    fprintf(out, "%sfrom: [", between);
  for (int k = 0; k < spec->n_from; k++) {
    int from = spec->from[k];
    if (from < 0 || list->layers[from].name[0])
      fputs(from < 0 ? "input" : list->layers[from].name, out);
    else
      fprintf(out, "%d", from);
    fputs(k + 1 < spec->n_from ? ", " : "]", out);
  }
  if (spec->n_args || spec->name[0] || spec->n_from)
    fputc('}', out);
}

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
    write_mapping(list, spec, out);
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
  char low[OIKOS_NUMBER_TEXT], high[OIKOS_NUMBER_TEXT];
  switch (o->type) {
  case OPTION_INT:
    fprintf(out, "whole number, %s to %s", oikos_number_text(o->low, low),
            oikos_number_text(o->high, high));
    break;
  case OPTION_REAL:
    fprintf(out, "number, %s to %s", oikos_number_text(o->low, low),
            oikos_number_text(o->high, high));
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

/* What the words of an option stand for, each on lines of its own. */
static void explain_words(const oikos_option *o, const char *indent, FILE *out) {
  for (int i = 0; o->type == OPTION_CHOICE && i < oikos_choice_count(o->choices); i++) {
    const oikos_word *word = oikos_option_word(o, i);
    char name[OIKOS_NAME], text[512];
    if (!word)
      return;
    oikos_choice_word(o->choices, i, name);
    snprintf(text, sizeof text, "%s: %s", name, word->meaning);
    explain_meaning(text, indent, out);
  }
}

void oikos_config_explain(FILE *out) {
  oikos_config *c = malloc(sizeof *c);
  char section[OIKOS_NAME] = "";
  if (!c)
    return;
  oikos_config_defaults(c);
  const oikos_use *u = oikos_uses();
  for (const oikos_option *o = oikos_options(); o->key; o++, u++) {
    const char *name = enter_section(o, section, out), *indent = name == o->key ? "" : "  ";
    explain_meaning(o->meaning, indent, out);
    explain_words(o, indent, out);
    fprintf(out, "%s# (", indent);
    explain_type(o, out);
    fputs(")\n", out);
    fprintf(out, "%s# Read by ", indent);
    oikos_readers_print(u->readers, out);
    fputs(u->when ? "; with " : "", out);
    oikos_use_print(u->when, out);
    fputc('\n', out);
    write_value(o, c, name, out);
  }
  free(c);
}

oikos_status oikos_config_text(const oikos_config *c, char **text, oikos_error *err) {
  size_t size;
  FILE *out = open_memstream(text, &size);
  if (!out)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_write(c, out);
  fclose(out);
  return OIKOS_OK;
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

/* What keeps a run from being resumed with another value of a key; NULL: nothing. */
static const char *what_fixes(const oikos_option *o, const oikos_config *old) {
  if (strcmp(o->key, "steps") == 0 && oikos_schedule_has_end(old))
    return "the outer.schedule that it was begun with goes by the last of `steps`, so that the "
           "steps done would have had other rates (others do not: `oikos config --explain`)";
  return o->free_on_resume ? NULL : "only keys that leave the computation as it is may change";
}

oikos_status oikos_config_resumable(const oikos_config *old, const oikos_config *now,
                                    oikos_error *err) {
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    const char *why = what_fixes(o, old);
    if (!why)
      continue;
    char *was = option_text(o, old), *is = option_text(o, now);
    bool equal = was && is && strcmp(was, is) == 0;
    size_t from = was && is ? first_difference(was, is) : 0;
    if (!equal)
      oikos_fail(
          err, OIKOS_USAGE,
          "%s was %s%.300s in the checkpoint and is %s%.300s now; %s: keep the old value, or "
          "start a new run in another --out (an evaluation has keys of its own, eval.*)",
          o->key, from ? "... " : "", was ? was + from : "?", from ? "... " : "",
          is ? is + from : "?", why);
    free(was);
    free(is);
    if (!equal)
      return OIKOS_USAGE;
  }
  return OIKOS_OK;
}
