/* SPDX-License-Identifier: MIT
 *
 * cmocka on several ranks. All ranks run the same tests in the same order. A test notes what it
 * finds in a verdict and goes on, so that no rank waits for one that gave up; at its end the ranks
 * agree on the verdict, and rank 0 alone reports it. A hang ends by SIGALRM.
 */
#ifndef OIKOS_TESTS_RANKS_H
#define OIKOS_TESTS_RANKS_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mpi.h>

#include "check.h"

#include "run/part.h"
#include "run/trainer_impl.h"
#include "store/checkpoint.h"
#include "store/data_about.h"

typedef oikos_real real;

/** Two ways to live in three homes. */
#define HARD     "count: 3, owns: all, perturbation: 0.4, rate: 0.02, mixing: 0.3"
#define WEIGHTED HARD ", rule: weighted, memory: 0.9, eta: 0.1"

enum { RANKS_SECONDS = 60, RANKS_PATH = 256 };

/** What this rank found in a test: its first failure. */
typedef struct verdict {
  bool failed;
  char message[1500];
} verdict;

static inline int ranks_rank(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int ranks_size(void) {
  int size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

/** Note a failure unless the fact holds. Not collective. Returns the fact. */
static inline bool expect(verdict *v, bool fact, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool expect(verdict *v, bool fact, const char *format, ...) {
  if (fact || v->failed)
    return fact;
  va_list args;
  va_start(args, format);
  vsnprintf(v->message, sizeof v->message, format, args);
  va_end(args);
  v->failed = true;
  return fact;
}

/** Note a failure unless a call succeeded. Not collective. */
static inline bool expect_ok(verdict *v, oikos_status status, const oikos_error *err,
                             const char *what) {
  return expect(v, status == OIKOS_OK, "%s: %s", what, err->message);
}

/** Note a failure unless all ranks hold the same bytes. Collective. */
static inline void expect_same(verdict *v, const void *data, size_t bytes, const char *what) {
  char *first = malloc(bytes + 1);
  memcpy(first, data, bytes);
  MPI_Bcast(first, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
  expect(v, memcmp(first, data, bytes) == 0, "%s: not as on rank 0", what);
  free(first);
}

/** Note a failure unless a call failed with this status and these words in its message, the same
 * message on all ranks. Collective. */
static inline void expect_error(verdict *v, oikos_status got, oikos_status expected,
                                const oikos_error *err, const char *words) {
  char message[sizeof err->message] = "";
  if (expect(v, got == expected, "status %d, expected %d (%s)", got, expected, words)) {
    snprintf(message, sizeof message, "%s", err->message);
    expect(v, strstr(message, words) != NULL, "the message lacks \"%s\": %s", words, message);
  }
  expect_same(v, message, sizeof message, "error message");
}

/** The end of a test, its last call, since rank 0 does not come back if it failed: all ranks agree,
 * rank 0 reports the failure of the lowest. Collective. */
static inline void conclude(verdict *v) {
  int size = ranks_size(), mine = v->failed ? ranks_rank() : size, lowest;
  MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (lowest == size)
    return;
  MPI_Bcast(v->message, (int)sizeof v->message, MPI_CHAR, lowest, MPI_COMM_WORLD);
  if (ranks_rank() == 0)
    fail_msg("rank %d of %d: %s", lowest, size, v->message);
}

/** A fresh folder (RANKS_PATH), made by rank 0. Collective. */
static inline void folder_make(char *folder) {
  snprintf(folder, RANKS_PATH, "/tmp/oikos-test-XXXXXX");
  if (ranks_rank() == 0 && !mkdtemp(folder))
    folder[0] = 0;
  MPI_Bcast(folder, RANKS_PATH, MPI_CHAR, 0, MPI_COMM_WORLD);
  if (!folder[0])
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static inline void remove_tree(const char *path) {
  DIR *dir = opendir(path);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    char inner[2 * RANKS_PATH];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) < (int)sizeof inner)
      remove_tree(inner);
  }
  if (dir)
    closedir(dir);
  remove(path);
}

/** Remove the folder with all in it, when all ranks are done with it. Collective. */
static inline void folder_remove(const char *folder) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (ranks_rank() == 0)
    remove_tree(folder);
  MPI_Barrier(MPI_COMM_WORLD);
}

/** The digest of a data file that was changed, made right again, by this process alone: what lies
 * behind it is to be looked at. */
static inline void reseal(const char *path) {
  oikos_error err;
  if (oikos_seal_write(NULL, path, OIKOS_DATA_SEAL, &err) != OIKOS_OK) {
    fprintf(stderr, "%s\n", err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

/** The digest of a checkpoint (OIKOS_DIGEST), as this process alone reads it. */
static inline void checkpoint_digest(verdict *v, const char *path, char *digest) {
  oikos_checkpoint *c;
  oikos_error err;
  if (expect_ok(v, oikos_checkpoint_open(NULL, path, &c, &err), &err, "oikos_checkpoint_open"))
    expect_ok(v, oikos_checkpoint_digest(c, digest, &err), &err, "oikos_checkpoint_digest");
  oikos_checkpoint_close(c);
}

static inline void read_config(oikos_config *config, const char *text) {
  oikos_error err;
  if (oikos_config_parse(config, "test", text, strlen(text), &err) != OIKOS_OK) {
    fprintf(stderr, "%s\n", err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

/** The run of a test: the number of learners, the home section, and further YAML over it. */
static inline oikos_config *config_of(int learners, const char *home, const char *more) {
  oikos_config *config = calloc(1, sizeof *config);
  char text[2048];
  snprintf(text, sizeof text,
           "seed: 5\nsteps: 6\ntask: {modes: [sinusoid, linear, quadratic], support: 6, query: 7, "
           "noise: 0.1}\nlearners: {count: %d}\n"
           "model: {layers: [dense: 13, relu, dense: 9, tanh, dense: 1]}\n"
           "outer: {optimizer: adam, clip: 3, schedule: cosine}\nhome: {%s}\neval: {episodes: 0}\n",
           learners, home);
  oikos_config_defaults(config);
  read_config(config, text);
  if (*more)
    read_config(config, more);
  return config;
}

static inline oikos_trainer *trainer_of(verdict *v, MPI_Comm comm, const oikos_config *config,
                                        const oikos_observer *observer) {
  oikos_trainer *t = NULL;
  oikos_error err;
  if (oikos_trainer_create(comm, config, NULL, false, observer, &t, &err) != OIKOS_OK) {
    expect(v, false, "oikos_trainer_create: %s", err.message);
    fprintf(stderr, "%s\n", err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return t;
}

static inline void steps_of(verdict *v, oikos_trainer *t, int steps) {
  oikos_error err;
  for (int i = 0; i < steps; i++)
    expect_ok(v, oikos_trainer_step(t, &err), &err, "oikos_trainer_step");
}

static inline bool same(const void *a, const void *b, size_t count, size_t size) {
  return !a || memcmp(a, b, count * size) == 0;
}

/** What a part of a joint trainer keeps of its learners is what that of another keeps of them,
 * which owns at least these; neither has the part, or both. */
static inline bool same_part(const oikos_trainer *joint, const oikos_trainer *alone,
                             const oikos_part *part) {
  const oikos_part_state *a = oikos_part_of(joint, part), *b = oikos_part_of(alone, part);
  size_t first = (size_t)(joint->learners.first - alone->learners.first) * part->by_learner;
  return a && b ? memcmp(a->by_learner, (const char *)b->by_learner + first,
                         (size_t)joint->learners.count * part->by_learner) == 0
                : a == b;
}

/** All state of a joint trainer is that of another that owns at least its learners (one that
 * trained alone): of what is spread over ranks, this rank's part. */
static inline void expect_same_state(verdict *v, const oikos_trainer *joint,
                                     const oikos_trainer *alone) {
  const oikos_weights *a = &joint->weights, *b = &alone->weights;
  const oikos_learners *l = &joint->learners, *all = &alone->learners;
  size_t shared = a->n, owned = (size_t)a->n_homes * a->k, homes = (size_t)a->n_homes,
         first = (size_t)(l->first - all->first), count = (size_t)l->count;
  expect(v, joint->step == alone->step, "other step");
  expect(v, same(a->shared, b->shared, shared, sizeof *a->shared), "other w");
  expect(v, same(a->homes, b->homes, owned, sizeof *a->homes), "other homes");
  const oikos_optimizer *o[2] = {&a->shared_optimizer, &a->home_optimizer},
                        *p[2] = {&b->shared_optimizer, &b->home_optimizer};
  for (int i = 0; i < 2; i++)
    expect(v,
           same(o[i]->first, p[i]->first, o[i]->rows * o[i]->n, sizeof(real)) &&
               same(o[i]->second, p[i]->second, o[i]->rows * o[i]->n, sizeof(real)) &&
               same(o[i]->count, p[i]->count, o[i]->rows, sizeof *o[i]->count),
           "other state of optimizer %d", i);
  expect(v, same(l->home, all->home + first, count, sizeof *l->home), "other homes of learners");
  expect(v, same(l->log_p, all->log_p + first * homes, count * homes, sizeof *l->log_p),
         "other log p");
  expect(v, (l->theta != NULL) == (all->theta != NULL), "persistent learners on one side alone");
  if (l->theta && all->theta) {
    expect(v, same(l->theta, all->theta + first * a->m, count * a->m, sizeof *l->theta),
           "other theta");
    expect(v, same(l->visits, all->visits + first, count, sizeof *l->visits), "other visits");
  }
  expect(v,
         same(oikos_grid_exponents(joint->segments.grid),
              oikos_grid_exponents(alone->segments.grid),
              (size_t)oikos_grid_segments(joint->segments.grid), sizeof(int32_t)),
         "other exponents");
  expect(v, same(joint->history.pending, alone->history.pending, joint->history.fields, 8),
         "other metrics");
}

/** Two trainers of one configuration: one of all ranks, and one of this rank alone on one thread.
 */
typedef struct pair {
  oikos_config *config, *single;
  oikos_trainer *joint, *alone;
} pair;

/** The configuration is the pair's from now on. Collective. */
static inline pair pair_of(verdict *v, oikos_config *config) {
  oikos_config *single = malloc(sizeof *single);
  *single = *config;
  single->run.threads = 1;
  pair p = {.config = config,
            .single = single,
            .joint = trainer_of(v, MPI_COMM_WORLD, config, NULL),
            .alone = trainer_of(v, MPI_COMM_SELF, single, NULL)};
  memcpy(p.alone->weights.noise_key, p.joint->weights.noise_key,
         sizeof p.alone->weights.noise_key); // each run has one of its own
  return p;
}

/** A step of both, which must leave the same state; the learners that the ranks had active are
 * those of a step. Collective. */
static inline void pair_step(verdict *v, const pair *p) {
  int64_t active, expected = oikos_cohort_size(p->config);
  steps_of(v, p->joint, 1);
  steps_of(v, p->alone, 1);
  expect_same_state(v, p->joint, p->alone);
  MPI_Allreduce(&p->joint->learners.active, &active, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  expect(v, active == expected, "%lld of %lld learners are active", (long long)active,
         (long long)expected);
}

/** Collective. */
static inline void pair_free(pair *p) {
  oikos_trainer_destroy(p->joint);
  oikos_trainer_destroy(p->alone);
  free(p->config);
  free(p->single);
}

/** Six steps of a pair: the same state after each, something was trained, everybody was counted.
 * Collective. */
static inline void check_same_training(verdict *v, int learners, const char *home,
                                       const char *more) {
  pair p = pair_of(v, config_of(learners, home, more));
  double start = (double)p.joint->weights.shared[0], members = 0;
  for (int i = 0; i < 6; i++)
    pair_step(v, &p);
  expect(v, (double)p.joint->weights.shared[0] != start, "nothing was trained");
  for (int h = 0; h < p.config->home.count; h++)
    members += p.joint->history.pending[OIKOS_ROW_MEMBERS + h];
  expect(v, fabs(members - 6) < 1e-9, "%g members in 6 steps, as shares", members);
  pair_free(&p);
}

/** Start MPI. What ranks other than 0 print goes nowhere, but file descriptor 2 stays theirs: what
 * a sanitizer says is seen. glibc's standard streams are variables. */
static inline void ranks_begin(int *argc, char ***argv) {
  int provided;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  const char *slowness = getenv("OIKOS_SLOWNESS");
  alarm(RANKS_SECONDS * (slowness ? (unsigned)strtoul(slowness, NULL, 10) : 1));
  FILE *nowhere = ranks_rank() == 0 ? NULL : fopen("/dev/null", "w");
  if (nowhere)
    stdout = stderr = nowhere;
}

/** End MPI; the exit status of every rank. */
static inline int ranks_end(int failed) {
  int any;
  MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return any != 0;
}

#endif
