/* SPDX-License-Identifier: MIT
 * Evaluations and recommendations of ratings against what is counted here, by other means: queries
 * that come in parts, candidates that training knows, chance, and the order of equal ones. */
#include "ranks.h"

#include "import/import.h"
#include "oikos/recommend.h"
#include "tasks/ratings.h"
#include "tasks/source.h"

enum { USERS = 30, ITEMS = 300, LISTED = 8 };

static char folder[RANKS_PATH];

static pair pair_with(verdict *v, const char *more) {
  char text[1024];
  snprintf(text, sizeof text,
           "task: {source: ratings, file: %s/ratings.h5, split: last, self_row: false, support: "
           "6, query: 4}\n"
           "model: {init: glorot, layers: [embedding: 4, dense: 8, relu, dense: 1]}\n"
           "inner: {steps: 2, rate: 0.05}\n"
           "eval: {support: 5}\n",
           folder);
  oikos_config *config = config_of(9, "count: 1", text);
  if (*more)
    read_config(config, more);
  return pair_of(v, config);
}

static oikos_evaluation evaluate(verdict *v, oikos_trainer *t, size_t judged) {
  oikos_error err;
  oikos_evaluation e = {0};
  t->source->shape.query_part = judged;
  expect_ok(v, oikos_trainer_evaluate(t, OIKOS_TEST, 100000, -1, &e, &err), &err, "evaluation");
  return e;
}

static void expect_near(verdict *v, const char *what, oikos_estimate a, oikos_estimate b) {
  expect(v, fabs(a.mean - b.mean) < 1e-5 && fabs(a.interval - b.interval) < 1e-4,
         "%s: %.8f +- %.8f, not %.8f +- %.8f", what, a.mean, a.interval, b.mean, b.interval);
}

/* In parts of 3 queries as all at once; in these parts the same bits on any number of ranks. */
static void check_parts(verdict *v, const char *more) {
  pair p = pair_with(v, more);
  pair_step(v, &p);
  size_t all = oikos_source_shape(p.joint->source).query_part;
  oikos_evaluation whole = evaluate(v, p.alone, all), joint = evaluate(v, p.joint, 3),
                   alone = evaluate(v, p.alone, 3);
  expect(v, all > 6 && whole.n_rated == 3, "%zu queries, %d kinds", all, whole.n_rated);
  for (int i = 0; i < whole.n_rated; i++) {
    const oikos_rated *a = &whole.rated[i], *b = &alone.rated[i], *c = &joint.rated[i];
    int64_t k = whole.steps;
    expect(v, a->ratings == b->ratings && a->learners == b->learners, "other learners");
    expect_near(v, "RMSE", b->rmse[k], a->rmse[k]);
    expect_near(v, "MAE", b->mae[k], a->mae[k]);
    expect_near(v, "RMSE of biases", b->bias_rmse, a->bias_rmse);
    expect(v, same(b->rmse, c->rmse, 3 * ((size_t)k + 1), sizeof *b->rmse), "other bits");
    if (i == 2) // both tasks together: no lists
      continue;
    expect_near(v, "nDCG", b->ndcg[1], a->ndcg[1]);
    expect_near(v, "recall", b->recall, a->recall);
    expect_near(v, "chance", b->chance, a->chance);
    expect(v, same(b->ndcg, c->ndcg, 2, sizeof *b->ndcg), "other ranks");
  }
  for (int64_t k = 0; k <= whole.steps; k++)
    expect_near(v, "loss", alone.loss[k], whole.loss[k]);
  oikos_evaluation_destroy(&whole);
  oikos_evaluation_destroy(&joint);
  oikos_evaluation_destroy(&alone);
  pair_free(&p);
}

static void test_parts(void **state) {
  (void)state;
  verdict v = {0};
  check_parts(&v, "");
  check_parts(&v, "task: {residual: true}");
  conclude(&v);
}

/* The last fifth of a user's ratings is the test. */
static bool is_test(const oikos_ratings_index *x, int64_t k) {
  int64_t u = x->user[k], held = x->user_first[u + 1] - x->user_first[u];
  return x->user_first[u + 1] - k <= (held + 2) / 5;
}

/* known[side][k]: whether training has a rating of it. */
static void count_known(const oikos_ratings_index *x, bool known[2][ITEMS]) {
  memset(known, 0, 2 * ITEMS * sizeof **known);
  for (int64_t k = 0; k < x->n; k++)
    if (!is_test(x, k))
      known[0][x->user[k]] = known[1][x->item[k]] = true;
}

