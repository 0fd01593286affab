/* SPDX-License-Identifier: MIT
 * The ratings source: what an episode of a user or an item is. */
#include "tasks/ratings.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/ratings_impl.h"

typedef oikos_real real;

enum { PART = 512 }; /* queries of the test at a time, unless training has more */

static const char *const side_word[OIKOS_SIDES] = {"users", "items"};

static void read_config(oikos_ratings *r, const oikos_config *c) {
  r->file = c->task.file;
  r->support = c->task.support;
  r->support_least = c->task.support_least;
  r->query = c->task.query;
  r->eval_support = c->eval.support ? c->eval.support : c->task.support;
  r->eval_query = c->eval.query;
  r->by_time = c->task.order == OIKOS_RATING_ORDER_TIME;
  r->self_row = c->task.self_row;
  r->by_ratings = c->task.draw == OIKOS_DRAW_BY_RATINGS;
  r->relevant = c->task.relevant;
  r->classes = c->model.loss == OIKOS_LOSS_CROSS_ENTROPY;
  for (int i = 0; i < c->task.roles.n; i++)
    for (int side = 0; side < OIKOS_SIDES; side++)
      r->plays[side] |= strcmp(c->task.roles.item[i], side_word[side]) == 0;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static oikos_task_shape shape_of(const oikos_ratings *r) {
  int64_t support = r->eval_support > r->support ? r->eval_support : r->support,
          held = r->most_held, query = least(r->query, held),
          query_part =
              least(r->most_evaluated, PART); // a popular one has many more, part after part
  return (oikos_task_shape){.input = {1, 1, (int64_t)r->inputs},
                            .outputs = r->classes ? r->n_levels : 1,
                            .support = (size_t)least(support, held),
                            .query = (size_t)query,
                            .query_part = (size_t)(query_part > query ? query_part : query),
                            .n_groups = r->plays[0] && r->plays[1] ? OIKOS_SIDES : 0,
                            .units = 1,
                            .varies = true,
                            .embedding_rows = r->index.users.n + r->index.items.n,
                            .row_width = r->width,
                            .residual = r->bias != NULL};
}

static oikos_status create(oikos_source *source, const oikos_config *config, const oikos_data *data,
                           oikos_error *err) {
  if (!data || !data->ratings)
    return oikos_fail(err, OIKOS_ERROR, "task.source ratings was created without its data");
  OIKOS_TRY(oikos_alloc(&source->self, 1, sizeof(oikos_ratings), "the task source", err));
  oikos_ratings *r = source->self;
  r->index = *data->ratings;
  read_config(r, config);
  OIKOS_TRY(oikos_ratings_divide(r, config, err));
  OIKOS_TRY(oikos_ratings_lay_out(r, config, err));
  if (config->task.residual)
    OIKOS_TRY(oikos_ratings_fit_bias(r, &r->bias, err));
  source->shape = shape_of(r);
  source->scratch = oikos_mul(4, (size_t)r->most_held); // two pools, a choice, a permutation
  return OIKOS_OK;
}

static void destroy(oikos_source *source) {
  oikos_ratings *r = source->self;
  free(r->fold_memory);
  oikos_ratings_bias_destroy(r->bias);
  for (int side = 0; side < OIKOS_SIDES; side++) {
    oikos_class_split_destroy(&r->split[side]);
    oikos_table_scale_destroy(&r->content[side].scale);
    free(r->part[side]);
    free(r->seen[side]);
    free(r->learns[side]);
    for (int s = 0; s < 3; s++)
      free(r->learner[s][side]);
  }
}

static int64_t episodes(const oikos_source *source, oikos_split split) {
  const oikos_ratings *r = source->self;
  return r->n_learners[split][OIKOS_SIDE_USER] + r->n_learners[split][OIKOS_SIDE_ITEM];
}

static oikos_status has(const oikos_source *source, oikos_split split, oikos_error *err) {
  static const char *const name[] = {"training", "validation", "test"};
  const oikos_ratings *r = source->self;
  if (episodes(source, split) > 0)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "%s: the %s split has no user or item with enough ratings%s; change task.split "
                    "or task.roles",
                    r->file, name[split],
                    r->fold && split == OIKOS_VALIDATION ? " (a publisher's split has none)" : "");
}

/* Whose rating any rating of the training is: the more ratings, the likelier. Who has no other one
 * does not learn. */
