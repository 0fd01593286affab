/* SPDX-License-Identifier: MIT
 * Checkpoints: what is read is what was written, byte for byte, whoever wrote and whoever reads;
 * the digest is of the state alone; what does not fit is an error for all. */
#include "ranks.h"
#include <glob.h>

#include "store/checkpoint.h"

/* A dataset of every kind: all types, 1 to 6 dimensions, rows with gaps between them in memory,
 * fewer rows than ranks, none at all. */
typedef struct layout {
  const char *name;
  oikos_field_type type;
  int n_dims;
  int64_t dims[OIKOS_FIELD_DIMS];
  size_t gap; /* elements between the rows in memory */
  bool owned, not_state;
} layout;

static const layout layouts[] = {
    {"real/matrix", OIKOS_FIELD_REAL, 2, {5, 3}, 2, false, false},
    {"real/cube", OIKOS_FIELD_REAL, 3, {2, 3, 4}, 0, false, false},
    {"real/deep/filters", OIKOS_FIELD_REAL, 4, {3, 2, 2, 5}, 7, false, false},
    {"homes/filters", OIKOS_FIELD_REAL, 5, {2, 3, 1, 2, 2}, 11, false, false},
    {"six", OIKOS_FIELD_INT64, 6, {3, 1, 2, 1, 2, 2}, 0, false, false},
    {"count", OIKOS_FIELD_INT64, 1, {1}, 0, false, false},
    {"exponents", OIKOS_FIELD_INT32, 1, {9}, 0, false, false},
    {"pending", OIKOS_FIELD_DOUBLE, 1, {11}, 0, false, false},
    {"learners/home", OIKOS_FIELD_INT32, 1, {7}, 0, true, false},
    {"learners/log_p", OIKOS_FIELD_DOUBLE, 2, {7, 3}, 1, true, false},
    {"learners/own", OIKOS_FIELD_REAL, 3, {13, 2, 2}, 3, true, false},
    {"learners/few", OIKOS_FIELD_INT64, 2, {2, 2}, 0, true, false},
    {"learners/none", OIKOS_FIELD_DOUBLE, 2, {0, 4}, 0, true, false},
    {"empty", OIKOS_FIELD_REAL, 2, {3, 0}, 0, false, false},
    {"large/shared", OIKOS_FIELD_REAL, 2, {701, 613}, 3, false, false},
    {"large/together", OIKOS_FIELD_REAL, 2, {1500, 613}, 0, false, false},
    {"large/own", OIKOS_FIELD_DOUBLE, 2, {311, 1001}, 0, true, false},
    {"large/rows", OIKOS_FIELD_REAL, 2, {3, 400001}, 0, true, false},
    {"history/records", OIKOS_FIELD_DOUBLE, 2, {4, 2}, 0, false, true},
};

enum { FIELDS = sizeof layouts / sizeof *layouts, SENTINEL = 0xA5 };

static size_t element_of(oikos_field_type type) {
  return type == OIKOS_FIELD_INT32 ? 4 : type == OIKOS_FIELD_REAL ? sizeof(real) : 8;
}

static size_t row_of(const layout *l) {
  size_t n = 1;
  for (int d = 1; d < l->n_dims; d++)
    n *= (size_t)l->dims[d];
  return n;
}

/* Byte b of row r of field f: any bit pattern, so that nothing passes through a conversion. */
static unsigned char byte_of(int f, int64_t r, size_t b) {
  uint64_t x = ((uint64_t)f << 40) + ((uint64_t)r << 20) + b;
  return (unsigned char)(x * 0x9E3779B97F4A7C15U >> 56);
}

/* Memory for all fields, SENTINEL everywhere. Owned rows are shared evenly, or all lie on the last
 * rank. */
static void fields_make(const oikos_team *team, bool evenly, oikos_field *fields) {
  for (int i = 0; i < FIELDS; i++) {
    const layout *l = &layouts[i];
    oikos_field *f = &fields[i];
    *f = (oikos_field){.meaning = "a test",
                       .type = l->type,
                       .n_dims = l->n_dims,
                       .stride = row_of(l) + l->gap,
                       .owned = l->owned,
                       .not_state = l->not_state,
                       .count = l->dims[0]};
    snprintf(f->name, sizeof f->name, "%s", l->name);
    memcpy(f->dims, l->dims, sizeof f->dims);
    if (l->owned && evenly)
      oikos_share(l->dims[0], team->rank, team->size, &f->first, &f->count);
    else if (l->owned && team->rank != team->size - 1)
      f->count = 0;
    size_t bytes = (size_t)f->count * f->stride * element_of(l->type);
    f->data = malloc(bytes + 1);
    memset(f->data, SENTINEL, bytes);
  }
}

static void fields_free(oikos_field *fields) {
  for (int i = 0; i < FIELDS; i++)
    free(fields[i].data);
}

/* Write the rows' values, or check that they are there and nothing between them was touched. */
static void fields_fill(oikos_field *fields) {
  for (int i = 0; i < FIELDS; i++)
    for (int64_t r = 0; r < fields[i].count; r++) {
      size_t size = element_of(fields[i].type), bytes = row_of(&layouts[i]) * size;
      unsigned char *row = (unsigned char *)fields[i].data + (size_t)r * fields[i].stride * size;
      for (size_t b = 0; b < bytes; b++)
        row[b] = byte_of(i, fields[i].first + r, b);
    }
}

