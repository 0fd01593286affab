/* SPDX-License-Identifier: MIT
 * A run that goes on from a checkpoint is the run that never stopped; what would be another is
 * refused. */
#include "ranks.h"

#include "store/checkpoint_list.h"

static oikos_config *run_config(int64_t steps) {
  oikos_config *config =
      config_of(7, WEIGHTED,
                "inner: {steps: 2, learned_rates: step_layer}\nouter: {schedule: constant}\n"
                "log: {every: 2}\ncheckpoint: {every: 4, keep: 9}\nshared: {mixing: 0.1}\n");
  config->steps = steps;
  return config;
}

/* Train in a run directory up to a step. */
static oikos_trainer *run_to(verdict *v, const char *run, int64_t steps, bool resume) {
  oikos_trainer *t = NULL;
  oikos_error err;
  oikos_config *config = run_config(steps);
  if (expect_ok(v, oikos_trainer_create(MPI_COMM_WORLD, config, run, resume, NULL, &t, &err), &err,
                run))
    expect_ok(v, oikos_trainer_run(t, &err), &err, "oikos_trainer_run");
  free(config);
  return t;
}

/* From the checkpoint of step 5, alone, to step 9. */
static oikos_trainer *open_alone(verdict *v, const char *run) {
  oikos_trainer *t = NULL;
  oikos_error err;
  char path[OIKOS_LONG_PATH];
  oikos_config *config = run_config(9);
  oikos_checkpoint_path(run, 5, path);
  if (expect_ok(v, oikos_trainer_open(MPI_COMM_SELF, config, path, NULL, &t, &err), &err, path))
    expect_ok(v, oikos_trainer_run(t, &err), &err, "oikos_trainer_run");
  free(config);
  return t;
}

static void expect_same_run(verdict *v, const oikos_trainer *a, const oikos_trainer *b) {
  if (!expect(v, a && b, "a trainer is missing"))
    return;
  expect_same_state(v, a, b);
  expect(v, a->step == 9 && a->history.records == 4 && b->history.records == 4,
         "step %lld, %lld and %lld records", (long long)a->step, (long long)a->history.records,
         (long long)b->history.records);
  for (int64_t k = 0; k < 4; k++)
    expect(v,
           same(oikos_history_row(&a->history, k), oikos_history_row(&b->history, k),
                a->history.fields, sizeof(double)),
           "other records");
}

static void expect_same_digest(verdict *v, const char *run, const char *other) {
  char path[OIKOS_LONG_PATH], a[OIKOS_DIGEST] = "", b[OIKOS_DIGEST] = "";
  oikos_checkpoint_path(run, 9, path);
  checkpoint_digest(v, path, a);
  oikos_checkpoint_path(other, 9, path);
  checkpoint_digest(v, path, b);
  expect(v, strcmp(a, b) == 0, "digests %s and %s", a, b);
}

/* A run that goes on from a checkpoint, between two records, is the run that never stopped, on as
 * many ranks or on one: Adam's state, homes, log p, learned rates, the grid and the records all go
 * through the file. */
static void test_resume(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], whole[RANKS_PATH + 32], parts[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(whole, sizeof whole, "%s/whole", folder);
  snprintf(parts, sizeof parts, "%s/parts", folder);
  oikos_trainer *never = run_to(&v, whole, 9, false), *stopped = run_to(&v, parts, 5, false);
  oikos_trainer *alone = open_alone(&v, parts), *resumed = run_to(&v, parts, 9, true);
  expect_same_run(&v, resumed, never);
  expect_same_run(&v, never, alone);
  expect_same_digest(&v, whole, parts);
  oikos_trainer_destroy(never);
  oikos_trainer_destroy(stopped);
  oikos_trainer_destroy(alone);
  oikos_trainer_destroy(resumed);
  folder_remove(folder);
  conclude(&v);
}

/* A new run is refused where an old one is, and a resumed one must be the same computation. */
static void test_refused(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH];
  oikos_trainer *t;
  oikos_error err = {.message = ""};
  oikos_config *config = run_config(6);
  folder_make(folder);
  oikos_trainer_destroy(run_to(&v, folder, 5, false));
  oikos_status status = oikos_trainer_create(MPI_COMM_WORLD, config, folder, false, NULL, &t, &err);
  expect_error(&v, status, OIKOS_USAGE, &err, "already holds the checkpoints of a run");
  config->inner.rate = 0.5;
  status = oikos_trainer_create(MPI_COMM_WORLD, config, folder, true, NULL, &t, &err);
  expect_error(&v, status, OIKOS_USAGE, &err, "inner.rate");
  expect(&v, t == NULL, "a trainer is left");
  free(config);
  folder_remove(folder);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resume),
      cmocka_unit_test(test_refused),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
