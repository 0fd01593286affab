/* SPDX-License-Identifier: MIT
 * Learners go to ranks that have less to do: all that they keep goes along, the bits are those of
 * one rank, and afterwards a step's work is even. */
#include "ranks.h"

#include "run/balance.h"
#include "run/embedding_rows.h"

#include "base/random.h"
#include "import/import.h"

enum { USERS = 48, ITEMS = 80 };

static char folder[RANKS_PATH];

/* User u has rated from 8 items to all of them. */
static oikos_config *skewed(const char *more) {
  char text[1024];
  snprintf(text, sizeof text,
           "task: {source: ratings, file: %s/ratings.h5, split: fraction, test_fraction: 0, roles: "
           "[users], learners: groups, self_row: false, support: 70, query: 4}\n"
           "model: {init: glorot, layers: [embedding: 4, dense: 8, relu, dense: 1]}\n"
           "inner: {steps: 2, rate: 0.05}\nouter: {schedule: constant}\nsteps: 100\n",
           folder);
  oikos_config *config = config_of(USERS, "count: 1", text);
  if (*more)
    read_config(config, more);
  return config;
}

/* All state, and what expect_same_state does not look at. */
static void expect_all_same(verdict *v, const pair *p) {
  const oikos_trainer *a = p->joint, *b = p->alone;
  expect_same_state(v, a, b);
  expect(v, same_part(a, b, &oikos_part_learner_rates), "other rates");
  expect(v, same_part(a, b, &oikos_part_rollback), "other streaks");
  expect(v, same_part(a, b, &oikos_part_census), "other census");
  if (!a->embedding_rows)
    return;
  oikos_embedding_part own = oikos_embedding_local(a->embedding_rows->table),
                       all = oikos_embedding_local(b->embedding_rows->table);
  expect(v,
         same(own.numbers, all.numbers + (size_t)own.first * own.width,
              (size_t)own.count * own.width, sizeof(real)),
         "other rows");
}

/* Any blocks: in every second trial some ranks have nobody. */
static void draw_bounds(int64_t learners, int trial, int64_t *bound) {
  int ranks = ranks_size();
  oikos_random r = oikos_random_at(11, OIKOS_DRAW_TRAIN, (uint64_t)trial, (uint64_t)learners);
  bound[0] = 0;
  bound[ranks] = learners;
  for (int k = 1; k < ranks; k++) {
    int64_t left = learners - bound[k - 1];
    bound[k] = bound[k - 1] + (int64_t)oikos_random_below(&r, (uint64_t)left + 1);
    if (trial % 2 == 1 && k % 2 == 1)
      bound[k] = bound[k - 1];
  }
}

/* Learners move after every step, anywhere. */
static void check_moves(verdict *v, int64_t learners, const char *home, const char *more) {
  oikos_error err;
  int64_t bound[8];
  pair p = pair_of(v, config_of((int)learners, home, more));
  for (int trial = 0; trial < 6; trial++) {
    pair_step(v, &p);
    draw_bounds(learners, trial, bound);
    expect_ok(v, oikos_relocate(p.joint, bound, &err), &err, "oikos_relocate");
    expect(v, p.joint->learners.first == bound[ranks_rank()], "not the learners that were to come");
    expect_all_same(v, &p);
  }
  pair_step(v, &p);
  expect_all_same(v, &p);
  pair_free(&p);
}

static void test_moves(void **state) {
  (void)state;
  verdict v = {0};
  const char *revived = "task: {learners: groups, move_at: 3}\nhome: {revive: 2}";
  oikos_config *config = config_of(13, HARD, revived);
  oikos_error err;
  if (oikos_parts_check(config, &err) == OIKOS_OK) // parts.balance is of a build without
    check_moves(&v, 13, HARD, revived);
  free(config);
  check_moves(&v, 13, HARD, "task: {learners: groups, move_at: 3}");
  check_moves(&v, 11, WEIGHTED,
              "learners: {persist: true, per_step: 4, pull: 0.3}\ninner: {adapt_rate: true}\n"
              "run: {threads: 2}");
  check_moves(&v, 9, HARD, "learners: {rollback: 1, patience: 90}\ninner: {rate: 0.1}");
  check_moves(&v, 10, HARD,
              "learners: {per_step: 7}\naggregation: {rule: median}\nshared: {mixing: 0.1}\n"
              "attack: {kind: nan, share: 0.2}");
  conclude(&v);
}

/* Steps of both, which leave the same; returns the efficiency. */
static double efficiency(verdict *v, const pair *p, int steps) {
  for (int i = 0; i < steps; i++)
    pair_step(v, p);
  expect_all_same(v, p);
  return oikos_balance_efficiency(p->joint);
}

/* As after a checkpoint. */
static oikos_status look(oikos_trainer *t, oikos_error *err) {
  oikos_part_state *p = oikos_part_of(t, &oikos_part_balance);
  return p ? p->part->between(t, p, true, err) : OIKOS_OK;
}

static void check_balance(verdict *v, const char *more, int steps, double wanted) {
  oikos_error err;
  int ranks = ranks_size();
  pair p = pair_of(v, skewed(more));
  int64_t even = p.joint->learners.bound[1];
  double before = efficiency(v, &p, steps);
  expect_ok(v, look(p.joint, &err), &err, "a look");
  expect_all_same(v, &p);
  double after = efficiency(v, &p, steps);
  if (ranks > 1) {
    expect(v, before < 0.85, "the load was even from the start: %.3f", before);
    expect(v, after >= wanted, "efficiency %.3f after %.3f, not %.2f", after, before, wanted);
    expect(v, p.joint->learners.bound[1] != even, "nobody moved");
  }
  int64_t now = p.joint->learners.bound[1];
  expect_ok(v, look(p.joint, &err), &err, "a look");
  expect(v, p.joint->learners.bound[1] == now, "moved without a need");
  pair_free(&p);
}

