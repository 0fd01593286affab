/* SPDX-License-Identifier: MIT
 * What a teacher says, and what comes of it: whole steps of the trainer against naive loops, for
 * each kind of teacher; and the configurations that are refused. */
#include "special.h"

#include <unistd.h>

#include "run/trainer_impl.h"

#define TASK                                                                                       \
  "seed: 3\nsteps: 4\ntask: {modes: [sinusoid, linear], support: 6, query: 5}\nlearners: {count: " \
  "5}\nouter: {optimizer: sgd}\nrun: {threads: 1}\n"
#define SMALL "model: {layers: [dense: 4, tanh, dense: 1]}\n"

/* theta (M) in double taken `steps` plain steps on the support set of the episode. */
static void learn(bench *b, int64_t steps, double *theta) {
  inner_rule r = {.steps = steps, .alpha = numbers((size_t)steps * b->m)};
  for (size_t i = 0; i < (size_t)steps * b->m; i++)
    r.alpha[i] = b->config->inner.rate;
  adapt(b, &r, theta, NULL);
  free(r.alpha);
}

/* What theta gives for a set, into outputs (n, 1). */
static void predict(bench *b, const double *theta, const oikos_batch *set, real *outputs) {
  round_to(b->m, theta, b->theta);
  oikos_network_predict(b->net, b->ws, b->theta, set, outputs);
}

/* The start (M) of home t: w with its last numbers from the home. */
static void start_at(const bench *b, const double *w, const double *homes, size_t k, size_t t,
                     double *theta) {
  memcpy(theta, w, b->m * sizeof *theta);
  memcpy(theta + b->m - k, homes + t * k, k * sizeof *theta);
}

/* A step of SGD with teachers that start at `first` and take `steps`; mean (M) becomes the mean of
 * the trained learners. Both losses have the term if `both`, else the query loss. */
static void naive_step(bench *b, int64_t step, const double *first, int64_t steps, bool both,
                       double *w, double *mean) {
  inner_rule rule = fixed_rate(b, 0, true);
  double *meta = numbers(b->m), *theta = numbers(b->m), *teacher = numbers(b->m);
  real support[6], query[5];
  memset(mean, 0, b->m * sizeof *mean);
  for (size_t i = 0; i < b->n; i++) {
    draw(b, step, i);
    b->episode.support.teacher = b->episode.query.teacher = NULL;
    memcpy(teacher, first, b->m * sizeof *teacher);
    learn(b, steps, teacher);
    predict(b, teacher, &b->episode.support, support);
    predict(b, teacher, &b->episode.query, query);
    b->episode.support.teacher = both ? support : NULL;
    b->episode.query.teacher = query;
    memcpy(theta, w, b->m * sizeof *theta);
    add_meta_gradient(b, &rule, theta, 1 / (double)b->n, meta);
    for (size_t j = 0; j < b->m; j++)
      mean[j] += theta[j] / (double)b->n;
  }
  for (size_t j = 0; j < b->m; j++)
    w[j] -= b->config->shared.rate * meta[j];
  free(rule.alpha);
  free(meta);
  free(theta);
  free(teacher);
}

/* The shared weights after more steps teach: w after two outer steps. */
static void test_shared(void **state) {
  (void)state;
  bench *b = bench_of(TASK SMALL "inner: {steps: 2, rate: 0.05}\nshared: {rate: 0.2}\n"
                                 "distill: {weight: 0.6, teacher_steps: 4, in: both}");
  double *first = copy_of(b->m, oikos_trainer_shared(b->trainer)),
         *w = copy_of(b->m, oikos_trainer_shared(b->trainer)), *mean = numbers(b->m),
         *now = numbers(b->m);
  for (int64_t step = 0; step < 2; step++) {
    bench_step(b);
    memcpy(now, w, b->m * sizeof *now);
    naive_step(b, step, now, 4, true, w, mean);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
  }
  check_moved(b->m, first, w, "w");
  free(first);
  free(w);
  free(mean);
  free(now);
  bench_free(b);
}

