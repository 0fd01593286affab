/* SPDX-License-Identifier: MIT */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "bench/bench.h"
#include "bench/table.h"
#include "dist/embedding.h"
#include "dist/exchange.h"
#include "dist/reduce.h"

typedef oikos_real real;

enum { FETCH, ADD, UPDATE, PHASES };
enum { REPETITIONS = 9 };

static const char *const phases[PHASES] = {"fetch", "add", "update"};

/* Steps of so many examples a rank, beside the bare exchange of as many bytes. */
typedef struct embedding_trial {
  const oikos_team *team;
  oikos_embedding *embedding;
  int64_t rows;
  size_t width, batch;
  oikos_grid *grid;
  oikos_sum sum;
  int64_t *id;         /* (batch) */
  int32_t *place;      /* (batch) */
  real *gradient;      /* (d) */
  double sent[PHASES]; /* bytes to other ranks, of the rank that sends most */
  size_t room;         /* bytes of the buffers below */
  char *out, *in;      /* of the bare exchange */
  oikos_bench_table table;
} embedding_trial;

/* Rows as ratings have them: a few are popular, all over the table. */
static void draw_embedding_rows(const embedding_trial *t, int repetition) {
  oikos_random r =
      oikos_random_at(0, OIKOS_DRAW_CHECK, (uint64_t)repetition + 2, (uint64_t)t->team->rank);
  for (size_t i = 0; i < t->batch; i++) {
    double u = oikos_random_uniform(&r, 0, 1);
    uint64_t popularity = (uint64_t)(u * u * u * (double)t->rows);
    t->id[i] = (int64_t)(popularity * UINT64_C(0x9e3779b97f4a7c15) % (uint64_t)t->rows);
  }
}

static oikos_status set_up(embedding_trial *t, oikos_error *err) {
  size_t none = 0;
  OIKOS_TRY(oikos_bench_alloc(&t->table, err));
  OIKOS_TRY(oikos_alloc(&t->id, t->batch, sizeof *t->id, "the examples", err));
  OIKOS_TRY(oikos_alloc(&t->place, t->batch, sizeof *t->place, "the examples", err));
  OIKOS_TRY(oikos_alloc(&t->gradient, t->width, sizeof(real), "a gradient", err));
  t->room = oikos_mul(t->batch, t->width * (sizeof(int64_t) + sizeof(real)) + sizeof(int64_t));
  t->room += (size_t)t->team->size;
  OIKOS_TRY(oikos_alloc(&t->out, t->room, 1, "the bare exchange", err));
  OIKOS_TRY(oikos_alloc(&t->in, t->room, 1, "the bare exchange", err));
  for (size_t j = 0; j < t->width; j++)
    t->gradient[j] = (real)0.5;
  OIKOS_TRY(
      oikos_grid_create(1, &none, (int64_t)t->batch * t->team->size, 1, false, &t->grid, err));
  return oikos_sum_create(t->grid, &t->sum, err);
}

static void tear_down(embedding_trial *t) {
  oikos_sum_destroy(&t->sum);
  oikos_grid_destroy(t->grid);
  free(t->id);
  free(t->place);
  free(t->gradient);
  free(t->out);
  free(t->in);
  free(t->table.seconds);
}

static oikos_status run_phase(embedding_trial *t, int phase, oikos_error *err) {
  if (phase == FETCH)
    return oikos_embedding_fetch(t->embedding, t->batch, t->id, t->place, err);
  if (phase == UPDATE) {
    oikos_embedding_update(t->embedding, t->grid, 0, 1, 0.001);
    return OIKOS_OK;
  }
  oikos_sum_zero(t->grid, &t->sum);
  for (size_t i = 0; i < t->batch; i++)
    oikos_embedding_add(t->embedding, t->grid, &t->sum, 0, t->place[i], t->gradient, 1);
  oikos_reduce(t->team, t->grid, &t->sum);
  return OIKOS_OK;
}

/* As many bytes as the phase sends, the same to every other rank; of adding, which sends nothing,
 * the additions in floating point, one after the other. */
