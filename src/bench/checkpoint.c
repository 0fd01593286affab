/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "bench/folder.h"
#include "bench/raw_file.h"
#include "bench/table.h"
#include "oikos/real.h"
#include "oikos/version.h"
#include "store/checkpoint.h"
#include "store/sync.h"

enum { WRITE, VERIFY, READ, PHASES };
enum { FIELDS = 4, ROW_BYTES = 4096, ROWS_PER_MIB = 256, REPETITIONS = 5 };

static const char *const phases[PHASES] = {"write", "verify", "read back"};

/* A field of a quarter of the file. */
typedef struct field_layout {
  const char *name;
  oikos_field_type type;
  size_t element;
  bool owned;
} field_layout;

static const field_layout layouts[FIELDS] = {
    {"shared/weights", OIKOS_FIELD_REAL, sizeof(oikos_real), false},
    {"homes/weights", OIKOS_FIELD_REAL, sizeof(oikos_real), false},
    {"learners/own", OIKOS_FIELD_REAL, sizeof(oikos_real), true},
    {"learners/log_p", OIKOS_FIELD_DOUBLE, sizeof(double), true},
};

typedef struct checkpoint_trial {
  const oikos_team *team;
  char checkpoint[OIKOS_NAME_MAX], raw[OIKOS_NAME_MAX];
  oikos_field field[FIELDS];
  off_t first; /* of this rank's part of the bare file */
  size_t count;
  char *part;             /* (count) */
  oikos_checkpoint *open; /* what VERIFY has opened and READ reads */
  oikos_bench_table table;
} checkpoint_trial;

/* Rows that no file system can make smaller. */
static oikos_status alloc_rows(void *out, int64_t rows, oikos_error *err) {
  uint32_t *words;
  size_t n = oikos_mul((size_t)rows, ROW_BYTES / sizeof *words);
  OIKOS_TRY(oikos_alloc(&words, n, sizeof *words, "what is written", err));
  for (size_t i = 0; i < n; i++)
    words[i] = (uint32_t)i * 2654435761U;
  memcpy(out, &words, sizeof words);
  return OIKOS_OK;
}

static oikos_status set_up(checkpoint_trial *t, int64_t mib, oikos_error *err) {
  int64_t rows = mib * ROWS_PER_MIB, first, count;
  OIKOS_TRY(oikos_bench_alloc(&t->table, err));
  oikos_share(rows, t->team->rank, t->team->size, &first, &count);
  t->first = first * ROW_BYTES;
  t->count = (size_t)count * ROW_BYTES;
  OIKOS_TRY(alloc_rows(&t->part, count, err));
  for (int i = 0; i < FIELDS; i++) {
    oikos_field *f = &t->field[i];
    size_t row = ROW_BYTES / layouts[i].element;
    *f = (oikos_field){.meaning = "a measurement",
                       .type = layouts[i].type,
                       .n_dims = 2,
                       .dims = {rows / FIELDS, (int64_t)row},
                       .stride = row,
                       .owned = layouts[i].owned};
    snprintf(f->name, sizeof f->name, "%s", layouts[i].name);
    oikos_share(f->dims[0], t->team->rank, t->team->size, &f->first, &f->count);
    OIKOS_TRY(alloc_rows(&f->data, f->owned ? f->count : f->dims[0], err));
  }
  return OIKOS_OK;
}

static void tear_down(checkpoint_trial *t) {
  for (int i = 0; i < FIELDS; i++)
    free(t->field[i].data);
  free(t->part);
  free(t->table.seconds);
}

static oikos_status write_checkpoint(const checkpoint_trial *t, oikos_error *err) {
  char text[] = "a measurement";
  oikos_checkpoint_info info = {.ranks = t->team->size,
                                .config = text,
                                .version = (char *)oikos_version(),
                                .libraries = text,
                                .numerics = text,
                                .created = text};
  return oikos_checkpoint_write(t->team, t->checkpoint, &info, t->field, FIELDS, err);
}

static oikos_status read_checkpoint(checkpoint_trial *t, oikos_error *err) {
  oikos_status status = oikos_checkpoint_read(t->team, t->open, t->field, FIELDS, err);
  oikos_checkpoint_close(t->open);
  t->open = NULL;
  return status;
}

static oikos_status run_phase(checkpoint_trial *t, int side, int phase, oikos_error *err) {
  if (side == OIKOS_BENCH_THING && phase == VERIFY)
    return oikos_checkpoint_open(t->team, t->checkpoint, &t->open, err);
  if (side == OIKOS_BENCH_THING)
    return phase == WRITE ? write_checkpoint(t, err) : read_checkpoint(t, err);
  return phase == WRITE ? oikos_raw_write(t->raw, t->first, t->part, t->count, err)
                        : oikos_raw_read(t->raw, t->first, t->part, t->count, err);
}

static oikos_status repeat(checkpoint_trial *t, int repetition, oikos_error *err) {
  for (int side = 0; side < OIKOS_BENCH_SIDES; side++)
    for (int phase = 0; phase < PHASES; phase++) {
      double start = oikos_bench_start(t->team);
      oikos_status status = run_phase(t, side, phase, err);
      oikos_bench_set(&t->table, phase, side, repetition, start);
      OIKOS_TRY(oikos_agree(t->team, status, err));
    }
  if (t->team->rank == 0) { // the next repetition makes both anew
    unlink(t->checkpoint);
    unlink(t->raw);
  }
  return OIKOS_OK;
}

/* Rank 0 makes the folder; all write into it. */
static oikos_status measure_in(checkpoint_trial *t, const char *parent, char *folder,
                               oikos_error *err) {
  oikos_status status = OIKOS_OK;
  if (t->team->rank == 0)
    status = oikos_bench_folder_make(parent, folder, err);
  if (t->team->rank == 0)
    oikos_pulse_set_leftover(t->team->pulse, folder);
  OIKOS_TRY(oikos_agree(t->team, status, err));
  oikos_broadcast(t->team, folder, OIKOS_NAME_MAX);
  snprintf(t->checkpoint, sizeof t->checkpoint, "%.4080s/checkpoint.h5", folder);
  snprintf(t->raw, sizeof t->raw, "%.4080s/raw", folder);
  for (int i = 0; status == OIKOS_OK && i < REPETITIONS; i++)
    status = repeat(t, i, err);
  if (t->team->rank == 0)
    oikos_bench_folder_remove(folder);
  oikos_pulse_set_leftover(t->team->pulse, NULL);
  return status;
}

oikos_status oikos_bench_checkpoint(const oikos_bench_job *job, oikos_error *err) {
  char folder[OIKOS_NAME_MAX] = "";
  checkpoint_trial t = {.team = job->team,
                        .table = {.side = {"checkpoint", "bare file"},
                                  .unit = "s",
                                  .per_second = 1,
                                  .rate = "MB/s",
                                  .amount = (double)job->mib * (1 << 20) / 1e6,
                                  .n_rows = PHASES,
                                  .repetitions = REPETITIONS,
                                  .row = phases}};
  oikos_status status = oikos_agree(t.team, set_up(&t, job->mib, err), err);
  if (status == OIKOS_OK)
    status = measure_in(&t, job->folder, folder, err);
  if (status == OIKOS_OK) {
    oikos_bench_slowest(t.team, &t.table);
    if (t.team->rank == 0) {
      printf("%lld MiB in %s by %d ranks, %d times; read back from the page cache\n",
             (long long)job->mib, job->folder, t.team->size, REPETITIONS);
      oikos_bench_print(&t.table);
    }
  }
  tear_down(&t);
  return status;
}
