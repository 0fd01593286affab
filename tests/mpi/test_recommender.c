/* SPDX-License-Identifier: MIT
 * Training on ratings with an embedding table: the same bits on any number of ranks, of the weights
 * and of the rows; a step is what plain arithmetic makes of the learners' derivatives; a checkpoint
 * holds the rows; recommendations and evaluations are the same. */
#include "ranks.h"

#include "run/embedding_rows.h"

#include "import/import.h"
#include "oikos/recommend.h"
#include "store/checkpoint_list.h"
#include "tasks/ratings.h"

static char folder[RANKS_PATH];

static oikos_config *ratings_config(const char *more) {
  char text[1024];
  snprintf(
      text, sizeof text,
      "task: {source: ratings, file: %s/ratings.h5, split: fraction, self_row: false, support: "
      "6, query: 4}\n"
      "model: {init: glorot, layers: [embedding: 4, dense: 8, relu, dense: 1]}\n"
      "inner: {steps: 2, rate: 0.05}\n",
      folder);
  oikos_config *config = config_of(9, "count: 1", text);
  if (*more)
    read_config(config, more);
  return config;
}

/* The rows of two trainers, of those that the first one owns; the second one owns all. */
static void expect_same_rows(verdict *v, const oikos_trainer *joint, const oikos_trainer *alone) {
  oikos_embedding_part a = oikos_embedding_local(joint->embedding_rows->table),
                       b = oikos_embedding_local(alone->embedding_rows->table);
  size_t n = (size_t)a.count * a.width, first = (size_t)a.first * a.width;
  expect(v, a.rows == b.rows && b.count == b.rows, "other rows");
  expect(v, same(a.numbers, b.numbers + first, n, sizeof(real)), "other numbers of rows");
  expect(v, same(a.optimizer->second, b.optimizer->second + first, n, sizeof(real)),
         "other optimizer state of rows");
  expect(v, same(a.optimizer->count, b.optimizer->count + a.first, (size_t)a.count, 8),
         "other counts of rows");
}

static void check_bits(verdict *v, const char *more) {
  pair p = pair_of(v, ratings_config(more));
  oikos_embedding_part own = oikos_embedding_local(p.alone->embedding_rows->table);
  real *before = malloc((size_t)own.rows * own.width * sizeof *before);
  memcpy(before, own.numbers, (size_t)own.rows * own.width * sizeof *before);
  for (int i = 0; i < 5; i++) {
    pair_step(v, &p);
    expect_same_rows(v, p.joint, p.alone);
  }
  int64_t moved = 0, touched = 0;
  for (int64_t r = 0; r < own.rows; r++) {
    touched += own.optimizer->count[r] > 0;
    bool moves = memcmp(before + r * (int64_t)own.width, own.numbers + r * (int64_t)own.width,
                        own.width * sizeof *before) != 0;
    expect(v, !moves || own.optimizer->count[r] > 0, "row %lld moved untouched", (long long)r);
    moved += moves;
  }
  expect(v, moved > 20 && touched < own.rows, "%lld rows moved, %lld were touched of %lld",
         (long long)moved, (long long)touched, (long long)own.rows);
  free(before);
  pair_free(&p);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  check_bits(&v, "");
  check_bits(&v, "task: {support_least: 1, order: time}\nrun: {threads: 2}");
  check_bits(&v, "task: {split: last, self_row: true}\nlearners: {count: 5}");
  check_bits(&v, "model: {loss: cross_entropy, layers: [embedding: 4, outer_product: {width: 4, "
                 "keep: 1}, dense: 5]}\ninner: {steps: 0}\ntask: {support: 1, content: true}");
  check_bits(&v, "home: {count: 3, owns: last, perturbation: 0.1}\nouter: {optimizer: adagrad}");
  check_bits(&v, "task: {residual: true, support_least: 1}\nlearners: {weigh: examples}");
  check_bits(&v,
             "home: {count: 3, owns: last, perturbation: 0.1, mixing: 0.2, priority: gradient}\n"
             "learners: {weigh: examples}\nshared: {mixing: 0.1}\ntask: {support_least: 0}");
  check_bits(&v, "task: {residual: true, split: last, self_row: true}\nhome: {count: 2, owns: "
                 "modulation, rule: weighted, perturbation: 0.1}");
  conclude(&v);
}

/* What a step is to leave: rows (R, d) and weights (M). */
typedef struct by_hand {
  double *rows, *w, *trained;
} by_hand;

/* One step of SGD, by hand: every row moves by the rate times the mean over learners of the
 * derivatives with respect to its places in their examples, and w by that of the gradients, towards
 * the mean of the trained parameters by gamma; means are weighted by the number of examples if
 * learners.weigh says so, of query and of support. */
