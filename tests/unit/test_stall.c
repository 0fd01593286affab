/* SPDX-License-Identifier: MIT
 * The judgement of who a job waits for. */
#include <string.h>

#include "check.h"
#include "run/stall.h"

enum { RANKS = 4 };

/* All ranks wait in the all-reduce of step 7. */
static void all_wait(oikos_rank_seen *ranks, int n) {
  for (int r = 0; r < n; r++)
    ranks[r] = (oikos_rank_seen){
        .host = "n1", .pid = 100 + r, .step = 7, .phase = OIKOS_PHASE_REDUCE, .still = 12};
}

static void test_names_the_rank_that_computes(void **state) {
  (void)state;
  oikos_rank_seen ranks[RANKS];
  char text[1024];
  all_wait(ranks, RANKS);
  ranks[2] = (oikos_rank_seen){
      .host = "n3", .pid = 4711, .step = 7, .phase = OIKOS_PHASE_TRAIN, .still = 11, .silent = 1};
  assert_true(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
  assert_string_equal(text,
                      "no progress for 10 s (run.watchdog): 1 of 4 ranks did not come to step "
                      "7, the all-reduce: rank 2 on n3 (process 4711), for 11.0 s in step 7: "
                      "training its learners");
}

static void test_names_the_silent_and_not_who_waits_for_it(void **state) {
  (void)state;
  oikos_rank_seen ranks[RANKS];
  char text[1024];
  all_wait(ranks, RANKS);
  ranks[0].step = 6; // has not left the all-reduce that the others have left
  ranks[3].step = 5;
  ranks[3].silent = 30;
  ranks[3].still = 0; // as it last said
  assert_true(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
  assert_non_null(strstr(text, "1 of 4 ranks"));
  assert_non_null(
      strstr(text, "rank 3 on n1 (process 103), silent for 30.0 s, last seen in step 5"));
  assert_null(strstr(text, "rank 0"));
}

static void test_waits_for_whoever_works(void **state) {
  (void)state;
  oikos_rank_seen ranks[RANKS];
  char text[1024];
  all_wait(ranks, RANKS);
  ranks[1].phase = OIKOS_PHASE_TRAIN;
  ranks[1].still = 9.5; // it made progress less than the limit ago
  assert_false(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
  ranks[2].step = 6; // one that stands still as well does not change that
  assert_false(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
}

static void test_blames_nobody_if_all_are_there(void **state) {
  (void)state;
  oikos_rank_seen ranks[RANKS];
  char text[1024];
  all_wait(ranks, RANKS);
  assert_true(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
  assert_non_null(strstr(text, "all 4 ranks are in step 7, the all-reduce"));
  ranks[0].still = 3;
  assert_false(oikos_stalled(ranks, RANKS, 10, 4, text, sizeof text));
}

static void test_names_few_of_many(void **state) {
  (void)state;
  enum { MANY = 3000 };
  static oikos_rank_seen ranks[MANY];
  char text[1024];
  all_wait(ranks, MANY);
  for (int r = 1000; r < 2000; r++)
    ranks[r].phase = OIKOS_PHASE_TRAIN;
  assert_true(oikos_stalled(ranks, MANY, 10, 4, text, sizeof text));
  assert_non_null(strstr(text, "1000 of 3000 ranks"));
  assert_non_null(strstr(text, "rank 1007 "));
  assert_null(strstr(text, "rank 1008 "));
  assert_non_null(strstr(text, "; and 992 more"));
  char small[64];
  assert_true(oikos_stalled(ranks, MANY, 10, 4, small, sizeof small));
  assert_int_equal(strlen(small), sizeof small - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_the_rank_that_computes),
      cmocka_unit_test(test_names_the_silent_and_not_who_waits_for_it),
      cmocka_unit_test(test_waits_for_whoever_works),
      cmocka_unit_test(test_blames_nobody_if_all_are_there),
      cmocka_unit_test(test_names_few_of_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
