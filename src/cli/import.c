/* SPDX-License-Identifier: MIT
 * oikos import: make an HDF5 file of a data set. One process works; others only wait. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/try.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "import/import.h"

enum { MAX_SOURCES = 64 };

typedef struct import_options {
  const char *kind, *output;
  int n_sources;
  const char *sources[MAX_SOURCES];
  int64_t size;
  oikos_import_options table; /* what concerns tables and ratings */
} import_options;

typedef struct progress {
  double shown;
  bool terminal, drawn;
} progress;

enum {
  KEY_USER = 256,
  KEY_ITEM,
  KEY_RATING,
  KEY_TIME,
  KEY_USER_TABLE,
  KEY_ITEM_TABLE,
  KEY_TITLE,
  KEY_CATEGORY,
  KEY_NO_HEADER,
  KEY_SEPARATOR,
  KEY_QUOTES,
  KEY_ENCODING,
  KEY_USERS,
  KEY_ITEMS,
  KEY_SEED,
};

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE.h5", 0, "the file to write", 0},
    {"size", 'z', "PIXELS", 0, "height and width of the images in the file (omniglot: default 28)",
     0},
    {"group", 'g', "COLUMN", 0, "csv: the column that tells groups (tasks) apart", 0},
    {"target", 't', "COLUMN[,COLUMN]", 0, "csv: what is to be predicted", 0},
    {"features", 'f', "COLUMN[,COLUMN]", 0,
     "csv: what it is predicted from (default: all columns that have no other use)", 0},
    {"exclude", 'x', "COLUMN[,COLUMN]", 0, "csv: columns that are no features", 0},
    {"skip-bad", 'b', NULL, 0,
     "csv, movielens: leave bad rows out and count them, instead of stopping", 0},
    {"no-header", KEY_NO_HEADER, "source|tables", OPTION_ARG_OPTIONAL,
     "csv: SOURCE, the further tables, or all of them have no header; a COLUMN is then its number, "
     "from 1",
     0},
    {"separator", KEY_SEPARATOR, "TEXT", 0,
     "csv: what stands between fields, such as '|' or '::'; also tab, and blanks for any run of "
     "blanks "
     "and tabs (default: the most frequent of comma, tab and semicolon)",
     0},
    {"quotes", KEY_QUOTES, "doubled|backslash|none", 0,
     "csv: how a quoted field writes a quote: twice (default), or after a backslash too; none: "
     "quotes "
     "are characters like others",
     0},
    {"encoding", KEY_ENCODING, "NAME", 0,
     "csv: the encoding of the tables, as iconv knows it (default: UTF-8; titles and categories "
     "that "
     "are not are read as ISO-8859-1)",
     0},
    {"user", KEY_USER, "COLUMN", 0, "csv of ratings: who rated", 1},
    {"item", KEY_ITEM, "COLUMN", 0, "csv of ratings: what was rated", 1},
    {"rating", KEY_RATING, "COLUMN", 0, "csv of ratings: how", 1},
    {"time", KEY_TIME, "COLUMN", 0, "csv of ratings: when, in seconds", 1},
    {"user-table", KEY_USER_TABLE, "FILE", 0, "csv of ratings: a table about the users", 1},
    {"item-table", KEY_ITEM_TABLE, "FILE", 0, "csv of ratings: a table about the items", 1},
    {"title", KEY_TITLE, "COLUMN", 0, "csv of ratings: the titles in the item table", 1},
    {"category", KEY_CATEGORY, "COLUMN[,COLUMN]", 0,
     "csv of ratings: columns of those tables whose numbers are codes", 1},
    {"users", KEY_USERS, "N", 0, "ratings-demo: how many users (default 500)", 2},
    {"items", KEY_ITEMS, "N", 0, "ratings-demo: how many items (default 300)", 2},
    {"seed", KEY_SEED, "N", 0, "ratings-demo: other ratings for each (default 0)", 2},
    {0},
};

static error_t parse_header(const char *arg, struct argp_state *state, oikos_import_options *o) {
  bool source = !arg || strcmp(arg, "source") == 0, tables = !arg || strcmp(arg, "tables") == 0;
  if (!source && !tables)
    return oikos_cli_wrong(state, "--no-header: expected source, tables or nothing, found %s", arg);
  o->no_header |= source;
  o->no_header_in_tables |= tables;
  return 0;
}

static error_t parse_quotes(const char *arg, struct argp_state *state, oikos_csv_format *format) {
  static const char *const names[] = {"doubled", "backslash", "none"};
  for (int k = 0; k < 3; k++)
    if (strcmp(arg, names[k]) == 0) {
      format->quotes = (oikos_csv_quotes)k;
      return 0;
    }
  return oikos_cli_wrong(state, "--quotes: expected doubled, backslash or none, found %s", arg);
}

