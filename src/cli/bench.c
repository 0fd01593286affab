/* SPDX-License-Identifier: MIT
 * oikos bench: measure this machine against its own bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "bench/bench.h"
#include "cli/cli.h"

enum { MAX_ARGUMENTS = 65, DEFAULT_MIB = 256, DEFAULT_ROWS = 1000000, DEFAULT_WIDTH = 20 };

typedef struct word {
  const char *name, *arguments, *help;
  const char *options; /* the keys it takes */
  int least, most;     /* arguments behind it */
  oikos_bench_function *run;
  bool configured; /* its argument, if any, is a configuration */
} word;

static const word words[] = {
    {"step", "[CONFIG] [--set KEY=VALUE ...]",
     "outer steps, against the machine and their matrix products alone: the usual works, or those "
     "of a configuration",
     "so", 0, 1, oikos_bench_step, true},
    {"gemm", "", "matrix products, against the peak of fused multiply-adds", "k", 0, 0,
     oikos_bench_gemm, false},
    {"choose", "", "the ways to compute a convolution, beside the rule that takes one", "", 0, 0,
     oikos_bench_choose, false},
    {"reduce", "[--elements N]", "exact sums over the ranks, against plain ones", "e", 0, 0,
     oikos_bench_reduce, false},
    {"checkpoint", "[--mib N] [--out DIR]", "writing and reading one, against a bare file", "mo", 0,
     0, oikos_bench_checkpoint, false},
    {"embedding", "[--rows N] [--width D]",
     "steps on a table whose rows the ranks own, against the bare exchange", "rw", 0, 0,
     oikos_bench_embedding, false},
    {"import", "KIND SOURCE ...", "an import, against reading and inflating its sources", "", 2,
     MAX_ARGUMENTS, oikos_bench_import, false},
};

enum { WORDS = sizeof words / sizeof *words };

static const struct argp_option table[] = {
    {"elements", 'e', "N", 0, "reduce: numbers in the sum (default: 112000, then 10000000)", 0},
    {"mib", 'm', "N", 0, "checkpoint: size in MiB (default: 256)", 0},
    {"rows", 'r', "N", 0, "embedding: rows of the table (default: 1000000)", 0},
    {"width", 'w', "D", 0, "embedding: numbers of a row (default: 20)", 0},
    {"out", 'o', "DIR", 0, "checkpoint, step: an existing folder to write in (default: this one)",
     0},
    {"set", 's', "KEY=VALUE", 0, "step: override a key of the configuration", 0},
    {"keep", 'k', NULL, OPTION_HIDDEN, "gemm: the kernel in use only, as plain numbers", 0},
    {0},
};

typedef struct bench_options {
  const char *what;
  const word *word;
  char given[sizeof table / sizeof *table]; /* the keys of the options that stand there */
  oikos_bench_job job;
  oikos_sets sets;
  const char *arguments[MAX_ARGUMENTS];
} bench_options;

void oikos_bench_list(FILE *out) {
  for (int i = 0; i < WORDS; i++)
    fprintf(out, "          %-10s  %s\n", words[i].name, words[i].help);
}

static error_t unknown(struct argp_state *state, const char *what) {
  char names[256] = "";
  for (int i = 0; i < WORDS; i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", words[i].name);
  }
  return oikos_cli_wrong(state, "WHAT is one of %s; found %s", names, what ? what : "nothing");
}

