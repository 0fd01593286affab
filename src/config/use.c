/* SPDX-License-Identifier: MIT
 * Who reads which key: the one table of the commands and of the other keys' values that make use of
 * it. A key that is given and not used is an error, or somebody would believe in it. */
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "config/options.h"

#define T OIKOS_FOR_TRAIN
#define E OIKOS_FOR_EVAL
#define R OIKOS_FOR_RECOMMEND
#define G OIKOS_FOR_GRADCHECK
#define B OIKOS_FOR_BENCH
#define D OIKOS_FOR_DISTILL

enum {
  ALL = T | E | R | G | B | D, /* what is computed for a learner */
  STEP = T | B | D,            /* what becomes of it in a step */
  RUN = T | D,
  WORD = 96
};

/* Conditions: KEY=WORD|WORD or KEY>0, joined by " & "; of alternatives, joined by " / ", one holds.
 * KEY=@OTHER: KEY is one of the words whose types make use of OTHER, as they say themselves. */
#define LOOP     "model.loss=mse|cross_entropy"
#define HOMES    "home.count!=1"
#define OWNS     "home.owns=last|all|modulation"
#define CLIPS    "aggregation.rule=clip|centred_clip"
#define DISTILLS "distill.weight>0"

/* A row of a key that some task sources, optimizers or schedules make use of. */
#define SOURCE(key)              key, ALL, "task.source=@" key
#define SOURCE_WITH(key, more)   key, ALL, "task.source=@" key " & " more
#define SOURCE_FOR(readers, key) key, readers, "task.source=@" key
#define OPTIMIZER(key)           key, STEP, "outer.optimizer=@" key
#define SCHEDULE(key)            key, STEP, "outer.schedule=@" key