static void run_bare(const embedding_trial *t, int phase) {
  size_t others = (size_t)t->team->size - 1, each = others ? (size_t)t->sent[phase] / others : 0;
  real *row = (real *)(void *)t->out;
  if (phase != ADD) {
    oikos_exchange_plain(t->team, each, t->out, t->in);
    return;
  }
  for (size_t i = 0; i < t->batch; i++)
    for (size_t j = 0; j < t->width; j++)
      row[i * t->width + j] += t->gradient[j];
}

static oikos_status repeat(embedding_trial *t, int repetition, oikos_error *err) {
  draw_embedding_rows(t, repetition);
  for (int phase = 0; phase < PHASES; phase++) {
    double before = oikos_embedding_traffic(t->embedding), start = oikos_bench_start(t->team);
    OIKOS_TRY(run_phase(t, phase, err));
    oikos_bench_set(&t->table, phase, OIKOS_BENCH_THING, repetition, start);
    t->sent[phase] = oikos_embedding_traffic(t->embedding) - before;
    oikos_largest(t->team, 1, &t->sent[phase]);
    start = oikos_bench_start(t->team);
    run_bare(t, phase);
    oikos_bench_set(&t->table, phase, OIKOS_BENCH_BOUND, repetition, start);
  }
  return OIKOS_OK;
}

static void print(const embedding_trial *t) {
  int64_t distinct;
  oikos_embedding_fetched(t->embedding, &distinct);
  printf("\n%zu examples a rank, %lld distinct rows; the busiest rank sends %.2f MiB a step\n",
         t->batch, (long long)distinct, (t->sent[FETCH] + t->sent[UPDATE]) / (1 << 20));
  oikos_bench_print(&t->table);
}

static oikos_status measure(embedding_trial *t, oikos_error *err) {
  t->table = (oikos_bench_table){.side = {"embedding", "bare"},
                                 .unit = "ms",
                                 .per_second = 1e3,
                                 .rate = "10^6/s",
                                 .amount = (double)t->batch / 1e6,
                                 .n_rows = PHASES,
                                 .repetitions = REPETITIONS,
                                 .row = phases};
  oikos_status status = oikos_agree(t->team, set_up(t, err), err);
  if (status == OIKOS_OK)
    status = repeat(t, 0, err); // a rehearsal: the next one notes its times over it
  for (int i = 0; status == OIKOS_OK && i < REPETITIONS; i++)
    status = repeat(t, i, err);
  if (status == OIKOS_OK) {
    oikos_bench_slowest(t->team, &t->table);
    if (t->team->rank == 0)
      print(t);
  }
  tear_down(t);
  return status;
}

/* The size of the process at its largest, MiB, on the rank where that is most. */
static double peak_memory(const oikos_team *team) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double mib = (double)used.ru_maxrss / 1024;
  oikos_largest(team, 1, &mib);
  return mib;
}

oikos_status oikos_bench_embedding(const oikos_bench_job *job, oikos_error *err) {
  static const size_t batches[] = {1000, 10000, 100000};
  enum { BATCHES = sizeof batches / sizeof *batches };
  const oikos_team *team = job->team;
  oikos_config *config;
  oikos_embedding *embedding = NULL;
  double start = oikos_wall_clock();
  oikos_status status = oikos_alloc(&config, 1, sizeof *config, "the configuration", err);
  if (status == OIKOS_OK) {
    oikos_config_defaults(config); // Adam
    status = oikos_embedding_create(team, config, 0, job->rows, (size_t)job->width, 0.05,
                                    batches[BATCHES - 1], &embedding, err);
  }
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK && team->rank == 0)
    printf("%lld rows of %lld numbers with Adam's state, on %d ranks; made in %.1f s\n",
           (long long)job->rows, (long long)job->width, team->size, oikos_wall_clock() - start);
  for (int b = 0; status == OIKOS_OK && b < BATCHES; b++) {
    embedding_trial t = {.team = team,
                         .embedding = embedding,
                         .rows = job->rows,
                         .width = (size_t)job->width,
                         .batch = batches[b]};
    status = measure(&t, err);
  }
  double mib = peak_memory(team);
  if (status == OIKOS_OK && team->rank == 0)
    printf("\npeak memory of a rank: %.0f MiB\n", mib);
  oikos_embedding_destroy(embedding);
  free(config);
  return status;
}