/* Whether the word takes what stands there. */
static error_t check(const bench_options *o, struct argp_state *state) {
  const word *w = o->word;
  for (const struct argp_option *t = table; t->name; t++)
    if (strchr(o->given, t->key) && !strchr(w->options, t->key))
      return oikos_cli_wrong(state, "--%s does not go with %s", t->name, w->name);
  if (o->job.n_arguments > w->most)
    return oikos_cli_wrong(state, "%s: expected at most %d arguments, found %s", w->name, w->most,
                           o->arguments[w->most]);
  if (o->job.n_arguments < w->least)
    return oikos_cli_wrong(state, "%s: expected %s, found %d arguments", w->name, w->arguments,
                           o->job.n_arguments);
  if (strchr(o->given, 's') && o->job.n_arguments == 0)
    return oikos_cli_wrong(state, "--set goes with a CONFIG");
  if (w->configured && strchr(o->given, 'o') && o->job.n_arguments > 0)
    return oikos_cli_wrong(state, "--out goes without a CONFIG: nothing is written for one");
  return 0;
}

static error_t end(bench_options *o, struct argp_state *state) {
  for (int i = 0; i < WORDS && o->what; i++)
    if (strcmp(words[i].name, o->what) == 0)
      o->word = &words[i];
  return o->word ? check(o, state) : unknown(state, o->what);
}

static error_t add_argument(bench_options *o, struct argp_state *state, const char *arg) {
  if (!o->what)
    o->what = arg;
  else if (o->job.n_arguments < MAX_ARGUMENTS)
    o->arguments[o->job.n_arguments++] = arg;
  else
    return oikos_cli_wrong(state, "more than %d arguments", MAX_ARGUMENTS);
  return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  bench_options *o = state->input;
  for (const struct argp_option *t = table; t->name; t++)
    if (key == t->key && !strchr(o->given, key))
      o->given[strlen(o->given)] = (char)key;
  switch (key) {
  case 'e':
    return oikos_cli_number(state, "--elements", arg, 1, &o->job.elements);
  case 'm':
    return oikos_cli_number(state, "--mib", arg, 1, &o->job.mib);
  case 'r':
    return oikos_cli_number(state, "--rows", arg, 1, &o->job.rows);
  case 'w':
    return oikos_cli_number(state, "--width", arg, 1, &o->job.width);
  case 'o':
    o->job.folder = arg;
    return 0;
  case 's':
    return oikos_cli_add_set(state, &o->sets, arg);
  case 'k':
    o->job.plain = true;
    return 0;
  case ARGP_KEY_ARG:
    return add_argument(o, state, arg);
  case ARGP_KEY_END:
    return end(o, state);
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* The words, for --help. argp frees what is not the text it passed in. */
static char *list_words(int key, const char *text, void *input) {
  char *help = NULL;
  size_t size;
  (void)input;
  FILE *out = key == ARGP_KEY_HELP_POST_DOC ? open_memstream(&help, &size) : NULL;
  if (!out)
    return (char *)text;
  fputs("WHAT:\n", out);
  for (int i = 0; i < WORDS; i++)
    fprintf(out, "  %s %s\n        %s\n", words[i].name, words[i].arguments, words[i].help);
  fclose(out);
  return help;
}

static oikos_status bench_config(oikos_cli *cli, bench_options *o, oikos_error *err) {
  oikos_config *config;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_alloc(&config, 1, sizeof *config, "a configuration", err),
                        err));
  oikos_status status =
      oikos_cli_config(cli, o->arguments[0], &o->sets, OIKOS_FOR_BENCH, config, err);
  o->job.config = config;
  if (status == OIKOS_OK)
    status = o->word->run(&o->job, err);
  free(config);
  return status;
}

oikos_status oikos_command_bench(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp argp = {table,
                                   parse,
                                   "WHAT [ARGUMENT ...]",
                                   "Measure this machine against its own bounds.\v",
                                   NULL,
                                   list_words,
                                   NULL};
  bench_options o = {.job = {.team = &cli->team,
                             .mib = DEFAULT_MIB,
                             .rows = DEFAULT_ROWS,
                             .width = DEFAULT_WIDTH,
                             .folder = "."}};
  bool help;
  o.job.arguments = o.arguments;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  if (o.word->configured && o.job.n_arguments > 0)
    return bench_config(cli, &o, err);
  return o.word->run(&o.job, err);
}