static const oikos_use table[] = {
    {"seed", ALL, NULL},
    {"steps", STEP, NULL},
    {"task.source", ALL, NULL},
    {SOURCE("task.modes")},
    {SOURCE("task.noise")},
    {SOURCE("task.file")},
    {"task.support", ALL, NULL},
    {"task.query", ALL, NULL},
    {SOURCE("task.support_least")},
    {SOURCE("task.roles")},
    {SOURCE_WITH("task.draw", "task.learners=free")},
    {SOURCE_WITH("task.fold", "task.split=file")},
    {SOURCE("task.order")},
    {SOURCE_WITH("task.self_row", "model.layers=embedding")},
    {SOURCE("task.content")},
    {SOURCE("task.residual")},
    {SOURCE_FOR(T | E | D, "task.relevant")},
    {SOURCE("task.learners")},
    {"task.move_at", ALL, "task.learners=groups"},
    {"task.move_share", ALL, "task.learners=groups & task.move_at>0"},
    {SOURCE("task.ways")},
    {SOURCE("task.rotations")},
    {SOURCE("task.split")},
    {SOURCE_WITH("task.validation_fraction", "task.split=fraction")},
    {SOURCE_WITH("task.test_fraction", "task.split=fraction")},
    {SOURCE_WITH("task.train_list", "task.split=list")},
    {SOURCE_WITH("task.validation_list", "task.split=list")},
    {SOURCE_WITH("task.test_list", "task.split=list")},
    {"learners.count", STEP, NULL},
    {"learners.per_step", STEP, NULL},
    {SOURCE_FOR(STEP, "learners.weigh")},
    {"learners.persist", STEP, NULL},
    {"learners.pull", STEP, "learners.persist=true"},
    {"learners.rollback", STEP, NULL},
    {"learners.patience", STEP, NULL},
    {"model.loss", ALL, NULL},
    {"model.init", T | G | B | D, NULL},
    {SOURCE_WITH("model.norm_statistics", "model.layers=batch_norm")},
    {"model.layers", ALL, NULL},
    {"inner.steps", ALL, NULL},
    {"inner.rate", ALL, LOOP},
    {"inner.order", STEP | G, LOOP " & inner.steps>0"},
    {"inner.scope", ALL, LOOP},
    {"inner.from", ALL, LOOP " & inner.scope=all"},
    {"inner.learned_rates", ALL, LOOP " & inner.steps>0"},
    {"inner.micro_batches", ALL, LOOP},
    {"inner.multi_step", STEP | G, LOOP " & inner.steps>0"},
    {"inner.max_norm", ALL, LOOP},
    {"inner.adapt_rate", STEP, LOOP},
    {"inner.adapt_range", STEP, "inner.adapt_rate=true"},
    {"outer.optimizer", STEP, NULL},
    {OPTIMIZER("outer.momentum")},
    {OPTIMIZER("outer.beta1")},
    {OPTIMIZER("outer.beta2")},
    {OPTIMIZER("outer.epsilon")},
    {OPTIMIZER("outer.weight_decay")},
    {"outer.schedule", STEP, NULL},
    {"outer.warmup", STEP, NULL},
    {SCHEDULE("outer.final_rate")},
    {SCHEDULE("outer.decay")},
    {SCHEDULE("outer.decay_every")},
    {"outer.clip", STEP, NULL},
    {"shared.mixing", STEP, NULL},
    {"shared.rate", STEP, NULL},
    {"home.count", ALL, NULL},
    {"home.owns", ALL, NULL},
    {"home.rule", ALL, HOMES},
    {"home.score", ALL, HOMES},
    {"home.encoder", ALL, HOMES " & home.score=encoder"},
    {"home.memory", ALL, HOMES},
    {"home.share", ALL, HOMES},
    {"home.eta", ALL, HOMES},
    {"home.margin", ALL, HOMES " & home.rule=hard"},
    {"home.perturbation", STEP | G, HOMES},
    {"home.revive", STEP, HOMES},
    {"home.revive_below", STEP, HOMES " & home.revive>0"},
    {"home.mixing", STEP, OWNS},
    {"home.rate", STEP, OWNS},
    {"home.priority", STEP, HOMES},
    {"home.priority_strength", STEP, "home.priority=gradient|progress"},
    {"distill.weight", STEP | G, NULL},
    {"distill.temperature", STEP | G, DISTILLS " & model.loss=cross_entropy"},
    {"distill.teacher", T | G | B, DISTILLS},
    {"distill.in", STEP | G, DISTILLS},
    {"distill.teacher_steps", STEP | G, DISTILLS},
    {"distill.model", T | G | B, DISTILLS " & distill.teacher=model"},
    {"aggregation.rule", STEP, NULL},
    {"aggregation.radius", STEP, CLIPS},
    {"aggregation.trained_radius", STEP,
     CLIPS " & shared.mixing>0 / " CLIPS " & home.mixing>0 & " OWNS},
    {"aggregation.trim", STEP, "aggregation.rule=trimmed_mean"},
    {"privacy.noise", STEP, NULL},
    {"privacy.delta", STEP, "privacy.noise>0"},
    {"attack.kind", STEP, NULL},
    {"attack.share", STEP, "attack.kind=scaled|flipped|random|nan|infinite"},
    {"attack.scale", STEP, "attack.kind=scaled|flipped|random"},
    {"run.threads", STEP | E | R, NULL},
    {"run.reduce", STEP, NULL},
    {"run.watchdog", ALL, NULL},
    {"run.keepalive", ALL, NULL},
    {"run.interface", ALL, "run.keepalive>0"},
    {"run.balance", RUN, NULL},
    {"checkpoint.every", RUN, NULL},
    {"checkpoint.mtbf", RUN, "checkpoint.every=-1"},
    {"checkpoint.keep", RUN, NULL},
    {"checkpoint.hints", RUN, NULL},
    {"log.every", RUN, NULL},
    {"eval.episodes", T | E | B | D, NULL},
    {"eval.steps", T | E | D, LOOP},
    {"eval.split", T | E | B | D, NULL},
    {SOURCE_FOR(T | E | B | D, "eval.norm_statistics") " & model.layers=batch_norm"},
    {SOURCE_FOR(T | E | R | D, "eval.support")},
    {SOURCE_FOR(T | E | D, "eval.query")},
    {NULL, 0, NULL},
};

const oikos_use *oikos_uses(void) {
  return table;
}