static void test_balance(void **state) {
  (void)state;
  verdict v = {0};
  check_balance(&v, "", 8, 0.9);
  check_balance(&v,
                "learners: {persist: true, rollback: 50, patience: 90}\ninner: {adapt_rate: true}",
                8, 0.9);
  check_balance(&v, "home: {count: 3, owns: last, perturbation: 0.1}\nrun: {threads: 2}", 8, 0.9);
  conclude(&v);
}

/* Even work, work that chance alone makes uneven, and run.balance false: nobody moves. */
static void check_stays(verdict *v, oikos_config *config, int steps) {
  oikos_error err;
  int64_t first, count;
  oikos_trainer *t = trainer_of(v, MPI_COMM_WORLD, config, NULL);
  steps_of(v, t, steps);
  expect_ok(v, look(t, &err), &err, "a look");
  oikos_share(config->learners.count, ranks_rank(), ranks_size(), &first, &count);
  expect(v, t->learners.first == first && t->learners.count == count, "learners moved");
  oikos_trainer_destroy(t);
  free(config);
}

static void test_stays(void **state) {
  (void)state;
  verdict v = {0};
  check_stays(&v, config_of(13, HARD, "steps: 100"), 8);
  check_stays(&v, skewed("task: {learners: free}"), 12);
  check_stays(&v, skewed("run: {balance: false}"), 8);
  conclude(&v);
}

/* Without any checkpoint learners move after the first steps, if they are not moved before the end.
 */
static void test_early(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  for (int more = 0; more < 2; more++) {
    oikos_config *config = skewed("inner: {steps: 1}");
    config->steps = OIKOS_LOOK_EARLY + more;
    oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    int64_t even = t->learners.bound[1];
    expect_ok(&v, oikos_trainer_run(t, &err), &err, "run");
    expect(&v, (t->learners.bound[1] != even) == (more && ranks_size() > 1), "%s",
           more ? "nobody moved" : "moved for no step");
    oikos_trainer_destroy(t);
    free(config);
  }
  conclude(&v);
}

/* A run that moves learners at its checkpoints, is stopped and resumed, here on all ranks and there
 * alone; its records tell how even it was. */
static void test_run(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  char run[2 * RANKS_PATH];
  oikos_config *config = skewed("steps: 12\nlog: {every: 8}\ncheckpoint: {every: 8}\n"
                                "learners: {persist: true}\ninner: {adapt_rate: true}");
  oikos_trainer *first = NULL;
  pair p = {.config = config};
  snprintf(run, sizeof run, "%s/run", folder);
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, false, NULL, &first, &err), &err,
            "create");
  expect_ok(&v, oikos_trainer_run(first, &err), &err, "run");
  double even = oikos_trainer_record(first, 0).balance;
  oikos_trainer_destroy(first);
  config->steps = 32;
  p.alone = trainer_of(&v, MPI_COMM_SELF, config, NULL);
  expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, run, true, NULL, &p.joint, &err), &err,
            "resume");
  expect_ok(&v, oikos_trainer_run(p.joint, &err), &err, "run on");
  steps_of(&v, p.alone, 32);
  // the run has closed its record
  memset(p.alone->history.pending, 0, p.alone->history.fields * sizeof(double));
  expect_all_same(&v, &p);
  double later = oikos_trainer_record(p.joint, 3).balance;
  expect(&v, oikos_trainer_record(p.joint, 0).balance == even, "the first record is another one");
  expect(&v, ranks_size() == 1 ? later == 0 : even < 0.85 && later >= 0.9,
         "balance %.3f, then %.3f", even, later);
  oikos_trainer_destroy(p.joint);
  oikos_trainer_destroy(p.alone);
  free(config);
  conclude(&v);
}

static int make_ratings(void **state) {
  oikos_error err;
  char path[2 * RANKS_PATH], csv[2 * RANKS_PATH];
  int bad = 0;
  (void)state;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/ratings.h5", folder);
  snprintf(csv, sizeof csv, "%s/ratings.csv", folder);
  FILE *out = ranks_rank() == 0 ? fopen(csv, "w") : NULL;
  if (out) {
    fputs("who,what,stars\n", out);
    for (int u = 0; u < USERS; u++)
      for (int i = 0; i < 8 + (ITEMS - 8) * u / USERS * u / USERS; i++)
        fprintf(out, "%d,%d,%d\n", 100 + u, 100 + (7 * i + u) % ITEMS, 1 + (3 * i + u) % 5);
    fclose(out);
    const char *source = csv;
    oikos_import_job job = {.options = {.user = "who", .item = "what", .rating = "stars"},
                            .n_sources = 1,
                            .sources = &source,
                            .output = path};
    bad = oikos_import("csv", &job, &err) != OIKOS_OK;
    if (bad)
      fprintf(stderr, "%s\n", err.message);
  }
  MPI_Bcast(&bad, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return bad;
}

static int remove_ratings(void **state) {
  (void)state;
  folder_remove(folder);
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_moves), cmocka_unit_test(test_balance), cmocka_unit_test(test_stays),
      cmocka_unit_test(test_early), cmocka_unit_test(test_run),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, make_ratings, remove_ratings));
}
