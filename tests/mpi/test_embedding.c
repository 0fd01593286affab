/* SPDX-License-Identifier: MIT
 * Embedding rows owned by ranks: every rank also has a table of its own that sees all examples
 * alone, and the joint one must hold the same bits; a dense table in double, written here, is the
 * truth for both. */
#include "ranks.h"

#include "base/random.h"
#include "dist/embedding.h"
#include "dist/reduce.h"

enum { WIDTH = 5, EXAMPLES = 60, STEPS = 6 };

/* A table, and the sum that its gradients are noted in. */
typedef struct table {
  oikos_team team;
  oikos_embedding *e;
  oikos_grid *grid;
  oikos_sum sum;
  int repeats; /* steps that were computed again */
} table;

static oikos_config *configure(oikos_optimizer_kind optimizer) {
  oikos_config *config = calloc(1, sizeof *config);
  oikos_config_defaults(config);
  config->outer.optimizer = optimizer;
  return config;
}

static void create(verdict *v, MPI_Comm comm, const oikos_config *config, int64_t rows, table *t) {
  oikos_error err = {.message = ""};
  size_t none = 0;
  *t = (table){0};
  oikos_team_create(comm, &t->team, &err);
  expect_ok(v, oikos_grid_create(1, &none, EXAMPLES, 1, false, &t->grid, &err), &err, "grid");
  expect_ok(v, oikos_sum_create(t->grid, &t->sum, &err), &err, "sum");
  expect_ok(v, oikos_embedding_create(&t->team, config, 0, rows, WIDTH, 0.5, EXAMPLES, &t->e, &err),
            &err, "embedding");
}

static void destroy(table *t) {
  oikos_embedding_destroy(t->e);
  oikos_sum_destroy(&t->sum);
  oikos_grid_destroy(t->grid);
  oikos_team_destroy(&t->team);
}

/* The row of an example: a few are popular. */
static int64_t row_of(int64_t rows, int step, int64_t i) {
  oikos_random r = oikos_random_at(7, OIKOS_DRAW_CHECK, (uint64_t)step, (uint64_t)i);
  double u = oikos_random_uniform(&r, 0, 1);
  return (int64_t)(u * u * u * (double)rows);
}

/* The slope of a loss of the row that pulls each number to one of the example's own. */
static void slope(int step, int64_t i, double size, const real *row, real *gradient) {
  for (int j = 0; j < WIDTH; j++)
    gradient[j] = (real)(size * ((double)row[j] - sin((double)(step + 3 * i + j))));
}

/* One step: this rank's share of the examples. */
static void step_of(verdict *v, table *t, int64_t rows, int step, double size, double rate) {
  int64_t id[EXAMPLES], first, count, k;
  int32_t place[EXAMPLES];
  oikos_error err = {.message = ""};
  oikos_share(EXAMPLES, t->team.rank, t->team.size, &first, &count);
  for (int64_t i = 0; i < count; i++)
    id[i] = row_of(rows, step, first + i);
  expect_ok(v, oikos_embedding_fetch(t->e, (size_t)count, id, place, &err), &err, "fetch");
  const real *fetched = oikos_embedding_fetched(t->e, &k);
  for (bool again = true; again;) {
    oikos_sum_zero(t->grid, &t->sum);
    oikos_embedding_restart(t->e);
    for (int64_t i = 0; i < count; i++) {
      real gradient[WIDTH];
      slope(step, first + i, size, fetched + (size_t)place[i] * WIDTH, gradient);
      expect(v, oikos_embedding_add(t->e, t->grid, &t->sum, 0, place[i], gradient, 1),
             "a gradient is not finite");
    }
    oikos_reduce(&t->team, t->grid, &t->sum);
    again = oikos_grid_misplaced(t->grid, &t->sum);
    t->repeats += again;
    if (again)
      oikos_grid_refit(t->grid, &t->sum);
  }
  oikos_embedding_update(t->e, t->grid, 0, 1.0 / EXAMPLES, rate);
  oikos_grid_refit(t->grid, &t->sum);
}

static void expect_same_rows(verdict *v, table *joint, table *alone) {
  oikos_embedding_part a = oikos_embedding_local(joint->e), b = oikos_embedding_local(alone->e);
  size_t from = (size_t)a.first * WIDTH, n = (size_t)a.count * WIDTH;
  const oikos_optimizer *o = a.optimizer, *p = b.optimizer;
  expect(v, same(a.numbers, b.numbers + from, n, sizeof(real)), "other rows");
  expect(v, same(o->first, p->first ? p->first + from : NULL, n, sizeof(real)), "other first");
  expect(v, same(o->second, p->second ? p->second + from : NULL, n, sizeof(real)), "other second");
  expect(v, same(o->count, p->count + a.first, (size_t)a.count, sizeof *o->count), "other counts");
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  const int64_t sizes[] = {1, 3, 50, 1000};
  for (int kind = OIKOS_SGD; kind <= OIKOS_ADAGRAD; kind++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      oikos_config *config = configure(kind);
      table joint, alone;
      create(&v, MPI_COMM_WORLD, config, sizes[s], &joint);
      create(&v, MPI_COMM_SELF, config, sizes[s], &alone);
      expect_same_rows(&v, &joint, &alone);
      for (int step = 0; step < STEPS; step++) {
        double size = step == 3 ? 1e7 : 1; // which the grid's last place does not take
        step_of(&v, &joint, sizes[s], step, size, 0.01);
        step_of(&v, &alone, sizes[s], step, size, 0.01);
        expect_same_rows(&v, &joint, &alone);
      }
      expect(&v, joint.repeats > 0 && joint.repeats == alone.repeats, "%d and %d repeats",
             joint.repeats, alone.repeats);
      destroy(&joint);
      destroy(&alone);
      free(config);
    }
  conclude(&v);
}

