/* SPDX-License-Identifier: MIT
 * The learners' confidence in their homes: the mean over all learners of p[i][h(i)], against the
 * softmax of support losses computed here, and the same bits on any number of ranks. */
#include "ranks.h"

#include "learn/start.h"

enum { HOMES = 3, LEARNERS = 7 };

/* p[i][h(i)] of learner i in the step at hand, with memory 0: the largest of softmax(-eta * support
 * loss at start(w, c_t)). */
static double confidence_of(const oikos_trainer *t, int64_t i, oikos_workspace *ws,
                            oikos_episode *e) {
  const oikos_weights *w = &t->weights;
  real *theta = malloc(w->m * sizeof *theta);
  double score[HOMES], least = HUGE_VAL, sum = 0;
  oikos_source_draw(t->source, OIKOS_TRAIN, t->step, i, e);
  for (size_t h = 0; h < HOMES; h++) {
    oikos_home_start(&w->layout, w->shared, w->homes + h * w->k, theta);
    score[h] = t->config.home.eta * oikos_network_loss(t->net, ws, theta, &e->support).loss;
    least = score[h] < least ? score[h] : least;
  }
  for (size_t h = 0; h < HOMES; h++)
    sum += exp(least - score[h]);
  free(theta);
  return 1 / sum;
}

static double mean_confidence(const oikos_trainer *t) {
  oikos_episode e;
  oikos_workspace *ws;
  oikos_error err;
  double sum = 0;
  oikos_episode_create(t->source, &e, &err);
  oikos_workspace_create(t->net, e.support.n, &ws, &err);
  for (int64_t i = 0; i < LEARNERS; i++)
    sum += confidence_of(t, i, ws, &e);
  oikos_workspace_destroy(ws);
  oikos_episode_destroy(&e);
  return sum / LEARNERS;
}

/* Of the step at hand; since the last record, the sum and the steps in it. */
static const double *now_of(const oikos_trainer *t) {
  return t->history.now + t->history.fields + OIKOS_ASIDE_CONFIDENCE;
}

static const double *pending_of(const oikos_trainer *t) {
  return t->history.pending + t->history.fields + OIKOS_ASIDE_CONFIDENCE;
}

static void check_confidence(verdict *v, const char *home) {
  oikos_config *config = config_of(LEARNERS, home, "task: {noise: 0}");
  oikos_trainer *joint = trainer_of(v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(v, MPI_COMM_SELF, config, NULL);
  double total = 0;
  for (int k = 0; k < 5; k++) {
    double expected = mean_confidence(alone);
    steps_of(v, joint, 1);
    steps_of(v, alone, 1);
    total += *now_of(joint);
    expect(v, fabs(*now_of(joint) - expected) < 2e-5, "step %d: confidence %.9g, expected %.9g", k,
           *now_of(joint), expected);
    expect(v, expected > 1.01 / HOMES && expected < 0.99, "%g says nothing", expected);
    expect(v, *now_of(joint) == *now_of(alone), "%.17g, alone %.17g", *now_of(joint),
           *now_of(alone));
  }
  expect(v, pending_of(joint)[0] == total && pending_of(joint)[1] == 5, "%g in %g steps",
         pending_of(joint)[0], pending_of(joint)[1]);
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
}

/* Homes are hard or weighted: how sure learners are does not depend on it. */
static void test_confidence(void **state) {
  (void)state;
  verdict v = {0};
  check_confidence(&v, HARD ", eta: 0.05");
  check_confidence(&v, HARD ", eta: 0.05, rule: weighted");
  conclude(&v);
}

/* The mean over the steps of a record; nothing with one home. */
static void test_record(void **state) {
  (void)state;
  verdict v = {0};
  for (int homes = 1; homes <= HOMES; homes += 2) {
    oikos_error err;
    oikos_config *config = config_of(LEARNERS, homes > 1 ? HARD : "count: 1", "log: {every: 3}");
    oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
    double sum = 0;
    for (int k = 0; k < 3; k++) {
      steps_of(&v, t, 1);
      sum += *now_of(t);
    }
    expect_ok(&v, oikos_history_close(&t->history, 3, 3 * LEARNERS, 3 * LEARNERS, &err), &err,
              "close");
    double confidence = oikos_trainer_record(t, 0).confidence;
    expect(&v, confidence == sum / 3, "%.17g, not %.17g", confidence, sum / 3);
    expect(&v, homes > 1 ? confidence > 1.0 / HOMES : confidence == 0, "%d homes: %g", homes,
           confidence);
    oikos_trainer_destroy(t);
    free(config);
  }
  conclude(&v);
}

/* An evaluation's mean is that over its homes, weighted by who lives there. */
static void test_evaluation(void **state) {
  (void)state;
  verdict v = {0};
  oikos_error err;
  oikos_evaluation e;
  oikos_config *config = config_of(LEARNERS, HARD ", eta: 0.05", "");
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  steps_of(&v, t, 3);
  if (expect_ok(&v, oikos_trainer_evaluate(t, OIKOS_TEST, 60, -1, &e, &err), &err, "evaluate")) {
    double sum = 0;
    for (int h = 0; h < HOMES; h++)
      for (int g = 0; g < e.n_groups; g++)
        sum += (double)e.residents[h * e.n_groups + g] * e.home_confidence[h];
    expect(&v, fabs(sum / 60 - e.confidence) < 1e-12, "%.17g, by homes %.17g", e.confidence,
           sum / 60);
    expect(&v, e.confidence > 1.0 / HOMES && e.confidence < 1, "confidence %g", e.confidence);
    expect_same(&v, e.home_confidence, HOMES * sizeof *e.home_confidence, "confidence by home");
  }
  oikos_evaluation_destroy(&e);
  oikos_trainer_destroy(t);
  free(config);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_confidence),
      cmocka_unit_test(test_record),
      cmocka_unit_test(test_evaluation),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