static const oikos_use *use_of(const char *key) {
  const oikos_use *u = table;
  while (u->key && strcmp(u->key, key) != 0)
    u++;
  return u->key ? u : NULL;
}

/* A term of a condition: KEY, what stands between, the words. */
typedef struct term {
  const oikos_option *option;
  char key[WORD], words[OIKOS_WORDS];
  char op; /* '=', '!' or '>' */
} term;

/* The term at *at, which moves to what joins it to the next: '&', '/' or 0. */
static term next_term(const char **at) {
  term t = {0};
  const char *c = *at + strspn(*at, " &/");
  size_t length = strcspn(c, "=!>");
  snprintf(t.key, sizeof t.key, "%.*s", (int)length, c);
  t.op = c[length];
  c += length + (t.op == '!' ? 2 : 1);
  length = strcspn(c, " ");
  t.option = oikos_option_find(t.key);
  if (*c == '@') {
    char other[WORD];
    snprintf(other, sizeof other, "%.*s", (int)length - 1, c + 1);
    oikos_words_reading(t.option, other, t.words);
  } else {
    snprintf(t.words, sizeof t.words, "%.*s", (int)length, c);
  }
  c += length;
  *at = c + strspn(c, " ");
  return t;
}

static bool has_layer(const oikos_layer_list *list, const char *words) {
  for (int i = 0; i < list->n_layers; i++)
    if (oikos_choice_index(words, list->layers[i].kind) >= 0)
      return true;
  return false;
}

static double number_at(const oikos_option *o, const oikos_config *c) {
  const void *at = oikos_option_at(o, c);
  return o->type == OPTION_INT ? (double)*(const int64_t *)at : *(const double *)at;
}

static bool term_holds(const term *t, const oikos_config *c) {
  double number;
  char word[OIKOS_NAME];
  const void *at = oikos_option_at(t->option, c);
  switch (t->option->type) {
  case OPTION_INT:
  case OPTION_REAL:
    number = number_at(t->option, c);
    if (t->op == '>')
      return number > 0;
    return (number == strtol(t->words, NULL, 10)) == (t->op == '=');
  case OPTION_BOOL:
    return oikos_choice_index(t->words, *(const bool *)at ? "true" : "false") >= 0;
  case OPTION_CHOICE:
    oikos_choice_word(t->option->choices, oikos_option_choice(t->option, c), word);
    return (oikos_choice_index(t->words, word) >= 0) == (t->op == '=');
  case OPTION_LAYERS:
    return has_layer(at, t->words);
  case OPTION_STRING:
  case OPTION_STRINGS:
    break;
  }
  return true;
}

bool oikos_use_holds(const char *when, const oikos_config *c) {
  bool all = true;
  for (const char *at = when; at && *at;) {
    term t = next_term(&at);
    all &= term_holds(&t, c);
    if (*at != '&') {
      if (all)
        return true;
      all = *at == '/';
    }
  }
  return !when;
}

const oikos_option *oikos_use_option(const char *when) {
  return next_term(&when).option;
}

/* Whether --set decided on a key that a condition speaks of: what it turns off takes the keys of
 * the file along. */
static bool set_aside(const char *when, const oikos_config *c) {
  for (const char *at = when; at && *at;) {
    term t = next_term(&at);
    if (c->given[t.option - oikos_options()] == OIKOS_GIVEN_BY_SET)
      return true;
  }
  return false;
}

void oikos_use_print(const char *when, FILE *out) {
  for (const char *at = when; at && *at;) {
    term t = next_term(&at);
    fprintf(out, t.op == '>' ? "%s above 0" : t.op == '!' ? "%s not " : "%s ", t.key);
    for (const char *w = t.words; t.op != '>' && *w; w++)
      fputs(*w == '|' ? " or " : (char[]){*w, 0}, out);
    fputs(*at == '&' ? " and " : *at == '/' ? ", or " : "", out);
  }
}

void oikos_readers_print(unsigned readers, FILE *out) {
  static const char *const name[] = {"train", "eval", "recommend", "gradcheck", "bench", "distill"};
  bool any = false;
  for (unsigned i = 0; i < sizeof name / sizeof *name; i++)
    if (readers & 1U << i) {
      fprintf(out, "%s%s", any ? ", " : "", name[i]);
      any = true;
    }
}

