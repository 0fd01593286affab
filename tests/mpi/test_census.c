/* SPDX-License-Identifier: MIT
 * Who lives where, on any number of ranks: the counts, the index and how long moves took are those
 * of a trainer that is alone, and those counted here from the episodes and from the homes of each
 * step. Splitting deserted homes keeps the same bits. */
#include "ranks.h"

#include "math/rand_index.h"

enum { N = 13, HOMES = 3, MODES = 3, STEPS = 12, AT = 5, MOVERS = 5 };

static const char moving[] = "task: {learners: groups, move_at: 5, move_share: 0.4}\n"
                             "inner: {steps: 1}\nlog: {every: 4}\nsteps: 12";

/* What one process saw of all learners. */
typedef struct diary {
  int32_t home[STEPS][N];
  int group[STEPS][N];
} diary;

static void write_diary(diary *d, const oikos_trainer *alone, int step) {
  oikos_episode e;
  oikos_error err;
  oikos_episode_create(alone->source, &e, &err);
  for (int i = 0; i < N; i++) {
    oikos_source_draw(alone->source, OIKOS_TRAIN, step, i, &e);
    d->group[step][i] = e.group;
    d->home[step][i] = alone->learners.home[i];
  }
  oikos_episode_destroy(&e);
}

static int64_t residents(const diary *d, int step, int home, int group, int first, int last) {
  int64_t n = 0;
  for (int i = first; i < last; i++)
    n += d->home[step][i] == home && d->group[step][i] == group;
  return n;
}

/* Where most of those live that were always of this group. */
static int home_of(const diary *d, int step, int group) {
  int best = 0;
  for (int h = 1; h < HOMES; h++)
    if (residents(d, step, h, group, MOVERS, N) > residents(d, step, best, group, MOVERS, N))
      best = h;
  return best;
}

/* Steps from AT on before a learner came to where it lives; 0: it was there before. */
static int64_t steps_taken(const diary *d, int step, int i) {
  int since = step;
  while (since > 0 && d->home[since - 1][i] == d->home[step][i])
    since--;
  bool from_start = since == 0 && d->home[0][i] == 0; // all begin in home 0
  return !from_start && since >= AT ? since + 1 - AT : 0;
}

static void check_movers(verdict *v, const oikos_census *c, const diary *d, int step) {
  int64_t settled = 0, total = 0, most = 0;
  for (int i = 0; step >= AT && i < MOVERS; i++) {
    if (d->home[step][i] != home_of(d, step, d->group[step][i]))
      continue;
    int64_t took = steps_taken(d, step, i);
    settled++;
    total += took;
    most = took > most ? took : most;
  }
  expect(v, c->movers == (step >= AT ? MOVERS : 0), "step %d: %lld movers", step,
         (long long)c->movers);
  expect(v, c->settled == settled && c->most_steps == most, "step %d: %lld settled, not %lld", step,
         (long long)c->settled, (long long)settled);
  expect(v, fabs(c->mean_steps - (settled ? (double)total / (double)settled : 0)) < 1e-12,
         "step %d: %g steps on average, not %lld of %lld", step, c->mean_steps, (long long)total,
         (long long)settled);
}

static void check_census(verdict *v, oikos_trainer *t, const diary *d, int step) {
  oikos_census c = oikos_trainer_census(t);
  int64_t count[HOMES * MODES];
  expect(v, c.n_homes == HOMES && c.n_groups == MODES, "a census of %d x %d", c.n_homes,
         c.n_groups);
  for (int k = 0; k < HOMES * MODES; k++) {
    count[k] = residents(d, step, k / MODES, k % MODES, 0, N);
    expect(v, c.residents[k] == count[k], "step %d, place %d: %lld residents, not %lld", step, k,
           (long long)c.residents[k], (long long)count[k]);
  }
  double rand = oikos_adjusted_rand(HOMES, MODES, count);
  expect(v, c.rand == rand || (isnan(rand) && isnan(c.rand)), "index %g, not %g", c.rand, rand);
  check_movers(v, &c, d, step);
}

static void test_census(void **state) {
  (void)state;
  verdict v = {0};
  diary *d = calloc(1, sizeof *d);
  oikos_config *config = config_of(
      N, "count: 3, owns: all, perturbation: 0.4, rate: 0.02, memory: 1, share: 0.2", moving);
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(&v, MPI_COMM_SELF, config, NULL);
  for (int step = 0; step < STEPS; step++) {
    steps_of(&v, joint, 1);
    steps_of(&v, alone, 1);
    write_diary(d, alone, step);
    check_census(&v, joint, d, step);
    check_census(&v, alone, d, step);
    expect_same_state(&v, joint, alone);
  }
  oikos_census end = oikos_trainer_census(joint);
  expect(&v, end.settled > 0 && end.most_steps > 1, "%lld movers settled, after %lld steps at most",
         (long long)end.settled, (long long)end.most_steps);
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
  free(d);
  conclude(&v);
}

/* Learners that are free, or bound to groups of a table, are of no hidden group. */
static void test_none(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = config_of(4, HARD, "");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  steps_of(&v, t, 1);
  oikos_census c = oikos_trainer_census(t);
  expect(&v, c.n_groups == 0 && isnan(c.rand), "a census of free learners");
  oikos_trainer_destroy(t);
  free(config);
  conclude(&v);
}

/* Splits are the same on all ranks. */
static void test_revive(void **state) {
  (void)state;
  verdict v = {0};
  int splits = 0;
  oikos_config *config =
      config_of(7,
                "count: 4, owns: all, perturbation: 0.3, memory: 1, mixing: 0.3, revive: 2, "
                "revive_below: 0.5",
                "inner: {steps: 1}");
  oikos_trainer *joint = trainer_of(&v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(&v, MPI_COMM_SELF, config, NULL);
  for (int step = 0; step < STEPS; step++) {
    steps_of(&v, joint, 1);
    steps_of(&v, alone, 1);
    expect_same_state(&v, joint, alone);
    expect(&v,
           memcmp(oikos_part_of(joint, &oikos_part_revive)->state,
                  oikos_part_of(alone, &oikos_part_revive)->state, 4 * sizeof(int64_t)) == 0,
           "other counts of deserted steps");
    for (int i = 0, first = (int)joint->learners.first; i < joint->learners.count; i++)
      for (int h = 1; h < 4 && first + i == 0; h++)
        splits += joint->learners.log_p[h] == joint->learners.log_p[0];
  }
  MPI_Allreduce(MPI_IN_PLACE, &splits, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  expect(&v, splits > 0, "no home was split");
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_census),
      cmocka_unit_test(test_none),
      cmocka_unit_test(test_revive),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