/* The options of how tables are written. */
static error_t parse_format(int key, char *arg, struct argp_state *state, oikos_import_options *o) {
  switch (key) {
  case KEY_NO_HEADER:
    return parse_header(arg, state, o);
  case KEY_SEPARATOR:
    o->format.separator = strcmp(arg, "tab") == 0 || strcmp(arg, "\\t") == 0 ? "\t"
                          : strcmp(arg, "blanks") == 0                       ? " "
                                                                             : arg;
    return 0;
  case KEY_QUOTES:
    return parse_quotes(arg, state, &o->format);
  case KEY_ENCODING:
    o->format.encoding = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* The options that concern ratings. */
static error_t parse_ratings(int key, char *arg, struct argp_state *state,
                             oikos_import_options *o) {
  const struct {
    int key;
    const char **place;
  } texts[] = {
      {KEY_USER, &o->user},           {KEY_ITEM, &o->item},
      {KEY_RATING, &o->rating},       {KEY_TIME, &o->time},
      {KEY_TITLE, &o->title},         {KEY_USER_TABLE, &o->user_table},
      {KEY_CATEGORY, &o->categories}, {KEY_ITEM_TABLE, &o->item_table},
  };
  for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
    if (texts[k].key == key) {
      *texts[k].place = arg;
      return 0;
    }
  switch (key) {
  case KEY_USERS:
    return oikos_cli_number(state, "--users", arg, 1, &o->users);
  case KEY_ITEMS:
    return oikos_cli_number(state, "--items", arg, 1, &o->items);
  case KEY_SEED:
    return oikos_cli_number(state, "--seed", arg, 0, &o->seed);
  default:
    return parse_format(key, arg, state, o);
  }
}

/* Whether a kind makes its data up; an unknown one is refused later. */
static bool is_sourceless(const char *kind) {
  int n;
  const oikos_importer *importers = oikos_importers(&n);
  for (int i = 0; i < n; i++)
    if (strcmp(importers[i].name, kind) == 0)
      return importers[i].sourceless;
  return false;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  import_options *o = state->input;
  switch (key) {
  case 'o':
    o->output = arg;
    return 0;
  case 'z':
    return oikos_cli_number(state, "--size", arg, 1, &o->size);
  case 'g':
    o->table.group = arg;
    return 0;
  case 't':
    o->table.targets = arg;
    return 0;
  case 'f':
    o->table.features = arg;
    return 0;
  case 'x':
    o->table.exclude = arg;
    return 0;
  case 'b':
    o->table.skip_bad = true;
    return 0;
  case ARGP_KEY_ARG:
    if (!o->kind)
      o->kind = arg;
    else if (o->n_sources < MAX_SOURCES)
      o->sources[o->n_sources++] = arg;
    else
      return oikos_cli_wrong(state, "more than %d sources", MAX_SOURCES);
    return 0;
  case ARGP_KEY_END:
    if (!o->kind)
      return oikos_cli_wrong(state, "KIND is missing");
    if (!o->n_sources && !is_sourceless(o->kind))
      return oikos_cli_wrong(state, "SOURCE is missing");
    return o->output ? 0 : oikos_cli_wrong(state, "-o FILE.h5 is missing");
  default:
    return parse_ratings(key, arg, state, &o->table);
  }
}

static void show(void *user, const char *what, int64_t done, int64_t total) {
  progress *p = user;
  double now = oikos_wall_clock();
  bool end = total > 0 && done == total;
  if (!end && now - p->shown < (p->terminal ? 0.2 : 5))
    return;
  p->shown = now;
  if (p->terminal)
    oikos_console_clear_line();
  if (total > 0)
    printf("%s: %lld of %lld", what, (long long)done, (long long)total);
  else
    printf("%s: %lld", what, (long long)done);
  if (end || !p->terminal)
    putchar('\n');
  fflush(stdout);
}

static void say(void *user, const char *text) {
  const progress *p = user;
  if (p->terminal)
    oikos_console_clear_line();
  printf("%s\n", text);
}

/* The kinds of import, for --help. argp frees what is not the text it passed in. */
static char *list_kinds(int key, const char *text, void *input) {
  char *help = NULL;
  size_t size;
  (void)input;
  FILE *out = key == ARGP_KEY_HELP_POST_DOC ? open_memstream(&help, &size) : NULL;
  if (!out)
    return (char *)text;
  int n;
  const oikos_importer *importers = oikos_importers(&n);
  fputs("Kinds:\n", out);
  for (int i = 0; i < n; i++)
    fprintf(out, "  %s: %s\n", importers[i].name, importers[i].help);
  fclose(out);
  return help;
}

oikos_status oikos_command_import(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp argp = {
      option_table, parse, "KIND [SOURCE ...]", "Make an HDF5 file of a data set.\v", NULL,
      list_kinds,   NULL};
  import_options o = {0};
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help || cli->team.rank != 0)
    return OIKOS_OK;
  progress p = {.terminal = oikos_output_is_terminal()};
  oikos_import_job job = {.n_sources = o.n_sources,
                          .sources = o.sources,
                          .output = o.output,
                          .options = o.table,
                          .progress = show,
                          .message = say,
                          .user = &p,
                          .pulse = cli->team.pulse};
  if (o.size)
    job.options.size = (int)o.size;
  double start = oikos_wall_clock();
  OIKOS_TRY(oikos_import(o.kind, &job, err));
  printf("%s written in %.1f s; look at it: oikos inspect %s\n", o.output,
         oikos_wall_clock() - start, o.output);
  return OIKOS_OK;
}