/* What a list of ten in random order finds, on average over the learners of a side. */
static double chance_of(const oikos_ratings_index *x, int side, bool known[2][ITEMS],
                        double relevant_from) {
  double sum = 0, n = 0;
  for (int64_t learner = 0; learner < (side ? x->items.n : x->users.n); learner++) {
    double candidates = 0, relevant = 0, findable = 0;
    for (int64_t k = 0; k < (side ? x->users.n : x->items.n); k++)
      candidates += known[!side][k];
    for (int64_t k = 0; k < x->n; k++) {
      int64_t other = side ? x->user[k] : x->item[k];
      if ((side ? x->item[k] : x->user[k]) != learner)
        continue;
      candidates -= !is_test(x, k) && known[!side][other];
      if (is_test(x, k) && (double)x->value[k] >= relevant_from) {
        relevant++;
        findable += known[!side][other];
      }
    }
    if (relevant > 0) {
      sum += findable / relevant * fmin(1, 10 / candidates);
      n++;
    }
  }
  return sum / n;
}

static void test_chance(void **state) {
  (void)state;
  verdict v = {0};
  pair p = pair_with(&v, "");
  const oikos_ratings_index *x = oikos_ratings_index_of(oikos_source_ratings_of(p.joint->source));
  bool known[2][ITEMS];
  int unknown = 0;
  count_known(x, known);
  for (int64_t k = 0; k < x->items.n; k++) {
    unknown += !known[1][k];
    expect(&v, oikos_ratings_knows(oikos_source_ratings_of(p.joint->source), 1, k) == known[1][k],
           "item %lld", (long long)k);
  }
  expect(&v, unknown > 5, "only %d unknown items", unknown);
  oikos_evaluation e = evaluate(&v, p.joint, 100);
  for (int side = 0; side < 2; side++) {
    double right =
        chance_of(x, side, known, oikos_ratings_relevant(oikos_source_ratings_of(p.joint->source)));
    expect(&v, fabs(e.rated[side].chance.mean - right) < 1e-12, "chance %.9f, not %.9f",
           e.rated[side].chance.mean, right);
  }
  oikos_evaluation_destroy(&e);
  pair_free(&p);
  conclude(&v);
}

typedef struct note {
  int n;
  int64_t other[LISTED];
} note;

static oikos_status take_note(void *user, int64_t i, const oikos_ranks *ranks, oikos_error *err) {
  note *to = (note *)user + i;
  (void)err;
  to->n = ranks->n;
  memcpy(to->other, ranks->other, (size_t)ranks->n * sizeof *to->other);
  return OIKOS_OK;
}

/* A network that says the same of all: who is listed depends on the learner, not on numbers, and
 * nobody is whom training has never seen. */
static void test_equal_ones(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  pair p = pair_with(&v, "inner: {steps: 0}");
  note joint[USERS], alone[USERS];
  oikos_request ask[USERS];
  bool known[2][ITEMS];
  double sum = 0, n = 0, distinct = 0;
  count_known(oikos_ratings_index_of(oikos_source_ratings_of(p.joint->source)), known);
  memset(p.joint->weights.shared, 0, p.joint->weights.m * sizeof(real));
  memset(p.alone->weights.shared, 0, p.alone->weights.m * sizeof(real));
  for (int u = 0; u < USERS; u++)
    ask[u] = (oikos_request){0, u, 0, NULL, NULL};
  expect_ok(&v, oikos_trainer_recommend(p.joint, USERS, ask, LISTED, take_note, joint, &err), &err,
            "joint");
  expect_ok(&v, oikos_trainer_recommend(p.alone, USERS, ask, LISTED, take_note, alone, &err), &err,
            "alone");
  for (int u = 0; u < USERS; u++) {
    expect(&v, joint[u].n == LISTED && same(joint[u].other, alone[u].other, LISTED, 8),
           "another list for %d", u);
    for (int k = 0; k < joint[u].n; k++) {
      expect(&v, known[1][joint[u].other[k]], "item %lld is unknown", (long long)joint[u].other[k]);
      sum += (double)joint[u].other[k];
      n++;
    }
    distinct += joint[u].other[0] != joint[0].other[0];
  }
  double mean = 0, all = 0;
  for (int k = 0; k < ITEMS; k++) {
    mean += known[1][k] ? k : 0;
    all += known[1][k];
  }
  mean /= all; // the standard error of a mean of 240 numbers of 0 .. 299 is 5.6
  expect(&v, fabs(sum / n - mean) < 25, "the mean number is %.1f, not about %.1f", sum / n, mean);
  expect(&v, distinct > USERS - 4, "only %.0f lists begin with another one", distinct);
  pair_free(&p);
  conclude(&v);
}

static int make_ratings(void **state) {
  oikos_error err;
  char path[2 * RANKS_PATH];
  int bad = 0;
  (void)state;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/ratings.h5", folder);
  oikos_import_job job = {.options = {.users = USERS, .items = ITEMS, .seed = 3}, .output = path};
  if (ranks_rank() == 0)
    bad = oikos_import("ratings-demo", &job, &err) != OIKOS_OK;
  MPI_Bcast(&bad, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return bad;
}

static int remove_ratings(void **state) {
  (void)state;
  folder_remove(folder);
  return 0;
}

int main(int argc, char **argv) {
  ranks_begin(&argc, &argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_chance),
      cmocka_unit_test(test_equal_ones),
  };
  return ranks_end(cmocka_run_group_tests(tests, make_ratings, remove_ratings));
}