static by_hand step_by_hand(verdict *v, const oikos_trainer *t, double rate, double gamma) {
  const oikos_config *config = &t->config;
  oikos_embedding_part own = oikos_embedding_local(t->embedding_rows->table);
  size_t n = (size_t)own.rows * own.width, in = oikos_network_input(t->net), m = t->weights.m;
  by_hand h = {calloc(n, sizeof(double)), calloc(m, sizeof(double)), calloc(m, sizeof(double))};
  int32_t *place = malloc(4096 * sizeof *place);
  double by[2] = {0};
  bool weighs = config->learners.weigh == OIKOS_WEIGH_EXAMPLES;
  oikos_worker w;
  oikos_error err;
  expect_ok(v, oikos_worker_create(&t->context, 2, &w, &err), &err, "oikos_worker_create");
  for (int64_t i = 0; i < config->learners.count; i++) {
    double log_p = 0;
    oikos_source_draw(t->source, OIKOS_TRAIN, 0, i, &w.episode);
    size_t examples = w.episode.support.n + w.episode.query.n;
    place[0] = (int32_t)w.episode.embedding_rows.self;
    for (size_t k = 0; k < examples; k++)
      place[1 + k] = (int32_t)w.episode.embedding_rows.other[k];
    oikos_row_view view = {own.numbers, place, (size_t[]){0, 1 + examples}};
    oikos_learners_begin(&t->context, &w, 0, i, 1, &i, view);
    oikos_contribution c = oikos_learner_train(&t->context, &w, i, &log_p, 0, NULL);
    double judged = weighs ? (double)w.episode.query.n : 1,
           learned = weighs ? (double)w.episode.support.n : 1;
    by[0] += judged;
    by[1] += learned;
    for (size_t k = 0; k < examples; k++)
      for (size_t j = 0; j < own.width; j++) {
        const oikos_episode_embedding_rows *at = &w.episode.embedding_rows;
        h.rows[(size_t)at->self * own.width + j] +=
            judged * (double)c.dx[k * in + at->self_offset + j];
        h.rows[(size_t)at->other[k] * own.width + j] +=
            judged * (double)c.dx[k * in + at->other_offset + j];
      }
    for (size_t j = 0; j < m; j++) {
      h.w[j] += judged * (double)c.gradient[j];
      h.trained[j] += learned * (double)c.trained[j];
    }
  }
  for (size_t k = 0; k < n; k++)
    h.rows[k] = (double)own.numbers[k] - rate * h.rows[k] / by[0];
  for (size_t j = 0; j < m; j++)
    h.w[j] = (1 - gamma) * (double)t->weights.shared[j] + gamma * h.trained[j] / by[1] -
             rate * h.w[j] / by[0];
  oikos_worker_destroy(&w);
  free(place);
  return h;
}

static void check_step(verdict *v, const char *more) {
  oikos_config *config = ratings_config("task: {split: last, self_row: true, support_least: 1}\n"
                                        "outer: {optimizer: sgd, schedule: constant, clip: 0}\n"
                                        "shared: {rate: 0.5, mixing: 0.25}");
  read_config(config, more);
  oikos_trainer *t = trainer_of(v, MPI_COMM_SELF, config, NULL);
  oikos_embedding_part own = oikos_embedding_local(t->embedding_rows->table);
  size_t n = (size_t)own.rows * own.width;
  real *rows = malloc(n * sizeof *rows);
  memcpy(rows, own.numbers, n * sizeof *rows);
  by_hand right = step_by_hand(v, t, 0.5, 0.25);
  steps_of(v, t, 1);
  double largest = 0;
  for (size_t k = 0; k < n; k++) {
    double moved = fabs(right.rows[k] - (double)rows[k]);
    largest = moved > largest ? moved : largest;
    expect(v, fabs(right.rows[k] - (double)own.numbers[k]) <= 1e-6 + 1e-5 * fabs(right.rows[k]),
           "%s: row number %zu: %g, not %g", more, k, (double)own.numbers[k], right.rows[k]);
  }
  expect(v, largest > 1e-3, "rows hardly moved: %g", largest);
  for (size_t j = 0; j < t->weights.m; j++)
    expect(v, fabs(right.w[j] - (double)t->weights.shared[j]) <= 1e-6 + 1e-5 * fabs(right.w[j]),
           "%s: w[%zu] is %g, not %g", more, j, (double)t->weights.shared[j], right.w[j]);
  oikos_trainer_destroy(t);
  free(right.rows);
  free(right.w);
  free(right.trained);
  free(rows);
  free(config);
}

static void test_step(void **state) {
  (void)state;
  verdict v = {0};
  check_step(&v, "learners: {weigh: equal}");
  check_step(&v, "learners: {weigh: examples}");
  conclude(&v);
}