/* The mean of the last step's trained learners teaches; before the first step, w does. */
static void test_peers(void **state) {
  (void)state;
  bench *b = bench_of(TASK SMALL "inner: {steps: 2, rate: 0.05}\nshared: {rate: 0.2}\n"
                                 "distill: {weight: 0.6, teacher: peers, teacher_steps: 1}");
  double *w = copy_of(b->m, oikos_trainer_shared(b->trainer)),
         *peers = copy_of(b->m, oikos_trainer_shared(b->trainer)), *mean = numbers(b->m);
  for (int64_t step = 0; step < 3; step++) {
    bench_step(b);
    naive_step(b, step, peers, 1, false, w, mean);
    check_moved(b->m, peers, mean, "the peers");
    memcpy(peers, mean, b->m * sizeof *peers);
    check_same(b->m, oikos_trainer_shared(b->trainer), w, "w");
    check_same(b->m, b->trainer->weights.peers, peers, "the peers");
  }
  free(w);
  free(peers);
  free(mean);
  bench_free(b);
}

/* The members' mean at each home, and the mean of all where homes own nothing. */
static void test_peers_at_homes(void **state) {
  (void)state;
  bench *b = bench_of(TASK SMALL "inner: {steps: 2, rate: 0.05}\nhome: {count: 2, owns: last, "
                                 "perturbation: 0.5}\ndistill: {weight: 0.6, teacher: peers}");
  const oikos_weights *s = &b->trainer->weights;
  size_t k = s->k, rest = b->m - k;
  double *w = copy_of(b->m, s->shared), *homes = copy_of(2 * k, s->homes), *all = numbers(rest),
         *theta = numbers(b->m), *at[2] = {numbers(k), numbers(k)}, members[2] = {0};
  bench_step(b);
  for (size_t i = 0; i < b->n; i++) {
    size_t h = (size_t)b->trainer->learners.home[i];
    draw(b, 0, i);
    start_at(b, w, homes, k, h, theta);
    learn(b, 2, theta);
    for (size_t j = 0; j < rest; j++)
      all[j] += theta[j] / (double)b->n;
    for (size_t j = 0; j < k; j++)
      at[h][j] = (at[h][j] * members[h] + theta[rest + j]) / (members[h] + 1);
    members[h]++;
  }
  assert_true(members[0] > 0 && members[1] > 0);
  check_same(rest, s->peers, all, "mean of all");
  check_same(k, s->peer_homes, at[0], "mean at home 0");
  check_same(k, s->peer_homes + k, at[1], "mean at home 1");
  double *owned[] = {w, homes, all, theta, at[0], at[1]};
  for (int i = 0; i < 6; i++)
    free(owned[i]);
  bench_free(b);
}

/* What the last learner of the step was told is what `theta` says after `steps`. */
static void check_teacher(bench *b, const bench *teacher, double *theta, int64_t steps) {
  real truth[6 + 5];
  double expected[6 + 5];
  bench seen = *teacher; // its network on the student's episode
  draw(b, 0, b->n - 1);
  seen.episode = b->episode;
  learn(&seen, steps, theta);
  predict(&seen, theta, &b->episode.support, truth);
  predict(&seen, theta, &b->episode.query, truth + 6);
  for (size_t i = 0; i < 6 + 5; i++)
    expected[i] = (double)truth[i];
  check_same(6 + 5, b->trainer->workers[0].teacher_outputs, expected, "what the teacher says");
}

/* The learner starts at a mixture of homes, its teacher at the best of them. */
static void test_home(void **state) {
  (void)state;
  bench *b = bench_of(TASK SMALL
                      "inner: {steps: 2, rate: 0.05}\nhome: {count: 3, owns: all, rule: weighted, "
                      "perturbation: 0.5}\ndistill: {weight: 0.6, teacher: home, in: both}");
  const oikos_weights *s = &b->trainer->weights;
  double *w = copy_of(b->m, s->shared), *homes = copy_of(3 * s->k, s->homes),
         *theta = numbers(b->m);
  bench_step(b);
  start_at(b, w, homes, s->k, (size_t)b->trainer->learners.home[b->n - 1], theta);
  check_teacher(b, b, theta, 2);
  free(w);
  free(homes);
  free(theta);
  bench_free(b);
}