static int64_t choose_by_rating(const oikos_ratings *r, int side, oikos_random *random) {
  while (true) {
    int64_t k = (int64_t)oikos_random_below(random, (uint64_t)r->index.n);
    int64_t learner = oikos_ratings_other(r, !side, k);
    if (oikos_ratings_trains(r, k) && r->learns[side][learner])
      return learner;
  }
}

/* Of the unseen each in turn, users first. */
static int64_t unseen(const oikos_ratings *r, oikos_split split, int64_t number, int *side) {
  const int64_t *n = r->n_learners[split];
  int64_t k = number % (n[0] + n[1]);
  *side = k >= n[0];
  return r->learner[split][*side][k - (*side ? n[0] : 0)];
}

/* Who learns: in training anybody, users and items alike if both do, unless learners are bound. */
static int64_t choose(const oikos_source *source, oikos_split split, const oikos_episode *e,
                      oikos_random *random, int *side) {
  const oikos_ratings *r = source->self;
  const int64_t *n = r->n_learners[split];
  int64_t k;
  if (split != OIKOS_TRAIN)
    return unseen(r, split, e->learner, side);
  if (!source->bound) {
    *side = n[0] == 0 || (n[1] > 0 && oikos_random_below(random, 2) == 1);
    if (r->by_ratings)
      return choose_by_rating(r, *side, random);
    k = (int64_t)oikos_random_below(random, (uint64_t)n[*side]);
  } else {
    k = oikos_source_bound(source, n[0] + n[1], e->step, e->learner);
    *side = k >= n[0];
    k -= *side ? n[0] : 0;
  }
  return r->learner[split][*side][k];
}

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Take `count` of the pool (n), at random, into chosen; in the order of time if that is asked for.
 * chosen has room for 2 n. */
static void take(const oikos_ratings *r, oikos_random *random, const int64_t *pool, int64_t n,
                 int64_t count, int64_t *chosen) {
  oikos_random_choose(random, n, count, chosen, chosen + n);
  if (r->by_time)
    qsort(chosen, (size_t)count, sizeof *chosen, by_number); // places in a pool in order of time
  for (int64_t i = 0; i < count; i++)
    chosen[i] = pool[chosen[i]];
}

/* Whose episode it is, and how large its sets are. */
static void set_out(const oikos_source *source, int side, int64_t learner, int64_t support,
                    int64_t query, oikos_episode *e) {
  const oikos_ratings *r = source->self;
  bool self = r->width && r->self_row && learner >= 0;
  e->unit = learner < 0 ? -1 : oikos_ratings_row(r, side, learner);
  e->group = source->shape.n_groups ? side : -1;
  e->support.n = (size_t)support;
  e->query.n = (size_t)query;
  e->query.x = e->x + (size_t)support * r->inputs;
  e->query.y = e->y + support;
  e->embedding_rows.self = self ? oikos_ratings_row(r, side, learner) : -1;
  e->embedding_rows.self_offset = side == OIKOS_SIDE_USER ? 0 : r->width;
  e->embedding_rows.other_offset = r->width - e->embedding_rows.self_offset;
}

static void write_example(const oikos_ratings *r, int side, int64_t learner, int64_t other,
                          double value, int64_t example, oikos_episode *e) {
  real *x = e->x + (size_t)example * r->inputs;
  oikos_ratings_example(r, side, learner, other, x);
  double baseline = oikos_ratings_baseline(r, side, other, e->self_bias, x);
  oikos_ratings_target(r, value - baseline, e->y + example);
  if (e->baseline)
    e->baseline[example] = baseline;
  e->embedding_rows.other[example] = oikos_ratings_row(r, !side, other);
}

static void write_examples(const oikos_ratings *r, int side, int64_t learner, const int64_t *rating,
                           int64_t count, int64_t from, oikos_episode *e) {
  for (int64_t i = 0; i < count; i++)
    write_example(r, side, learner, oikos_ratings_other(r, side, rating[i]),
                  (double)r->index.value[rating[i]], from + i, e);
}

/* Support and query sets in training: of a pool too small for both, each gets its share. */
static void divide_training(const oikos_ratings *r, oikos_random *random, int64_t n,
                            int64_t *support, int64_t *query) {
  int64_t share = n * r->query / (r->support + r->query), most = r->support;
  if (r->support_least > 0)
    most = r->support_least +
           (int64_t)oikos_random_below(random, (uint64_t)(r->support - r->support_least + 1));
  *query = least(r->query, share < 1 ? 1 : share);
  *support = least(most, n - *query);
}

