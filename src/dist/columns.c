/* SPDX-License-Identifier: MIT */
#include "dist/columns.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

typedef oikos_real real;

#ifdef OIKOS_DOUBLE
#define REAL MPI_DOUBLE
#else
#define REAL MPI_FLOAT
#endif

enum { MAX_MESSAGE = 1 << 28 };

/* What messages count in: how many rows and columns each rank has, and where they begin. */
static void lay_out(oikos_columns *c, const int64_t *rows) {
  int64_t offset, many, row = 0;
  for (int r = 0; r < c->team->size; r++) {
    oikos_share(c->d, r, c->team->size, &offset, &many);
    c->share_first[r] = (int)offset;
    c->share_count[r] = (int)many;
    c->row_first[r] = (int)row;
    c->row_count[r] = (int)rows[r];
    row += rows[r];
  }
}

static oikos_status allocate(oikos_columns *c, oikos_error *err) {
  size_t ranks = (size_t)c->team->size;
  OIKOS_TRY(oikos_alloc(&c->share_count, ranks, sizeof(int), "the columns", err));
  OIKOS_TRY(oikos_alloc(&c->share_first, ranks, sizeof(int), "the columns", err));
  OIKOS_TRY(oikos_alloc(&c->row_count, ranks, sizeof(int), "the columns", err));
  OIKOS_TRY(oikos_alloc(&c->row_first, ranks, sizeof(int), "the columns", err));
  OIKOS_TRY(oikos_alloc(&c->tags, (size_t)c->n, sizeof *c->tags, "the columns", err));
  OIKOS_TRY(oikos_alloc(&c->rows, oikos_mul((size_t)c->n_rows, (size_t)c->d), sizeof(real),
                        "the learners' numbers (aggregation.rule)", err));
  return oikos_alloc(&c->columns, oikos_mul((size_t)c->n, (size_t)c->count), sizeof(real),
                     "the learners' numbers by coordinate (aggregation.rule)", err);
}

oikos_status oikos_columns_create(const oikos_team *team, const int64_t *rows, int64_t d,
                                  oikos_columns *c, oikos_error *err) {
  int64_t n = 0, first_row = 0;
  for (int r = 0; r < team->size; r++) {
    first_row += r < team->rank ? rows[r] : 0;
    n += rows[r];
  }
  *c = (oikos_columns){
      .team = team, .n = n, .d = d, .first_row = first_row, .n_rows = rows[team->rank]};
  if (n > INT_MAX || d > INT_MAX)
    return oikos_fail(err, OIKOS_USAGE,
                      "aggregation.rule trimmed_mean and median take at most %d learners and "
                      "numbers of each, found %lld and %lld; use centred_clip",
                      INT_MAX, (long long)n, (long long)d);
  oikos_share(d, team->rank, team->size, &c->first, &c->count);
  oikos_status status = allocate(c, err);
  if (status != OIKOS_OK) {
    oikos_columns_destroy(c);
    return status;
  }
  lay_out(c, rows);
  return OIKOS_OK;
}

void oikos_columns_destroy(oikos_columns *c) {
  free(c->rows);
  free(c->columns);
  free(c->tags);
  free(c->share_count);
  free(c->share_first);
  free(c->row_count);
  free(c->row_first);
  *c = (oikos_columns){0};
}

void oikos_columns_put(const oikos_columns *c, int64_t row, int64_t offset, int64_t size,
                       const real *x) {
  for (int r = 0; r < c->team->size; r++) {
    int64_t first = c->share_first[r], count = c->share_count[r];
    int64_t from = offset > first ? offset : first;
    int64_t to = offset + size < first + count ? offset + size : first + count;
    if (from < to)
      memcpy(c->rows + first * c->n_rows + row * count + (from - first), x + (from - offset),
             (size_t)(to - from) * sizeof *x);
  }
}

/* Send n numbers to one rank and receive m of another, in messages that MPI can count. */
static void trade(MPI_Comm world, int to, size_t n, const real *out, int from, size_t m, real *in) {
  for (size_t offset = 0; offset < n || offset < m; offset += MAX_MESSAGE) {
    size_t sent = offset < n ? n - offset : 0, got = offset < m ? m - offset : 0;
    sent = sent < MAX_MESSAGE ? sent : MAX_MESSAGE;
    got = got < MAX_MESSAGE ? got : MAX_MESSAGE;
    MPI_Sendrecv(sent ? out + offset : out, (int)sent, REAL, sent ? to : MPI_PROC_NULL, 0,
                 got ? in + offset : in, (int)got, REAL, got ? from : MPI_PROC_NULL, 0, world,
                 MPI_STATUS_IGNORE);
  }
}

void oikos_columns_exchange(oikos_columns *c) {
  int size = c->team->size, rank = c->team->rank;
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c->tags, c->row_count, c->row_first,
                 MPI_INT32_T, c->team->world);
  for (int k = 0; k < size; k++) {
    int to = (rank + k) % size, from = (rank - k + size) % size;
    size_t held = (size_t)c->n_rows, mine = (size_t)c->count;
    trade(c->team->world, to, held * (size_t)c->share_count[to],
          c->rows + held * (size_t)c->share_first[to], from, mine * (size_t)c->row_count[from],
          c->columns + mine * (size_t)c->row_first[from]);
  }
}

void oikos_columns_gather(const oikos_columns *c, real *x) {
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x, c->share_count, c->share_first, REAL,
                 c->team->world);
}