static oikos_config *parsed(const char *text) {
  oikos_config *config = array(1, sizeof *config);
  oikos_error err;
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

/* Train a run of the text for two steps in a new folder; its checkpoint into path. */
static void train_model(const char *text, char *folder, char *path) {
  oikos_config *config = array(1, sizeof *config);
  oikos_trainer *t;
  oikos_error err;
  assert_non_null(mkdtemp(folder));
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  config->steps = 2;
  CHECK_OK(oikos_trainer_create(MPI_COMM_SELF, config, folder, false, NULL, &t, &err));
  CHECK_OK(oikos_trainer_run(t, &err));
  oikos_checkpoint_path(folder, 2, path);
  oikos_trainer_destroy(t);
  free(config);
}

static void remove_folder(const char *folder) {
  char command[256];
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

/* Another network, trained before, with its own rate, steps and homes. */
static void test_model(void **state) {
  (void)state;
  const char *large = TASK "model: {layers: [dense: 9, tanh, dense: 1]}\ninner: {steps: 3, rate: "
                           "0.02}\nhome: {count: 2, owns: all, perturbation: 0.5}\n";
  char folder[] = "/tmp/oikos-teacher-XXXXXX", path[OIKOS_LONG_PATH], text[4096];
  train_model(large, folder, path);
  snprintf(text, sizeof text,
           TASK SMALL "inner: {steps: 1, rate: 0.05}\ndistill: {weight: 0.6, teacher: model, in: "
                      "both, model: %s}",
           path);
  bench *b = bench_of(text), *own = bench_of(large);
  bench_step(b);
  const oikos_weights *s = &oikos_trainer_teacher(b->trainer)->weights;
  double *homes = copy_of(2 * own->m, s->homes), *theta = numbers(own->m), loss[2];
  draw(b, 0, b->n - 1);
  for (size_t t = 0; t < 2; t++)
    loss[t] = loss_at(own, homes + t * own->m, &b->episode.support);
  memcpy(theta, homes + (loss[1] < loss[0] ? own->m : 0), own->m * sizeof *theta);
  check_teacher(b, own, theta, 3);
  free(homes);
  free(theta);
  bench_free(b);
  bench_free(own);
  remove_folder(folder);
}

/* A student opened from its checkpoint has no teacher: it is for evaluation, and says so. */
static void test_opened(void **state) {
  (void)state;
  char folder[] = "/tmp/oikos-teacher-XXXXXX", other[] = "/tmp/oikos-student-XXXXXX",
       path[OIKOS_LONG_PATH], student[OIKOS_LONG_PATH], text[4096];
  oikos_trainer *t;
  oikos_error err;
  oikos_evaluation v;
  train_model(TASK SMALL, folder, path);
  snprintf(text, sizeof text, TASK SMALL "distill: {weight: 0.6, teacher: model, model: %s}", path);
  train_model(text, other, student);
  oikos_config *config = parsed(text);
  config->steps = 2;
  remove_folder(folder);
  CHECK_OK(oikos_trainer_open(MPI_COMM_SELF, config, student, NULL, &t, &err));
  assert_null(oikos_trainer_teacher(t));
  CHECK_OK(oikos_trainer_evaluate(t, OIKOS_TEST, 3, -1, &v, &err));
  oikos_evaluation_destroy(&v);
  assert_int_equal(oikos_trainer_step(t, &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "it cannot train"));
  oikos_trainer_destroy(t);
  free(config);
  remove_folder(other);
}

/* With a weight of 0 the other keys change nothing, and nothing is made. */
static void test_off(void **state) {
  (void)state;
  bench *a = bench_of(TASK SMALL), *b = bench_of(TASK SMALL "distill: {weight: 0, teacher: peers, "
                                                            "in: both, temperature: 9}");
  for (int i = 0; i < 3; i++) {
    bench_step(a);
    bench_step(b);
  }
  assert_memory_equal(oikos_trainer_shared(a->trainer), oikos_trainer_shared(b->trainer),
                      a->m * sizeof(real));
  assert_true(!b->trainer->weights.peers && !b->trainer->workers[0].teacher);
  assert_int_equal(oikos_grid_segments(a->trainer->segments.grid),
                   oikos_grid_segments(b->trainer->segments.grid));
  bench_free(a);
  bench_free(b);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *words; // NULL: allowed
  } cases[] = {
      {"distill: {weight: 0.5}", "distill.teacher_steps"},
      {"distill: {weight: 0.5, teacher_steps: 1}", "distill.teacher_steps"},
      {"distill: {weight: 0.5, teacher_steps: 2}", NULL},
      {"distill: {weight: 0.5, in: support}", NULL},
      {"distill: {weight: 0.5, teacher: peers}", NULL},
      {"distill: {weight: 0.5, teacher: home}\nhome: {count: 2, owns: all}", "both start at"},
      {"distill: {weight: 0.5, teacher: home}\nhome: {count: 2, owns: all, rule: weighted}", NULL},
      {"distill: {weight: 0.5}\nhome: {count: 2, owns: last}", NULL},
      {"distill: {weight: 0.5, teacher: peers}\nhome: {count: 2, owns: modulation}", "modulation"},
      {"distill: {weight: 0.5}\nhome: {count: 2, owns: modulation}", NULL},
      {"distill: {weight: 0.5, teacher: model}", "distill.model"},
      {"distill: {weight: 0.5, in: support}\ninner: {steps: 0}", "inner.steps is 0"},
  };
  oikos_error err;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    snprintf(text, sizeof text, SMALL "%s", cases[i].text);
    oikos_config *config = parsed(text);
    oikos_status status = oikos_config_check(config, &err);
    if (status != (cases[i].words ? OIKOS_USAGE : OIKOS_OK))
      fail_msg("%s: status %d", cases[i].text, status);
    if (cases[i].words && !strstr(err.message, cases[i].words))
      fail_msg("%s: %s", cases[i].text, err.message);
    free(config);
  }
  oikos_config *c = parsed("model: {loss: prototypes, layers: [dense: 4]}\ninner: {steps: 0}\n"
                           "distill: {weight: 0.5}\ntask: {source: images, file: x}");
  assert_int_equal(oikos_config_check(c, &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "prototypes has no term"));
  free(c);
}