static void fields_check(verdict *v, const oikos_field *fields) {
  for (int i = 0; i < FIELDS; i++)
    for (int64_t r = 0; r < fields[i].count; r++) {
      size_t size = element_of(fields[i].type), bytes = row_of(&layouts[i]) * size,
             stride = fields[i].stride * size, wrong = 0;
      const unsigned char *row = (const unsigned char *)fields[i].data + (size_t)r * stride;
      for (size_t b = 0; b < stride; b++)
        wrong += row[b] != (b < bytes ? byte_of(i, fields[i].first + r, b) : SENTINEL);
      expect(v, wrong == 0, "%s, row %lld: %zu wrong bytes", fields[i].name,
             (long long)(fields[i].first + r), wrong);
    }
}

static oikos_team team_of(MPI_Comm comm, verdict *v) {
  oikos_team team;
  oikos_error err;
  expect_ok(v, oikos_team_create(comm, &team, &err), &err, "oikos_team_create");
  return team;
}

static char text_config[] = "steps: 3\n", text_version[] = "v", text_libraries[] = "l",
            text_kernel[] = "k", text_created[] = "now";

static oikos_checkpoint_info info_of(const oikos_team *team, int64_t step) {
  return (oikos_checkpoint_info){step,         team->size,     4,           text_config,
                                 text_version, text_libraries, text_kernel, text_created};
}

static bool write_fields(verdict *v, const oikos_team *team, const char *path, int64_t step,
                         const oikos_field *fields) {
  oikos_error err;
  oikos_checkpoint_info info = info_of(team, step);
  return expect_ok(v, oikos_checkpoint_write(team, path, &info, fields, FIELDS, &err), &err,
                   "oikos_checkpoint_write");
}

static oikos_status read_fields(const oikos_team *team, const char *path, const oikos_field *fields,
                                int n, oikos_error *err) {
  oikos_checkpoint *c;
  oikos_status status = oikos_checkpoint_open(team, path, &c, err);
  if (status == OIKOS_OK)
    status = oikos_checkpoint_read(team, c, fields, n, err);
  oikos_checkpoint_close(c);
  return status;
}

static void check_described(verdict *v, const oikos_team *team, const char *path) {
  oikos_checkpoint *c;
  oikos_error err;
  if (!expect_ok(v, oikos_checkpoint_open(team, path, &c, &err), &err, "open"))
    return;
  const oikos_checkpoint_info *info = oikos_checkpoint_about(c);
  expect(v, info->step == 42 && info->ranks == team->size && info->records == 4,
         "step %lld, %lld ranks", (long long)info->step, (long long)info->ranks);
  expect(v, strcmp(info->config, text_config) == 0 && strcmp(info->created, "now") == 0,
         "config \"%s\", created \"%s\"", info->config, info->created);
  expect(v, strcmp(oikos_checkpoint_file(c), path) == 0, "it is %s", oikos_checkpoint_file(c));
  oikos_checkpoint_close(c);
}

