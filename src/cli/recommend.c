/* SPDX-License-Identifier: MIT
 * oikos recommend: what a model that was trained on ratings recommends. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/requests.h"
#include "run/open.h"
#include "store/checkpoint_config.h"
#include "tasks/ratings.h"

enum { ALL = 1000 };

typedef struct recommend_options {
  const char *what;
  oikos_wanted wanted;
  int asked; /* how many of these were given */
  int64_t top;
  bool json;
  oikos_sets sets;
} recommend_options;

static error_t parse_all(const char *arg, struct argp_state *state, recommend_options *o) {
  oikos_wanted *w = &o->wanted;
  if (strcmp(arg, "users") != 0 && strcmp(arg, "items") != 0)
    return oikos_cli_wrong(state, "--all: expected users or items, found %s", arg);
  w->all = true;
  o->asked++;
  w->side = strcmp(arg, "items") == 0;
  return 0;
}

static error_t parse_id(const char *arg, int side, recommend_options *o) {
  o->wanted.id = arg;
  o->wanted.side = side;
  o->asked++;
  return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  recommend_options *o = state->input;
  switch (key) {
  case 'u':
    return parse_id(arg, OIKOS_SIDE_USER, o);
  case 'i':
    return parse_id(arg, OIKOS_SIDE_ITEM, o);
  case 'r':
    o->wanted.ratings = arg;
    o->asked++;
    return 0;
  case ALL:
    return parse_all(arg, state, o);
  case 'n':
    return oikos_cli_number(state, "--top", arg, 1, &o->top);
  case 'j':
    o->json = true;
    return 0;
  case 's':
    return oikos_cli_add_set(state, &o->sets, arg);
  case ARGP_KEY_ARG:
    return oikos_cli_only(state, "RUN or CHECKPOINT", &o->what, arg);
  case ARGP_KEY_END:
    if (!o->what)
      return oikos_cli_wrong(state, "RUN or CHECKPOINT is missing");
    if (o->asked != 1)
      return oikos_cli_wrong(state, "give one of --user, --item, --ratings and --all");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* Of a title and an id what people read. */
static void print_table(FILE *out, const oikos_ratings_index *x, const oikos_request *q,
                        const oikos_ranks *ranks) {
  const oikos_rating_side *side = q->side == OIKOS_SIDE_USER ? &x->users : &x->items,
                          *other = q->side == OIKOS_SIDE_USER ? &x->items : &x->users;
  fprintf(out, "%s for %s %s (%lld ratings)\n", q->side == OIKOS_SIDE_USER ? "items" : "users",
          q->side == OIKOS_SIDE_USER ? "user" : "item",
          q->learner < 0 ? "(new)" : side->id[q->learner], (long long)q->n);
  for (int k = 0; k < ranks->n; k++) {
    int64_t who = ranks->other[k];
    fprintf(out, "  %3d  %6.2f  %-12s  %s\n", k + 1, ranks->score[k], other->id[who],
            other->title ? other->title[who] : "");
  }
}

/* A text as JSON knows it. */
static void print_text(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
    if (*c < ' ' || *c == 0x7F)
      fprintf(out, "\\u%04x", *c);
    else if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) // a control character too
      fprintf(out, "\\u%04x", *++c);
    else
      fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  fputc('"', out);
}

static void print_json(FILE *out, const oikos_ratings_index *x, const oikos_request *q,
                       const oikos_ranks *ranks) {
  static const char *const word[] = {"user", "item"};
  const oikos_rating_side *side[] = {&x->users, &x->items}, *other = side[!q->side];
  fprintf(out, "{\"%s\": ", word[q->side]);
  if (q->learner < 0)
    fputs("null", out);
  else
    print_text(out, side[q->side]->id[q->learner]);
  fprintf(out, ", \"ratings\": %lld, \"recommended\": [", (long long)q->n);
  for (int k = 0; k < ranks->n; k++) {
    int64_t who = ranks->other[k];
    fprintf(out, "%s{\"%s\": ", k ? ", " : "", word[!q->side]);
    print_text(out, other->id[who]);
    if (other->title) {
      fputs(", \"title\": ", out);
      print_text(out, other->title[who]);
    }
    fprintf(out, ", \"expected\": %.4f}", ranks->score[k]);
  }
  fputs("]}\n", out);
}

/* What a rank has to say, in memory until its turn comes. */
typedef struct page {
  const oikos_ratings_index *index;
  const oikos_requests *requests;
  bool json;
  FILE *out;
} page;

static oikos_status write_ranks(void *user, int64_t i, const oikos_ranks *ranks, oikos_error *err) {
  const page *p = user;
  const oikos_request *q = &p->requests->list[i];
  (void)err;
  if (p->json)
    print_json(p->out, p->index, q, ranks);
  else
    print_table(p->out, p->index, q, ranks);
  return OIKOS_OK;
}

static oikos_status recommend(oikos_cli *cli, const recommend_options *o, oikos_trainer *t,
                              oikos_error *err) {
  const oikos_ratings *r = oikos_source_ratings_of(oikos_trainer_source(t));
  oikos_requests requests = {0};
  page p = {.index = r ? oikos_ratings_index_of(r) : NULL, .requests = &requests, .json = o->json};
  char *text = NULL;
  size_t length = 0;
  oikos_status status =
      r ? oikos_requests_create(&cli->team, &o->wanted, r, &requests, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(&cli->team, status, err));
  p.out = open_memstream(&text, &length);
  if (!p.out)
    status = oikos_fail(err, OIKOS_ERROR, "out of memory");
  status = oikos_agree(&cli->team, status, err);
  if (status == OIKOS_OK)
    status =
        oikos_trainer_recommend(t, requests.n, requests.list, (int)o->top, write_ranks, &p, err);
  if (p.out)
    fclose(p.out);
  if (status == OIKOS_OK)
    oikos_write_in_turn(&cli->team, text, length, stdout);
  free(text);
  oikos_requests_destroy(&requests);
  return status;
}

static oikos_status open_and_recommend(oikos_cli *cli, const recommend_options *o,
                                       const oikos_checkpoint *checkpoint, oikos_config *c,
                                       oikos_error *err) {
  oikos_trainer *t;
  oikos_progress progress;
  OIKOS_TRY(oikos_cli_trained_config(cli, checkpoint, &o->sets, OIKOS_FOR_RECOMMEND, c, err));
  oikos_observer observer = oikos_progress_observer(&progress, cli, c);
  observer.message = NULL; // stdout is for what is recommended
  OIKOS_TRY(oikos_trainer_open_for(MPI_COMM_WORLD, NULL, c, checkpoint, &observer, &t, err));
  oikos_status status = recommend(cli, o, t, err);
  oikos_trainer_destroy(t);
  return status;
}

oikos_status oikos_command_recommend(oikos_cli *cli, int argc, char **argv, oikos_error *err) {
  static const struct argp_option table[] = {
      {"user", 'u', "ID", 0, "items for this user", 0},
      {"item", 'i', "ID", 0, "users for this item", 0},
      {"ratings", 'r', "FILE", 0,
       "items for a user who is new: a table with a header and the columns item (ids or titles) "
       "and "
       "rating; with user and rating it is users for an item that is new",
       0},
      {"all", ALL, "users|items", 0, "for everybody, spread over the ranks", 0},
      {"top", 'n', "N", 0, "how many (default: 10)", 0},
      {"json", 'j', NULL, 0, "a JSON object a line", 0},
      {"set", 's', "KEY=VALUE", 0, "override a key, such as task.file or eval.support", 0},
      {0},
  };
  static const struct argp argp = {
      table,
      parse,
      "RUN|CHECKPOINT",
      "Adapt a model that was trained on ratings to somebody's ratings, and rank what training "
      "knows and they have not rated by the rating it expects.",
      NULL,
      NULL,
      NULL};
  recommend_options o = {.top = 10};
  oikos_config *config;
  bool help;
  OIKOS_TRY(oikos_agree(&cli->team, oikos_cli_parse(cli, &argp, argc, argv, &o, &help, err), err));
  if (help)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "the configuration", err));
  oikos_checkpoint *checkpoint;
  oikos_status status = oikos_cli_find_checkpoint(&cli->team, o.what, &checkpoint, err);
  if (status == OIKOS_OK)
    status = open_and_recommend(cli, &o, checkpoint, config, err);
  oikos_checkpoint_close(checkpoint);
  free(config);
  return status;
}
