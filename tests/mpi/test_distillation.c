/* SPDX-License-Identifier: MIT
 * Distillation on any number of ranks: the same bits with each kind of teacher, and a run that goes
 * on from a checkpoint is the one that never stopped, even when its teacher's own file is gone. */
#include "ranks.h"

#include "store/checkpoint.h"

#define SHARED "distill: {weight: 0.5, teacher_steps: 3, in: both}"
#define HOME   "distill: {weight: 0.5, teacher: home, in: both}"
#define PEERS  "distill: {weight: 0.5, teacher: peers}"

static void expect_same_peers(verdict *v, const oikos_trainer *a, const oikos_trainer *b) {
  const oikos_weights *x = &a->weights, *y = &b->weights;
  expect(v, !x->peers == !y->peers, "peers on one side only");
  expect(v, same(x->peers, y->peers, x->m, sizeof(real)), "other peers");
  expect(v, same(x->peer_homes, y->peer_homes, (size_t)x->n_homes * x->k, sizeof(real)),
         "other peers at the homes");
}

static void check_same_bits(verdict *v, int learners, const char *home, const char *more) {
  oikos_config *config = config_of(learners, home, more);
  oikos_trainer *joint = trainer_of(v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(v, MPI_COMM_SELF, config, NULL);
  for (int i = 0; i < 4; i++) {
    steps_of(v, joint, 1);
    steps_of(v, alone, 1);
    expect_same_state(v, joint, alone);
    expect_same_peers(v, joint, alone);
  }
  config->distill.weight = 0;
  oikos_trainer *off = trainer_of(v, MPI_COMM_SELF, config, NULL);
  steps_of(v, off, 4);
  expect(v, memcmp(off->weights.shared, joint->weights.shared, off->weights.m * sizeof(real)) != 0,
         "distillation changed nothing");
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  oikos_trainer_destroy(off);
  free(config);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  check_same_bits(&v, 7, HARD, SHARED);
  check_same_bits(&v, 3, WEIGHTED, HOME);
  check_same_bits(&v, 7, HARD, PEERS "\nrun: {threads: 2}");
  check_same_bits(&v, 3, "count: 2, owns: last", PEERS);
  check_same_bits(&v, 5, "count: 1", PEERS "\nshared: {mixing: 0.2}");
  conclude(&v);
}

static oikos_trainer *run_to(verdict *v, oikos_config *config, const char *run, int64_t steps,
                             bool resume) {
  oikos_trainer *t = NULL;
  oikos_error err;
  config->steps = steps;
  if (expect_ok(v, oikos_trainer_create(MPI_COMM_WORLD, config, run, resume, NULL, &t, &err), &err,
                run))
    expect_ok(v, oikos_trainer_run(t, &err), &err, "oikos_trainer_run");
  return t;
}

/* To step 7 in one go, and by way of a checkpoint of step 3. */
static void check_resume(verdict *v, oikos_config *config, const char *folder, const char *gone) {
  char whole[RANKS_PATH + 32], parts[RANKS_PATH + 32];
  snprintf(whole, sizeof whole, "%s/whole", folder);
  snprintf(parts, sizeof parts, "%s/parts", folder);
  oikos_trainer *never = run_to(v, config, whole, 7, false),
                *stopped = run_to(v, config, parts, 3, false);
  oikos_trainer_destroy(stopped);
  MPI_Barrier(MPI_COMM_WORLD);
  if (gone && ranks_rank() == 0)
    expect(v, remove(gone) == 0, "%s is not there", gone);
  MPI_Barrier(MPI_COMM_WORLD);
  oikos_trainer *resumed = run_to(v, config, parts, 7, true);
  if (expect(v, never && resumed, "a trainer is missing")) {
    expect_same_state(v, resumed, never);
    expect_same_peers(v, resumed, never);
  }
  oikos_trainer_destroy(never);
  oikos_trainer_destroy(resumed);
}

static void test_resume_peers(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH];
  oikos_config *config = config_of(5, HARD, PEERS "\nouter: {schedule: constant}");
  folder_make(folder);
  check_resume(&v, config, folder, NULL);
  free(config);
  folder_remove(folder);
  conclude(&v);
}

/* A teacher of two steps in a folder; its checkpoint into path. */
static void make_teacher(verdict *v, const char *folder, char *path) {
  char run[RANKS_PATH + 32];
  oikos_config *config =
      config_of(4, HARD, "model: {layers: [dense: 21, tanh, dense: 1]}\ninner: {steps: 2}");
  snprintf(run, sizeof run, "%s/teacher", folder);
  oikos_trainer_destroy(run_to(v, config, run, 2, false));
  oikos_checkpoint_path(run, 2, path);
  free(config);
}

/* The teacher's file is needed once: then the run has its own. */
static void test_model(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[OIKOS_LONG_PATH], more[2 * OIKOS_LONG_PATH];
  folder_make(folder);
  make_teacher(&v, folder, path);
  snprintf(more, sizeof more,
           "outer: {schedule: constant}\ndistill: {weight: 0.7, teacher: model, model: %s}", path);
  check_same_bits(&v, 5, HARD, more);
  oikos_config *config = config_of(5, HARD, more);
  check_resume(&v, config, folder, path);
  free(config);
  folder_remove(folder);
  conclude(&v);
}

/* A missing teacher, one of another task, one that is damaged: an error, the same on all ranks. */
static void test_refused(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[OIKOS_LONG_PATH];
  oikos_trainer *t;
  oikos_error err = {.message = ""};
  folder_make(folder);
  make_teacher(&v, folder, path);
  oikos_config *config = config_of(5, HARD, "distill: {weight: 0.7, teacher: model, model: none}");
  oikos_status status = oikos_trainer_create(MPI_COMM_WORLD, config, NULL, false, NULL, &t, &err);
  expect_error(&v, status, status == OIKOS_OK ? OIKOS_ERROR : status, &err, "the teacher none: ");
  snprintf(config->distill.model, OIKOS_PATH, "%.1000s", path);
  config->task.modes.n = 2;
  status = oikos_trainer_create(MPI_COMM_WORLD, config, NULL, false, NULL, &t, &err);
  expect_error(&v, status, OIKOS_USAGE, &err, "task.modes");
  config->task.modes.n = 3;
  if (ranks_rank() == 0)
    expect(&v, truncate(path, 3000) == 0, "%s cannot be cut", path);
  MPI_Barrier(MPI_COMM_WORLD);
  status = oikos_trainer_create(MPI_COMM_WORLD, config, NULL, false, NULL, &t, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "the teacher ");
  expect(&v, t == NULL, "a trainer is left");
  free(config);
  folder_remove(folder);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_resume_peers),
      cmocka_unit_test(test_model),
      cmocka_unit_test(test_refused),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