/* Half the steps, a checkpoint, the rest after a resume: as without. */
static void test_checkpoint(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  char run[2 * RANKS_PATH];
  oikos_config *config = ratings_config("outer: {schedule: constant}\ncheckpoint: {every: 3}");
  oikos_trainer *whole = trainer_of(&v, MPI_COMM_SELF, config, NULL), *t = NULL;
  steps_of(&v, whole, 6);
  snprintf(run, sizeof run, "%s/run", folder);
  config->steps = 3;
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, false, NULL, &t, &err), &err,
            "create");
  expect_ok(&v, oikos_trainer_run(t, &err), &err, "run");
  oikos_trainer_destroy(t);
  config->steps = 6;
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, true, NULL, &t, &err), &err,
            "resume");
  expect(&v, t && t->step == 3, "not at step 3");
  if (t) {
    steps_of(&v, t, 3);
    expect_same_rows(&v, t, whole);
  }
  oikos_trainer_destroy(t);
  oikos_trainer_destroy(whole);
  free(config);
  conclude(&v);
}

/* What somebody is recommended, noted. */
typedef struct note {
  int n;
  int64_t other[8];
  double score[8];
} note;

static oikos_status take_note(void *user, int64_t i, const oikos_ranks *ranks, oikos_error *err) {
  note *to = (note *)user + i;
  (void)err;
  to->n = ranks->n;
  memcpy(to->other, ranks->other, (size_t)ranks->n * sizeof *to->other);
  memcpy(to->score, ranks->score, (size_t)ranks->n * sizeof *to->score);
  return OIKOS_OK;
}

/* Everybody recommends to the same three, alone and together: the same; the best are the best of
 * what the network says of each, and nothing that was rated is among them. */
static void check_recommended(verdict *v, const char *more) {
  oikos_error err;
  pair p = pair_of(v, ratings_config(more));
  const int64_t items[] = {0, 3, 5, 6, 9};
  const float values[] = {5, 4, 1, 2, 3};
  const oikos_request ask[] = {
      {0, -1, 5, items, values}, {1, -1, 4, items, values}, {0, 2, 3, items, values}};
  note joint[3], alone[3];
  for (int i = 0; i < 3; i++)
    pair_step(v, &p);
  expect_ok(v, oikos_trainer_recommend(p.joint, 3, ask, 8, take_note, joint, &err), &err, "joint");
  expect_ok(v, oikos_trainer_recommend(p.alone, 3, ask, 8, take_note, alone, &err), &err, "alone");
  for (int i = 0; i < 3; i++) {
    expect(v, joint[i].n == 8, "%d are recommended", joint[i].n);
    for (int k = 0; k < 8; k++) {
      expect(v, joint[i].other[k] == alone[i].other[k] && joint[i].score[k] == alone[i].score[k],
             "recommendation %d of %d is another one", k, i);
      expect(v, k == 0 || joint[i].score[k] <= joint[i].score[k - 1], "not in order");
      for (int64_t r = 0; r < ask[i].n; r++)
        expect(v, joint[i].other[k] != items[r], "%lld was rated", (long long)items[r]);
    }
  }
  pair_free(&p);
}

static void test_recommend(void **state) {
  (void)state;
  verdict v = {0};
  check_recommended(&v, "");
  check_recommended(&v, "task: {residual: true}");
  conclude(&v);
}

/* A network that says nothing expects what the biases do: of every candidate, and in the test. */
static void test_baseline_is_added_back(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  pair p = pair_of(&v, ratings_config("task: {residual: true}\ninner: {steps: 0}\n"
                                      "eval: {support: 4}"));
  const int64_t items[] = {0, 3, 5, 6, 9};
  const float values[] = {5, 4, 1, 2, 3};
  const int32_t support[] = {3, 5, 6, 9};
  const oikos_request ask = {0, -1, 5, items, values};
  const oikos_ratings *r = oikos_source_ratings_of(p.joint->source);
  oikos_ratings_bias *bias = NULL;
  oikos_evaluation e;
  note got = {0};
  memset(p.joint->weights.shared, 0, p.joint->weights.m * sizeof(real));
  expect_ok(&v, oikos_ratings_fit_bias(r, &bias, &err), &err, "bias");
  double own = oikos_ratings_bias_adapt(bias, OIKOS_BIAS_USER, 4, support, values + 1);
  expect_ok(&v, oikos_trainer_recommend(p.joint, 1, &ask, 8, take_note, &got, &err), &err, "ask");
  expect(&v, got.n == 8, "%d are recommended", got.n);
  for (int k = 0; k < got.n; k++) {
    double right = oikos_ratings_bias_predict(bias, OIKOS_BIAS_USER, own, got.other[k]);
    expect(&v, fabs(oikos_ratings_within(r, got.score[k]) - right) < 1e-6, "%g, not %g",
           got.score[k], right);
  }
  expect_ok(&v, oikos_trainer_evaluate(p.joint, OIKOS_TEST, 100000, -1, &e, &err), &err, "eval");
  for (int i = 0; i < e.n_rated; i++) {
    const oikos_rated *a = &e.rated[i];
    expect(&v, fabs(a->rmse[0].mean - a->bias_rmse.mean) < 1e-6, "error %g, not %g",
           a->rmse[0].mean, a->bias_rmse.mean);
    expect(&v, fabs(a->gain.mean) < 1e-6 && a->bias_rmse.mean > 0.1, "gain %g", a->gain.mean);
  }
  oikos_evaluation_destroy(&e);
  oikos_ratings_bias_destroy(bias);
  pair_free(&p);
  conclude(&v);
}