static void test_other_task(void **state) {
  (void)state;
  oikos_error err;
  oikos_config *teacher = parsed(TASK SMALL), *student = parsed(TASK SMALL);
  student->seed = 99; // draws other functions, of the same task
  student->task.support = 3;
  assert_int_equal(oikos_config_teaches(teacher, student, &err), OIKOS_OK);
  snprintf(student->task.modes.item[0], OIKOS_NAME, "tanh");
  assert_int_equal(oikos_config_teaches(teacher, student, &err), OIKOS_USAGE);
  assert_non_null(strstr(err.message, "task.modes [sinusoid, linear]"));
  free(student);
  student = parsed("seed: 3\ntask: {source: images, split: fraction}");
  free(teacher);
  teacher = parsed("seed: 3\ntask: {source: images, split: fraction}");
  assert_int_equal(oikos_config_teaches(teacher, student, &err), OIKOS_OK);
  for (int source = OIKOS_SOURCE_IMAGES; source <= OIKOS_SOURCE_RATINGS; source++) {
    student->task.source = teacher->task.source = source;
    student->seed = 99; // other classes, groups, users and items are unseen
    assert_int_equal(oikos_config_teaches(teacher, student, &err), OIKOS_USAGE);
    assert_non_null(strstr(err.message, "seed 3"));
    student->seed = 3;
    assert_int_equal(oikos_config_teaches(teacher, student, &err), OIKOS_OK);
  }
  free(teacher);
  free(student);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_peers),
      cmocka_unit_test(test_peers_at_homes),
      cmocka_unit_test(test_home),
      cmocka_unit_test(test_model),
      cmocka_unit_test(test_opened),
      cmocka_unit_test(test_off),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_other_task),
  };
  MPI_Init(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
