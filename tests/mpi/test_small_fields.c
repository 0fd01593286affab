/* SPDX-License-Identifier: MIT
 * Small datasets of a checkpoint go to rank 0 together: however many there are, as often do ranks
 * talk to each other. What rank 0 has no room for goes the way of large ones. */
#include "ranks.h"

enum { MOST = 40, ROWS = 23, COLUMNS = 3 };

static int gathers, agreements; /* of this rank; MPI's own functions are behind these */

int MPI_Gatherv(const void *from, int count, MPI_Datatype type, void *to, const int counts[],
                const int starts[], MPI_Datatype to_type, int root, MPI_Comm comm) {
  gathers++;
  return PMPI_Gatherv(from, count, type, to, counts, starts, to_type, root, comm);
}

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
  agreements++;
  return PMPI_Allreduce(from, to, count, type, op, comm);
}

static double value_of(int field, int64_t row, int column) {
  return field * 1000 + (double)row * 10 + column + 0.5;
}

/* Fields of which every third is of all ranks, the others spread over them, unevenly and with a
 * gap behind each row. */
static void make(const oikos_team *team, int n, oikos_field *fields) {
  for (int i = 0; i < n; i++) {
    oikos_field *f = &fields[i];
    *f = (oikos_field){.meaning = "a test",
                       .type = OIKOS_FIELD_DOUBLE,
                       .n_dims = 2,
                       .dims = {ROWS + i, COLUMNS},
                       .stride = COLUMNS + 1,
                       .owned = i % 3 > 0,
                       .count = ROWS + i};
    snprintf(f->name, sizeof f->name, "small/%d", i);
    if (i % 3 == 1)
      oikos_share(f->dims[0], team->rank, team->size, &f->first, &f->count);
    else if (i % 3 == 2 && team->rank != team->size - 1)
      f->count = 0;
    f->data = calloc((size_t)f->count + 1, f->stride * sizeof(double));
  }
}

static void fill(int n, const oikos_field *fields) {
  for (int i = 0; i < n; i++)
    for (int64_t r = 0; r < fields[i].count; r++)
      for (int c = 0; c < COLUMNS; c++)
        ((double *)fields[i].data)[r * (COLUMNS + 1) + c] = value_of(i, fields[i].first + r, c);
}

static void check(verdict *v, int n, const oikos_field *fields) {
  for (int i = 0; i < n; i++)
    for (int64_t r = 0; r < fields[i].count; r++)
      for (int c = 0; c < COLUMNS; c++) {
        double found = ((double *)fields[i].data)[r * (COLUMNS + 1) + c],
               truth = value_of(i, fields[i].first + r, c);
        expect(v, found == truth, "field %d, row %lld: %g, expected %g", i,
               (long long)(fields[i].first + r), found, truth);
      }
}

static void release(int n, oikos_field *fields) {
  for (int i = 0; i < n; i++)
    free(fields[i].data);
}

/* Write n fields and read them back; how often ranks gathered and agreed while they wrote. */
static void round_trip(verdict *v, const oikos_team *team, const char *path, int n, int *gathered,
                       int *agreed) {
  static char text[] = "x";
  oikos_checkpoint_info info = {1, team->size, 0, text, text, text, text, text};
  oikos_field out[MOST], in[MOST];
  oikos_checkpoint *c = NULL;
  oikos_error err;
  make(team, n, out);
  make(team, n, in);
  fill(n, out);
  gathers = agreements = 0;
  expect_ok(v, oikos_checkpoint_write(team, path, &info, out, n, &err), &err, "write");
  *gathered = gathers;
  *agreed = agreements;
  if (expect_ok(v, oikos_checkpoint_open(team, path, &c, &err), &err, "open"))
    expect_ok(v, oikos_checkpoint_read(team, c, in, n, &err), &err, "read");
  oikos_checkpoint_close(c);
  check(v, n, in);
  release(n, out);
  release(n, in);
}

static void test_together(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team;
  oikos_error err;
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  int gathered[2], agreed[2];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  round_trip(&v, &team, path, 3, &gathered[0], &agreed[0]);
  round_trip(&v, &team, path, MOST, &gathered[1], &agreed[1]);
  expect(&v, gathered[0] == gathered[1] && agreed[0] == agreed[1],
         "3 fields: %d gathers, %d agreements; %d: %d and %d", gathered[0], agreed[0], MOST,
         gathered[1], agreed[1]);
  for (size_t block = 100; block < 3000; block += 700) { // ever more fit
    team.block = block;
    round_trip(&v, &team, path, MOST, &gathered[1], &agreed[1]);
  }
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