/* Adagrad by its formula on a dense table in double: one update a step of a row that several
 * examples are about, by the mean over all examples; none of a row that no example is about. */
static void test_truth(void **state) {
  (void)state;
  enum { ROWS = 40 };
  verdict v = {0};
  oikos_config *config = configure(OIKOS_ADAGRAD);
  table t, alone;
  double w[ROWS][WIDTH], squares[ROWS][WIDTH] = {{0}};
  int64_t count[ROWS] = {0};
  create(&v, MPI_COMM_WORLD, config, ROWS, &t);
  create(&v, MPI_COMM_SELF, config, ROWS, &alone);
  for (size_t i = 0; i < ROWS * WIDTH; i++)
    w[i / WIDTH][i % WIDTH] = (double)oikos_embedding_local(alone.e).numbers[i];
  for (int step = 0; step < STEPS; step++) {
    double g[ROWS][WIDTH] = {{0}};
    bool touched[ROWS] = {false};
    for (int64_t i = 0; i < EXAMPLES; i++) {
      int64_t row = row_of(ROWS, step, i);
      touched[row] = true;
      for (int j = 0; j < WIDTH; j++)
        g[row][j] += (w[row][j] - sin((double)(step + 3 * i + j))) / EXAMPLES;
    }
    for (int r = 0; r < ROWS; r++) {
      count[r] += touched[r];
      for (int j = 0; touched[r] && j < WIDTH; j++) {
        squares[r][j] += g[r][j] * g[r][j];
        w[r][j] -= 0.1 * g[r][j] / (sqrt(squares[r][j]) + config->outer.epsilon);
      }
    }
    step_of(&v, &t, ROWS, step, 1, 0.1);
  }
  oikos_embedding_part own = oikos_embedding_local(t.e);
  for (int64_t i = 0; i < own.count; i++) {
    int64_t row = own.first + i;
    expect(&v, own.optimizer->count[i] == count[row], "row %lld: %lld updates, not %lld",
           (long long)row, (long long)own.optimizer->count[i], (long long)count[row]);
    for (int j = 0; j < WIDTH; j++) {
      double found = (double)own.numbers[i * WIDTH + j];
      expect(&v, fabs(found - w[row][j]) < 2e-5, "row %lld: %g, not %g", (long long)row, found,
             w[row][j]);
    }
  }
  destroy(&t);
  destroy(&alone);
  free(config);
  conclude(&v);
}

static double traffic(verdict *v, const oikos_config *config, int64_t rows) {
  table t;
  create(v, MPI_COMM_WORLD, config, rows, &t);
  step_of(v, &t, rows, 0, 1, 0.1);
  double bytes = oikos_embedding_traffic(t.e);
  destroy(&t);
  return bytes;
}

/* What is sent does not grow with the table. The rows of an example are drawn as a share of it, so
 * the owners are nearly the same; in the small one more examples meet in a row. */
static void test_traffic(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = configure(OIKOS_SGD);
  double small = traffic(&v, config, 20000), large = traffic(&v, config, 640000);
  double most = EXAMPLES * (8.0 + 8 * WIDTH + sizeof(real) * WIDTH * (double)ranks_size());
  expect(&v, small <= most && large <= 1.2 * small + 8 * WIDTH, "%g and %g bytes, at most %g",
         small, large, most);
  expect(&v, (large > 0) == (ranks_size() > 1), "%g bytes on %d ranks", large, ranks_size());
  free(config);
  conclude(&v);
}

/* A row that is not there, on one rank: an error on all. */
static void test_bad_row(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = configure(OIKOS_SGD);
  oikos_error err = {.message = ""};
  table t;
  int64_t id = ranks_rank() == ranks_size() - 1 ? 10 : 9;
  int32_t place;
  create(&v, MPI_COMM_WORLD, config, 10, &t);
  oikos_status status = oikos_embedding_fetch(t.e, 1, &id, &place, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "row 10 of an embedding table of 10 rows");
  destroy(&t);
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_truth),
      cmocka_unit_test(test_traffic),
      cmocka_unit_test(test_bad_row),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
