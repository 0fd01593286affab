/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/try.h"
#include "bench/folder.h"
#include "bench/inflate.h"
#include "bench/table.h"
#include "import/import.h"
#include "store/sync.h"

enum { REPETITIONS = 3 };

static const char *const rows[] = {"import"};

/* The last step of an import writes, and is told in images. */
static void keep_total(void *user, const char *what, int64_t done, int64_t total) {
  int64_t *images = user;
  (void)what;
  (void)done;
  *images = total;
}

static oikos_status inflate(const oikos_import_job *import, int64_t *bytes, oikos_error *err) {
  *bytes = 0;
  for (int i = 0; i < import->n_sources; i++)
    OIKOS_TRY(oikos_bench_inflate(import->sources[i], bytes, err));
  return OIKOS_OK;
}

static oikos_status measure(const char *kind, const oikos_import_job *import, int64_t *bytes,
                            const oikos_bench_table *table, oikos_error *err) {
  for (int i = 0; i < REPETITIONS; i++) {
    double start = oikos_wall_clock();
    OIKOS_TRY(oikos_import(kind, import, err));
    oikos_bench_set(table, 0, OIKOS_BENCH_THING, i, start);
    start = oikos_wall_clock();
    OIKOS_TRY(inflate(import, bytes, err));
    oikos_bench_set(table, 0, OIKOS_BENCH_BOUND, i, start);
  }
  return OIKOS_OK;
}

oikos_status oikos_bench_import(const oikos_bench_job *job, oikos_error *err) {
  char folder[OIKOS_NAME_MAX], output[OIKOS_NAME_MAX];
  int64_t images = 0, bytes = 0;
  oikos_import_job import = {.n_sources = job->n_arguments - 1,
                             .sources = job->arguments + 1,
                             .output = output,
                             .progress = keep_total,
                             .user = &images};
  oikos_bench_table table = {.side = {"import", "read and inflate"},
                             .unit = "s",
                             .per_second = 1,
                             .rate = "images/s",
                             .n_rows = 1,
                             .repetitions = REPETITIONS,
                             .row = rows};
  if (job->team->rank != 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_bench_alloc(&table, err));
  oikos_status status = oikos_bench_folder_make(job->folder, folder, err);
  if (status == OIKOS_OK) {
    oikos_pulse_set_leftover(job->team->pulse, folder);
    snprintf(output, sizeof output, "%.4080s/images.h5", folder);
    status = measure(job->arguments[0], &import, &bytes, &table, err);
    oikos_bench_folder_remove(folder);
    oikos_pulse_set_leftover(job->team->pulse, NULL);
  }
  if (status == OIKOS_OK) {
    table.amount = (double)images;
    printf("%s: %lld images, %.1f MB inflated, %d times\n", job->arguments[0], (long long)images,
           (double)bytes / 1e6, REPETITIONS);
    oikos_bench_print(&table);
  }
  free(table.seconds);
  return status;
}