/* The same for a learner of the test: the first ones are support, the last ones query. */
static void divide_test(const oikos_ratings *r, int64_t n, int64_t *support, int64_t *query) {
  *support = least(r->eval_support, n - 1);
  *query = n - *support;
  if (r->eval_query > 0) {
    *query = least(r->eval_query, n - 1);
    *support = least(r->eval_support, n - *query);
  }
}

static int64_t queries(const oikos_source *source, oikos_split split, oikos_learner_id episode) {
  const oikos_ratings *r = source->self;
  int side;
  int64_t learner = unseen(r, split, episode, &side), support, query,
          n = oikos_ratings_pool(r, split, side, learner, true, NULL);
  if (r->fold)
    return n;
  divide_test(r, n, &support, &query);
  return query;
}

/* Of so many queries where those begin that are drawn, and their number. */
static int64_t part_of(const oikos_source *source, const oikos_episode *e, int64_t *query) {
  int64_t each = (int64_t)source->shape.query_part, from = e->part * each;
  *query = from < *query ? least(each, *query - from) : 0;
  return from;
}

static void draw(const oikos_source *source, oikos_split split, oikos_random *random,
                 oikos_episode *e) {
  const oikos_ratings *r = source->self;
  int side;
  int64_t learner = choose(source, split, e, random, &side), support, query;
  int64_t *pool = e->scratch, *chosen = pool + r->most_held, *last;
  bool folded = r->fold && split == OIKOS_TEST;
  int64_t n = oikos_ratings_pool(r, split, side, learner, false, pool);
  if (folded) {
    support = least(r->eval_support, n);
    take(r, random, pool, n, support, chosen);
    last = chosen + 2 * r->most_held; // the pool of support has served, but it may not overlap
    query = oikos_ratings_pool(r, split, side, learner, true, last);
  } else if (split == OIKOS_TRAIN) {
    divide_training(r, random, n, &support, &query);
    take(r, random, pool, n, support + query, chosen);
    last = chosen + support;
  } else {
    divide_test(r, n, &support, &query);
    take(r, random, pool, n, n, chosen);
    last = chosen + n - query;
  }
  last += split == OIKOS_TRAIN ? 0 : part_of(source, e, &query);
  set_out(source, side, learner, support, query, e);
  e->self_bias = oikos_ratings_self_bias(r, side, support, chosen);
  write_examples(r, side, learner, chosen, support, 0, e);
  write_examples(r, side, learner, last, query, support, e);
}

void oikos_ratings_episode(const oikos_source *source, int side, int64_t learner, int64_t n,
                           const int64_t *other, const float *value, oikos_episode *e) {
  const oikos_ratings *r = source->self;
  int64_t support = least(r->eval_support, n), from = n - support;
  set_out(source, side, learner, support, 0, e);
  e->self_bias = oikos_ratings_new_bias(r, side, support, other + from, value + from);
  for (int64_t i = 0; i < support; i++)
    write_example(r, side, learner, other[from + i], (double)value[from + i], i, e);
}

static const char *group(const oikos_source *source, int number) {
  (void)source;
  return number == OIKOS_SIDE_USER ? "items for a user" : "users for an item";
}

const oikos_ratings *oikos_source_ratings_of(const oikos_source *source) {
  return source->type == &oikos_source_ratings ? source->self : NULL;
}

const oikos_ratings_index *oikos_ratings_index_of(const oikos_ratings *r) {
  return &r->index;
}

bool oikos_ratings_plays(const oikos_ratings *r, int side) {
  return r->plays[side];
}

int64_t oikos_ratings_row(const oikos_ratings *r, int side, int64_t number) {
  return side == OIKOS_SIDE_USER ? number : r->index.users.n + number;
}

const oikos_source_type oikos_source_ratings = {
    .word = {"users and items of a ratings file made by `oikos import`.",
             "task.file|task.support_least|task.roles|task.draw|task.fold|task.order|task.self_row|"
             "task.content|task.residual|task.relevant|task.learners|task.split|"
             "task.validation_fraction|task.test_fraction|learners.weigh|eval.support|eval.query"},
    .data = OIKOS_DATA_RATINGS,
    .losses = "mse|cross_entropy",
    .splits = "file|fraction|last",
    .rated = true,
    .check = oikos_ratings_check_config,
    .unit = "learners",
    .create = create,
    .has = has,
    .draw = draw,
    .episodes = episodes,
    .queries = queries,
    .group = group,
    .destroy = destroy};
