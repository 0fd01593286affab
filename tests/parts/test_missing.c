/* SPDX-License-Identifier: MIT
 * A build whose list of the parts of a step lacks some: who asks for one of these is refused before
 * anything is done, by key and place; all else runs. Linked with a list without census and revive.
 */
#include "mpi/ranks.h"

/* What becomes of a configuration, in the file or, with a key of home.revive, by --set. */
static void check(verdict *v, const char *home, const char *set, const char *expected) {
  oikos_config *config = config_of(4, home, "");
  oikos_trainer *t = NULL;
  oikos_error err;
  char folder[RANKS_PATH], run[RANKS_PATH + 8];
  if (*set)
    expect_ok(v, oikos_config_set(config, set, &err), &err, set);
  folder_make(folder);
  snprintf(run, sizeof run, "%s/run", folder);
  oikos_status status = oikos_trainer_create(MPI_COMM_WORLD, config, run, false, NULL, &t, &err);
  if (*expected)
    expect_error(v, status, OIKOS_USAGE, &err, expected);
  else
    expect_ok(v, status, &err, home);
  expect(v, (access(run, F_OK) == 0) == (status == OIKOS_OK), "%s of %s", run, home);
  oikos_trainer_destroy(t);
  folder_remove(folder);
  free(config);
}

static void test_missing(void **state) {
  (void)state;
  verdict v = {0};
  const char *why = "home.revive is set, but this build has no part `revive`";
  check(&v, HARD ", revive: 2", "", why);
  check(&v, HARD ", revive: 2", "", "test:");
  check(&v, HARD ", revive: 2", "", "src/run/part.h");
  check(&v, HARD, "home.revive=2", "--set: home.revive is set");
  check(&v, HARD ", revive: 0", "", ""); // asks for nothing
  check(&v, HARD ", revive: 2", "home.revive=0", "");
  check(&v, HARD, "inner.adapt_rate=true", ""); // that part is there
  conclude(&v);
}

/* A configuration that was never text. */
static void test_by_hand(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err = {.message = ""};
  oikos_config *config = config_of(4, HARD, "");
  config->home.revive = 3;
  expect_error(&v, oikos_parts_check(config, &err), OIKOS_USAGE, &err, "home.revive is set");
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_missing),
      cmocka_unit_test(test_by_hand),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
