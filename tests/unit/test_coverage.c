/* SPDX-License-Identifier: MIT
 * How often the intervals that an evaluation tells hold the truth: through a file, a trainer and
 * its evaluation, where few groups of many are held out at random and the truth is the mean over
 * all. Nothing is learned, so that it is known: what is predicted is 0, and the error of a group is
 * how far its rows are from that. With OIKOS_LONG 2,000 evaluations of each kind instead of 100. */
#include "check.h"

#include <mpi.h>
#include <unistd.h>

#include "base/random.h"
#include "oikos/trainer.h"
#include "store/table_file.h"
#include "tasks/table_index.h"

enum { GROUPS = 600, ROWS = 10 };

/* The squared size of a group's targets: normal around 1. */
static double square_of(int64_t group) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, (uint64_t)group);
  double z = oikos_random_normal(&r);
  return fmax(1 + 0.3 * z, 0.01);
}

/* Half of the rows above 0 and half below, twice and half as far as the others. */
static oikos_status fill(void *user, int64_t first, int64_t count, float *features, float *targets,
                         oikos_error *err) {
  static const double far[] = {0.5, 1.5, 0.75, 1.25, 1};
  (void)user;
  (void)err;
  for (int64_t i = 0; i < count; i++) {
    int64_t row = (first + i) % ROWS;
    features[i] = (float)row;
    targets[i] = (float)((row % 2 ? 1 : -1) * sqrt(square_of((first + i) / ROWS) * far[row / 2]));
  }
  return OIKOS_OK;
}

static void write_table(const char *path) {
  static const char *const feature[] = {"x"}, *const target[] = {"y"};
  static char text[GROUPS][8];
  static const char *name[GROUPS];
  static int64_t first[GROUPS + 1];
  oikos_error err;
  for (int64_t g = 0; g < GROUPS; g++) {
    snprintf(text[g], sizeof text[g], "g%d", (int)g);
    name[g] = text[g];
    first[g + 1] = first[g] + ROWS;
  }
  const oikos_table_index index = {.n_rows = GROUPS * ROWS,
                                   .n_features = 1,
                                   .n_targets = 1,
                                   .n_groups = GROUPS,
                                   .group_first = first,
                                   .group_name = name,
                                   .feature_name = feature,
                                   .target_name = target,
                                   .group_column = "g",
                                   .source = "a test"};
  CHECK_OK(oikos_table_file_write(path, &index, fill, NULL, &err));
}

/* One evaluation, of groups that the seed holds out; the loss is relative to the mean square. */
static void evaluate(const char *path, int64_t groups, int64_t seed, oikos_estimate *loss,
                     oikos_estimate *rmse) {
  char text[1024];
  oikos_config *config = array(1, sizeof *config);
  oikos_trainer *t;
  oikos_evaluation v;
  oikos_error err;
  snprintf(text, sizeof text,
           "seed: %lld\ntask: {source: table, file: %s, split: fraction, test_fraction: %.9f, "
           "support: 2, query: 4}\nlearners: {count: 1}\nmodel: {init: zeros, layers: [dense: "
           "1]}\ninner: {steps: 0}\nrun: {threads: 1}\n",
           (long long)seed, path, (double)groups / GROUPS);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_trainer_create(MPI_COMM_SELF, config, NULL, false, NULL, &t, &err));
  CHECK_OK(oikos_trainer_evaluate(t, OIKOS_TEST, 200, 0, &v, &err));
  *loss = v.loss[0];
  *rmse = v.rmse[0];
  assert_true(v.units == groups && loss->units == groups && rmse->units == groups);
  oikos_evaluation_destroy(&v);
  oikos_trainer_destroy(t);
  free(config);
}

static void test_coverage(void **state) {
  (void)state;
  static const int64_t groups[] = {3, 6, 12};
  const int64_t runs = getenv("OIKOS_LONG") ? 2000 : 100;
  const double slack = runs < 2000 ? 0.09 : 0.02; // four deviations
  char folder[] = "/tmp/oikos-coverage-XXXXXX", path[64];
  double roots = 0;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/x.h5", folder);
  write_table(path);
  for (int64_t g = 0; g < GROUPS; g++)
    roots += sqrt(square_of(g)) / GROUPS;
  for (int k = 0; k < 3; k++) {
    double held[2] = {0};
    for (int64_t seed = 1; seed <= runs; seed++) {
      oikos_estimate loss, rmse;
      evaluate(path, groups[k], seed, &loss, &rmse);
      held[0] += (fabs(loss.mean - 1) <= loss.interval) / (double)runs;
      held[1] += (fabs(rmse.mean - roots) <= rmse.interval) / (double)runs;
    }
    print_message("%lld held-out groups, %lld runs: %.4f of the intervals of the loss hold the "
                  "truth, %.4f of the error's\n",
                  (long long)groups[k], (long long)runs, held[0], held[1]);
    for (int i = 0; i < 2; i++)
      assert_true(fabs(held[i] - 0.95) <= slack);
  }
  unlink(path);
  rmdir(folder);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_coverage)};
  MPI_Init(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