/* What the keys of a condition are, each once. */
static void print_found(const char *when, const oikos_config *c, FILE *out) {
  char seen[4 * WORD] = " ";
  for (const char *at = when; at && *at;) {
    term t = next_term(&at);
    char key[WORD + 2];
    snprintf(key, sizeof key, " %s ", t.key);
    if (strstr(seen, key))
      continue;
    fprintf(out, "%s%s ", seen[1] ? ", " : "", t.key);
    if (t.option->type == OPTION_LAYERS) {
      fputs("has none", out);
    } else {
      fputs("is ", out);
      oikos_option_print(t.option, c, out);
    }
    strncat(seen, key + 1, sizeof seen - strlen(seen) - 1);
  }
}

const char *oikos_option_place(const oikos_option *o, const oikos_config *c, char *text) {
  int line = c->given[o - oikos_options()];
  if (line > 0)
    snprintf(text, OIKOS_PLACE, "%s:%d: %s", c->file, line, o->key);
  else
    snprintf(text, OIKOS_PLACE, "%s%s", line == OIKOS_GIVEN_BY_SET ? "--set: " : "", o->key);
  return text;
}

static oikos_status unused(const oikos_option *o, const oikos_use *u, const oikos_config *c,
                           bool by_command, oikos_reader purpose, oikos_error *err) {
  char *text = NULL, place[OIKOS_PLACE];
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  fputs(oikos_option_place(o, c, place), out);
  if (by_command) {
    fputs(" does nothing here: oikos ", out);
    oikos_readers_print(purpose, out);
    fputs(" does not read it, but ", out);
    oikos_readers_print(u->readers, out);
  } else {
    fputs(" does nothing here: it is used with ", out);
    oikos_use_print(u->when, out);
    fputs(", and ", out);
    print_found(u->when, c, out);
  }
  fclose(out);
  oikos_fail(err, OIKOS_USAGE, "%s; take it out (`oikos config --explain` says what uses it)",
             text);
  free(text);
  return OIKOS_USAGE;
}

bool oikos_option_is_default(const oikos_option *o, const oikos_config *c,
                             const oikos_config *standard) {
  static const size_t size[] = {[OPTION_INT] = sizeof(int64_t),
                                [OPTION_REAL] = sizeof(double),
                                [OPTION_BOOL] = sizeof(bool),
                                [OPTION_CHOICE] = sizeof(int),
                                [OPTION_STRING] = OIKOS_PATH,
                                [OPTION_STRINGS] = sizeof(oikos_strings),
                                [OPTION_LAYERS] = sizeof(oikos_layer_list)};
  return memcmp(oikos_option_at(o, c), oikos_option_at(o, standard), size[o->type]) == 0;
}

static oikos_status check(const oikos_option *o, const oikos_config *c,
                          const oikos_config *standard, oikos_reader purpose, oikos_error *err) {
  int given = c->given[o - oikos_options()];
  const oikos_use *u = use_of(o->key);
  bool by_set = given == OIKOS_GIVEN_BY_SET;
  if (given == 0 || !u)
    return OIKOS_OK;
  if (by_set && purpose && !(u->readers & purpose))
    return unused(o, u, c, true, purpose, err);
  if (oikos_use_holds(u->when, c) ||
      (!by_set && (set_aside(u->when, c) || oikos_option_is_default(o, c, standard))))
    return OIKOS_OK;
  return unused(o, u, c, false, purpose, err);
}

oikos_status oikos_config_check_used(const oikos_config *c, oikos_reader purpose,
                                     oikos_error *err) {
  oikos_status status = OIKOS_OK;
  oikos_config *standard = malloc(sizeof *standard);
  if (!standard)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_defaults(standard);
  for (const oikos_option *o = oikos_options(); o->key && status == OIKOS_OK; o++)
    status = check(o, c, standard, purpose, err);
  free(standard);
  return status;
}

void oikos_config_forget_given(oikos_config *c) {
  memset(c->given, 0, sizeof c->given);
  c->old_names = 0;
}