/* Written and read by the same ranks, with the learners spread in two ways. */
static void test_round_trip(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  for (int way = 0; way < 4; way++) {
    oikos_field out[FIELDS], in[FIELDS];
    oikos_error err;
    snprintf(path, sizeof path, "%s/%d.h5", folder, way);
    fields_make(&team, way & 1, out);
    fields_make(&team, way & 2, in);
    fields_fill(out);
    if (write_fields(&v, &team, path, 42, out))
      expect_ok(&v, read_fields(&team, path, in, FIELDS, &err), &err, "read");
    fields_check(&v, in);
    check_described(&v, &team, path);
    fields_free(out);
    fields_free(in);
  }
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* The digest of what one process writes alone; change: 0 nothing, 1 what is no state, 2 one bit of
 * the state, 3 the step. */
static void digest_alone(verdict *v, const char *path, int change, char *digest) {
  oikos_team self = team_of(MPI_COMM_SELF, v);
  oikos_field fields[FIELDS];
  fields_make(&self, true, fields);
  fields_fill(fields);
  if (change == 1)
    memset(fields[FIELDS - 1].data, 3, 8);
  if (change == 2)
    *(unsigned char *)fields[0].data ^= 1;
  write_fields(v, &self, path, change == 3 ? 43 : 42, fields);
  checkpoint_digest(v, path, digest);
  fields_free(fields);
  oikos_team_destroy(&self);
}

/* The digest is the state's: one process writes what all write together, and gets the same. */
static void test_digest(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  oikos_field fields[FIELDS];
  char folder[RANKS_PATH], path[RANKS_PATH + 32], joint[OIKOS_DIGEST] = "";
  folder_make(folder);
  fields_make(&team, true, fields);
  fields_fill(fields);
  snprintf(path, sizeof path, "%s/joint.h5", folder);
  write_fields(&v, &team, path, 42, fields);
  checkpoint_digest(&v, path, joint);
  for (int change = 0; ranks_rank() == 0 && change < 4; change++) {
    char alone[OIKOS_DIGEST] = "";
    snprintf(path, sizeof path, "%s/alone-%d.h5", folder, change);
    digest_alone(&v, path, change, alone);
    expect(&v, (strcmp(joint, alone) == 0) == (change < 2), "change %d: digests %s and %s", change,
           joint, alone);
  }
  folder_remove(folder);
  fields_free(fields);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* Read with field i as `changed` says; all ranks are told. */
static void expect_misfit(verdict *v, const oikos_team *team, const char *path, int i,
                          oikos_field changed, const char *words) {
  oikos_field fields[FIELDS];
  oikos_error err = {.message = ""};
  fields_make(team, true, fields);
  changed.data = malloc(4096);
  oikos_field whole = fields[i];
  fields[i] = changed;
  oikos_status status = read_fields(team, path, fields, FIELDS, &err);
  expect_error(v, status, OIKOS_ERROR, &err, words);
  free(changed.data);
  fields[i] = whole;
  fields_free(fields);
}

static void check_misfits(verdict *v, const oikos_team *team, const char *path) {
  static const int some[] = {0, 3, 8, 9, 11}; // of all ranks, and owned; of fewer rows than ranks
  oikos_field fields[FIELDS];
  fields_make(team, true, fields);
  for (size_t k = 0; k < sizeof some / sizeof *some; k++) {
    oikos_field f = fields[some[k]];
    f.n_dims++;
    f.dims[f.n_dims - 1] = 1;
    expect_misfit(v, team, path, some[k], f, "has another shape");
    f = fields[some[k]];
    f.dims[f.n_dims - 1]++;
    f.stride++;
    expect_misfit(v, team, path, some[k], f, "has another shape");
    f = fields[some[k]];
    f.type = f.type == OIKOS_FIELD_INT32 ? OIKOS_FIELD_REAL : OIKOS_FIELD_INT32;
    expect_misfit(v, team, path, some[k], f, "has another number type");
    f = fields[some[k]];
    strcat(f.name, "_not");
    expect_misfit(v, team, path, some[k], f, f.name);
  }
  fields_free(fields);
}

/* What does not fit or is not there; what cannot be written leaves nothing behind. */
static void test_errors(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  oikos_field fields[FIELDS];
  oikos_error err = {.message = ""};
  oikos_checkpoint_info info = info_of(&team, 42);
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  fields_make(&team, true, fields);
  fields_fill(fields);
  snprintf(path, sizeof path, "%s/whole.h5", folder);
  write_fields(&v, &team, path, 42, fields);
  check_misfits(&v, &team, path);
  snprintf(path, sizeof path, "%s/missing.h5", folder);
  oikos_status status = read_fields(&team, path, fields, FIELDS, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "missing.h5: it cannot be read: No such file");
  snprintf(path, sizeof path, "%s/no/folder.h5", folder);
  status = oikos_checkpoint_write(&team, path, &info, fields, FIELDS, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "folder.h5 could not be written");
  status = oikos_checkpoint_write(&team, folder, &info, fields, FIELDS, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "could not be written"); // a folder is in its place
  glob_t left = {0};
  snprintf(path, sizeof path, "%s.tmp*", folder);
  expect(&v, glob(path, 0, NULL, &left) == GLOB_NOMATCH, "%s is left",
         left.gl_pathv ? *left.gl_pathv : path);
  globfree(&left);
  folder_remove(folder);
  fields_free(fields);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* What a file of an older version lacks is read as zeros, on all ranks, if it is optional; what it
 * has by another name is read by that. */
static void test_optional(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_field fields[FIELDS];
  oikos_error err = {.message = ""};
  double later[3] = {1, 2, 3};
  oikos_field field = {.name = "later",
                       .meaning = "a test",
                       .type = OIKOS_FIELD_DOUBLE,
                       .n_dims = 1,
                       .dims = {3},
                       .data = later,
                       .stride = 1};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  folder_make(folder);
  fields_make(&team, true, fields);
  fields_fill(fields);
  snprintf(path, sizeof path, "%s/older.h5", folder);
  write_fields(&v, &team, path, 42, fields);
  oikos_status status = read_fields(&team, path, &field, 1, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "dataset later is missing");
  expect(&v, later[2] == 3, "what was there is lost");
  field.old_name = "earlier";
  status = read_fields(&team, path, &field, 1, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "dataset later is missing");
  field.optional = true;
  expect_ok(&v, read_fields(&team, path, &field, 1, &err), &err, "read");
  expect(&v, later[0] == 0 && later[1] == 0 && later[2] == 0, "not zeros");
  double pending[11];
  field.old_name = "pending";
  field.dims[0] = 11;
  field.data = pending;
  expect_ok(&v, read_fields(&team, path, &field, 1, &err), &err, "read by its old name");
  for (size_t f = 0; f < FIELDS; f++)
    if (strcmp(fields[f].name, "pending") == 0)
      expect(&v, memcmp(pending, fields[f].data, sizeof pending) == 0, "not its numbers");
  folder_remove(folder);
  fields_free(fields);
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_digest),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_optional),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