static void test_evaluate(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  pair p = pair_of(&v, ratings_config("eval: {support: 3}"));
  oikos_evaluation joint, alone;
  pair_step(&v, &p);
  expect_ok(&v, oikos_trainer_evaluate(p.joint, OIKOS_TEST, 100000, -1, &joint, &err), &err,
            "joint");
  expect_ok(&v, oikos_trainer_evaluate(p.alone, OIKOS_TEST, 100000, -1, &alone, &err), &err,
            "alone");
  expect(&v, joint.n_rated == 2 && joint.episodes == 10 + 12, "%d kinds, %lld episodes",
         joint.n_rated, (long long)joint.episodes);
  for (int i = 0; i < 2; i++) {
    const oikos_rated *a = &joint.rated[i], *b = &alone.rated[i];
    expect(&v, a->side == i && a->learners == b->learners && a->ratings == b->ratings,
           "other learners");
    expect(&v, same(a->rmse, b->rmse, 9, sizeof *a->rmse), "other errors");
    expect(&v, same(&a->gain, &b->gain, 1, sizeof a->gain), "other gain");
    expect(&v, a->recall.mean == b->recall.mean && a->ndcg[1].mean == b->ndcg[1].mean,
           "other ranks");
    expect(&v, a->rmse[2].mean > 0.2 && a->rmse[2].mean < 3 && a->chance.mean > 0, "odd numbers");
  }
  oikos_evaluation_destroy(&joint);
  oikos_evaluation_destroy(&alone);
  pair_free(&p);
  conclude(&v);
}

/* One rank has a learner more than there may be rows at hand for at once: it takes two turns, and
 * the others, who have none left, must come along. */
static void test_evaluate_unevenly(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  char file[2 * RANKS_PATH];
  snprintf(file, sizeof file, "task: {file: %s/many.h5}\neval: {support: 3}", folder);
  pair p = pair_of(&v, ratings_config(file));
  oikos_evaluation joint, alone;
  int64_t learners = ranks_size() * OIKOS_LEARNERS_LEAST + 1;
  expect_ok(&v, oikos_trainer_evaluate(p.joint, OIKOS_TEST, learners, -1, &joint, &err), &err,
            "joint");
  expect_ok(&v, oikos_trainer_evaluate(p.alone, OIKOS_TEST, learners, -1, &alone, &err), &err,
            "alone");
  expect(&v, joint.episodes == learners, "%lld episodes", (long long)joint.episodes);
  expect(&v, same(joint.loss, alone.loss, (size_t)joint.steps + 1, sizeof *joint.loss),
         "other losses");
  oikos_evaluation_destroy(&joint);
  oikos_evaluation_destroy(&alone);
  pair_free(&p);
  conclude(&v);
}

/* Made-up ratings, by rank 0. */
static bool make_file(const char *name, int64_t users, int64_t items) {
  oikos_error err;
  char path[2 * RANKS_PATH];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  oikos_import_job job = {.options = {.users = users, .items = items, .seed = 3}, .output = path};
  return oikos_import("ratings-demo", &job, &err) == OIKOS_OK;
}

static int make_ratings(void **state) {
  int bad = 0;
  (void)state;
  folder_make(folder);
  if (ranks_rank() == 0)
    bad = !make_file("ratings.h5", 40, 48) || !make_file("many.h5", 320, 330);
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
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_step),
      cmocka_unit_test(test_checkpoint),
      cmocka_unit_test(test_recommend),
      cmocka_unit_test(test_baseline_is_added_back),
      cmocka_unit_test(test_evaluate),
      cmocka_unit_test(test_evaluate_unevenly),
  };
  return ranks_end(cmocka_run_group_tests(tests, make_ratings, remove_ratings));
}
