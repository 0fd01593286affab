/* SPDX-License-Identifier: MIT
 * Sums in memory that the ranks of a node share: whatever the nodes are, all ranks hold the words
 * of one rank that added everything, step after step. The nodes here are groups of ranks of one
 * machine. */
#include "ranks.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/random.h"
#include "dist/reduce.h"
#include "dist/shared_sum.h"

enum { TERMS = 13, STEPS = 3, SEGMENTS = 2, LONGEST = 5003 };

static const size_t segment_size[SEGMENTS] = {LONGEST, 1};

/* How ranks are grouped into nodes. */
typedef enum layout { TOGETHER, PAIRS, FIRST_ALONE, INTERLEAVED, EACH_ALONE, LAYOUTS } layout;

static int node_of(layout way, int rank) {
  switch (way) {
  case PAIRS:
    return rank / 2;
  case FIRST_ALONE:
    return rank > 0;
  case INTERLEAVED:
    return rank % 2;
  case EACH_ALONE:
    return rank;
  case TOGETHER:
  case LAYOUTS:
    break;
  }
  return 0;
}

/* A team whose nodes are those of the layout. */
static oikos_team team_of(layout way, verdict *v) {
  oikos_team team;
  oikos_error err;
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  MPI_Comm_free(&team.node);
  MPI_Comm_split(team.world, node_of(way, team.rank), team.rank, &team.node);
  MPI_Comm_rank(team.node, &team.node_rank);
  MPI_Comm_size(team.node, &team.node_size);
  return team;
}

static void add_term(const oikos_grid *grid, oikos_sum *sum, int step, int term) {
  real x[LONGEST];
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, (uint64_t)step, (uint64_t)term);
  for (int s = 0; s < SEGMENTS; s++) {
    for (size_t i = 0; i < segment_size[s]; i++)
      x[i] = (real)oikos_random_uniform(&r, -1, 1);
    oikos_sum_add(grid, sum, s, x, 1);
  }
  sum->words[1] += term;
}

static void check_step(verdict *v, const oikos_team *team, const oikos_grid *grid, oikos_sum *mine,
                       oikos_sum *whole, int step) {
  oikos_sum_zero(grid, mine);
  oikos_sum_zero(grid, whole);
  for (int term = 0; term < TERMS; term++) {
    add_term(grid, whole, step, term);
    if (term % team->size == team->rank)
      add_term(grid, mine, step, term);
  }
  oikos_reduce(team, grid, mine);
  size_t bytes = oikos_grid_words(grid) * sizeof *mine->words;
  expect(v, memcmp(mine->words, whole->words, bytes) == 0, "step %d: other words", step);
  expect(v, mine->words[1] == TERMS * (TERMS - 1) / 2, "step %d: counter", step);
}

static void test_layouts(void **state) {
  (void)state;
  verdict v = {0};
  for (layout way = TOGETHER; way < LAYOUTS; way++) {
    oikos_team team = team_of(way, &v);
    oikos_grid *grid;
    oikos_sum mine, whole;
    oikos_error err;
    expect_ok(&v, oikos_grid_create(SEGMENTS, segment_size, TERMS, 2, false, &grid, &err), &err,
              "grid");
    expect_ok(&v, oikos_shared_sum_create(&team, grid, &mine, &err), &err, "shared sum");
    expect_ok(&v, oikos_sum_create(grid, &whole, &err), &err, "sum");
    for (int step = 0; step < STEPS; step++)
      check_step(&v, &team, grid, &mine, &whole, step);
    oikos_shared_sum_destroy(&mine);
    oikos_sum_destroy(&whole);
    oikos_grid_destroy(grid);
    oikos_team_destroy(&team);
  }
  conclude(&v);
}

/* A rank that may not have the memory (a limit on file sizes forbids it to the one that asks): all
 * of them do without, and add up the same. */
static void test_no_memory(void **state) {
  (void)state;
  verdict v = {0};
  struct rlimit limit, small;
  oikos_team team = team_of(TOGETHER, &v);
  oikos_grid *grid;
  oikos_sum mine, whole;
  oikos_error err;
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &limit);
  small = limit;
  small.rlim_cur = 4096;
  if (team.rank == 0)
    setrlimit(RLIMIT_FSIZE, &small);
  expect_ok(&v, oikos_grid_create(SEGMENTS, segment_size, TERMS, 2, false, &grid, &err), &err,
            "grid");
  expect_ok(&v, oikos_shared_sum_create(&team, grid, &mine, &err), &err, "shared sum");
  setrlimit(RLIMIT_FSIZE, &limit);
  expect(&v, !mine.shared, "the words are shared");
  expect_ok(&v, oikos_sum_create(grid, &whole, &err), &err, "sum");
  for (int step = 0; step < STEPS; step++)
    check_step(&v, &team, grid, &mine, &whole, step);
  oikos_shared_sum_destroy(&mine);
  oikos_sum_destroy(&whole);
  oikos_grid_destroy(grid);
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_layouts),
                                     cmocka_unit_test(test_no_memory)};
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
