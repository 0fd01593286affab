/* SPDX-License-Identifier: MIT
 * A table file in memory: every rank sees the numbers that were written, a damaged file is a clear
 * error for all, and training and evaluation on it have the same bits together and alone. */
#include "ranks.h"

#include <hdf5.h>

#include "store/table_file.h"
#include "store/table_load.h"

enum { GROUPS = 9, FEATURES = 3, TARGETS = 2 };

static float number_at(int64_t i) {
  return (float)((uint64_t)i * 0x9E3779B97F4A7C15U >> 40) / (1 << 20) - 8;
}

static float target_at(int64_t row, int64_t j) {
  return number_at(row * FEATURES) * (float)(j + 1) + number_at(row * FEATURES + 1) + (float)j;
}

/* NaN at this row's last target; -1: nowhere. */
static oikos_status fill(void *user, int64_t first, int64_t count, float *features, float *targets,
                         oikos_error *err) {
  const int64_t *bad = user;
  (void)err;
  for (int64_t i = 0; i < count * FEATURES; i++)
    features[i] = number_at(first * FEATURES + i);
  for (int64_t i = 0; i < count * TARGETS; i++)
    targets[i] = target_at(first + i / TARGETS, i % TARGETS);
  if (*bad >= first && *bad < first + count)
    targets[(*bad - first) * TARGETS + TARGETS - 1] = NAN;
  return OIKOS_OK;
}

/* Rank 0 writes a table with `rows` rows in each group. Collective. */
static void write_example(verdict *v, const char *path, int64_t rows, int64_t bad) {
  static const char *const groups[GROUPS] = {"a", "b", "c", "d", "e", "f", "g", "h", "\xCE\xB5"};
  static const char *const features[FEATURES] = {"x", "y", "a longer name"},
                           *const targets[TARGETS] = {"s", "t"};
  int64_t first[GROUPS + 1];
  oikos_error err;
  for (int g = 0; g <= GROUPS; g++)
    first[g] = g * rows;
  const oikos_table_index index = {.n_rows = GROUPS * rows,
                                   .n_features = FEATURES,
                                   .n_targets = TARGETS,
                                   .n_groups = GROUPS,
                                   .group_first = first,
                                   .group_name = groups,
                                   .feature_name = features,
                                   .target_name = targets,
                                   .group_column = "g",
                                   .source = "a test"};
  if (ranks_rank() == 0)
    expect_ok(v, oikos_table_file_write(path, &index, fill, &bad, &err), &err,
              "oikos_table_file_write");
  MPI_Barrier(MPI_COMM_WORLD);
}

static void check_load(verdict *v, const char *path, int64_t rows) {
  oikos_team team;
  oikos_table_data data;
  oikos_error err;
  write_example(v, path, rows, -1);
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  team.block = 100; // all sizes that are read are beyond it
  if (expect_ok(v, oikos_table_load(&team, path, &data, &err), &err, "oikos_table_load")) {
    const oikos_table_index *x = &data.index;
    expect(v, x->n_rows == GROUPS * rows && x->n_groups == GROUPS, "other counts");
    expect(v, x->n_features == FEATURES && x->n_targets == TARGETS, "other columns");
    for (int64_t g = 0; !v->failed && g <= GROUPS; g++)
      expect(v, x->group_first[g] == g * rows, "other start of group %d", (int)g);
    for (int64_t i = 0; !v->failed && i < x->n_rows * FEATURES; i++)
      expect(v, data.features[i] == number_at(i), "feature %d is wrong", (int)i);
    for (int64_t i = 0; !v->failed && i < x->n_rows * TARGETS; i++)
      expect(v, data.targets[i] == target_at(i / TARGETS, i % TARGETS), "target %d is wrong",
             (int)i);
    if (!v->failed)
      expect(v,
             !strcmp(x->group_name[8], "\xCE\xB5") &&
                 !strcmp(x->feature_name[2], "a longer name") && !strcmp(x->target_name[1], "t"),
             "other names");
  }
  oikos_table_unload(&data);
  oikos_table_unload(&data); // twice does no harm
  oikos_team_destroy(&team);
}

static void test_load(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  check_load(&v, path, 1);
  check_load(&v, path, 100000); // several blocks
  folder_remove(folder);
  conclude(&v);
}

typedef enum { NO_TARGETS, WHOLE_FEATURES, BAD_STARTS, FEW_NAMES, DAMAGES } damage;

static void do_damage(const char *path, damage how) {
  static const char *const name[DAMAGES] = {"targets", "features", "group_first", "feature_name"};
  const int64_t starts[GROUPS + 1] = {0, 10, 20, 20, 40, 50, 60, 70, 80, 90};
  const hsize_t one[1] = {how == BAD_STARTS ? GROUPS + 1 : FEATURES - 1}, two[2] = {90, FEATURES};
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, 4);
  H5Ldelete(file, name[how], H5P_DEFAULT);
  if (how != NO_TARGETS) {
    hid_t space =
        how == WHOLE_FEATURES ? H5Screate_simple(2, two, NULL) : H5Screate_simple(1, one, NULL);
    hid_t type = how == FEW_NAMES ? text : H5T_STD_I64LE;
    hid_t dataset = H5Dcreate2(file, name[how], type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    static const int64_t zeros[1024];
    H5Dwrite(dataset, how == FEW_NAMES ? text : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
             how == BAD_STARTS ? starts : zeros);
    H5Dclose(dataset);
    H5Sclose(space);
  }
  H5Tclose(text);
  H5Fclose(file);
  reseal(path);
}

static void expect_refused(verdict *v, const char *path, const char *words) {
  oikos_team team;
  oikos_table_data data;
  oikos_error err;
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  expect_error(v, oikos_table_load(&team, path, &data, &err), OIKOS_ERROR, &err, words);
  oikos_table_unload(&data);
  oikos_team_destroy(&team);
}

static void test_damage(void **state) {
  (void)state;
  static const char *const words[DAMAGES] = {"/targets is missing", "/features has another type",
                                             "group 2 (c) has no rows", "does not fit 2 feature"};
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  for (int how = 0; how < DAMAGES; how++) {
    write_example(&v, path, 10, -1);
    if (ranks_rank() == 0)
      do_damage(path, (damage)how);
    MPI_Barrier(MPI_COMM_WORLD);
    expect_refused(&v, path, words[how]);
  }
  write_example(&v, path, 10, 89); // in the last rank's share
  expect_refused(&v, path, "/targets, row 89, column 1 is not a finite number");
  folder_remove(folder);
  conclude(&v);
}

/* A dataset of a file of one's own. */
static void put_own(hid_t file, const char *name, hid_t type, int n_dims, const hsize_t *dims,
                    const void *data) {
  hid_t space = H5Screate_simple(n_dims, dims, NULL);
  hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(dataset);
  H5Sclose(space);
}

/* As h5py writes one: no digest, texts of variable length, and of a fixed one that they fill. */
static void write_own(const char *path, const char *const *features) {
  static const float numbers[2 * 2] = {1, 2, 3, 4}, targets[2] = {5, 6};
  static const int64_t first[3] = {0, 1, 2};
  static const char *const groups[2] = {"", "\xc3\xa9t\xc3\xa9"};
  const hsize_t one[1] = {1}, two[1] = {2}, three[1] = {3}, square[2] = {2, 2}, column[2] = {2, 1};
  const int32_t version = 1;
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t any = H5Tcopy(H5T_C_S1), full = H5Tcopy(H5T_C_S1), scalar = H5Screate(H5S_SCALAR);
  H5Tset_size(any, H5T_VARIABLE);
  H5Tset_cset(any, H5T_CSET_UTF8);
  H5Tset_size(full, 3);
  H5Tset_strpad(full, H5T_STR_NULLPAD);
  static const char *const format = "oikos table";
  hid_t a = H5Acreate2(file, "format", any, scalar, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(a, any, &format);
  H5Aclose(a);
  a = H5Acreate2(file, "format_version", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(a, H5T_NATIVE_INT32, &version);
  H5Aclose(a);
  put_own(file, "features", H5T_NATIVE_FLOAT, 2, square, numbers);
  put_own(file, "targets", H5T_NATIVE_FLOAT, 2, column, targets);
  put_own(file, "group_first", H5T_NATIVE_INT64, 1, three, first);
  put_own(file, "group_name", any, 1, two, groups);
  put_own(file, "feature_name", any, 1, two, features);
  put_own(file, "target_name", full, 1, one, "yes");
  H5Sclose(scalar);
  H5Tclose(any);
  H5Tclose(full);
  H5Fclose(file);
}

static void test_own_file(void **state) {
  (void)state;
  static const char *const features[2] = {"a feature of some length", "b"};
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32], endless[5000];
  oikos_team team;
  oikos_table_data data;
  oikos_error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  if (ranks_rank() == 0)
    write_own(path, features);
  MPI_Barrier(MPI_COMM_WORLD);
  if (expect_ok(&v, oikos_table_load(&team, path, &data, &err), &err, "oikos_table_load")) {
    expect(&v, data.index.n_features == 2 && strcmp(data.index.feature_name[0], features[0]) == 0,
           "feature %s", data.index.feature_name[0]);
    expect(&v,
           strcmp(data.index.group_name[0], "") == 0 &&
               strcmp(data.index.group_name[1], "\xc3\xa9t\xc3\xa9") == 0 &&
               strcmp(data.index.target_name[0], "yes") == 0,
           "other texts");
    expect(&v, data.about.digest[0] == 0, "digest %s", data.about.digest);
  }
  oikos_table_unload(&data);
  oikos_team_destroy(&team);
  memset(endless, 'x', sizeof endless);
  endless[sizeof endless - 1] = 0;
  if (ranks_rank() == 0)
    write_own(path, (const char *const[]){"a", endless});
  MPI_Barrier(MPI_COMM_WORLD);
  expect_refused(&v, path, "dataset /feature_name: text 1 has 4999 bytes, expected at most 4095");
  folder_remove(folder);
  conclude(&v);
}

/* What is damaged anywhere is found before anything of it is believed. */
static void test_digest(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  static const long places[] = {0, 7, 30, 60, 400, 512, 600, 3000};
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
    write_example(&v, path, 10, -1);
    if (ranks_rank() == 0) {
      FILE *file = fopen(path, "r+b");
      fseek(file, places[k], SEEK_SET);
      int byte = fgetc(file);
      fseek(file, places[k], SEEK_SET);
      fputc(byte ^ 4, file);
      fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    expect_refused(&v, path, "damaged");
  }
  write_example(&v, path, 10, -1);
  if (ranks_rank() == 0)
    expect(&v, truncate(path, 5000) == 0, "truncate");
  MPI_Barrier(MPI_COMM_WORLD);
  expect_refused(&v, path, "it has 5000 bytes");
  folder_remove(folder);
  conclude(&v);
}

/* Another column under the same name is what the file was written with no longer. */
static void test_fingerprint(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  write_example(&v, path, 10, -1);
  if (ranks_rank() == 0) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
    hid_t dataset = H5Dopen2(file, "feature_name", H5P_DEFAULT);
    H5Tset_size(text, 2);
    H5Tset_cset(text, H5T_CSET_UTF8);
    H5Dwrite(dataset, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, "q\0r\0s\0t");
    H5Dclose(dataset);
    H5Tclose(text);
    H5Fclose(file);
    reseal(path);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  expect_refused(&v, path, "its names are not those that it was written with");
  folder_remove(folder);
  conclude(&v);
}

static void expect_same_evaluation(verdict *v, oikos_trainer *joint, oikos_trainer *alone) {
  oikos_evaluation a, b;
  oikos_error err;
  if (!expect_ok(v, oikos_trainer_evaluate(joint, OIKOS_TEST, 10, 2, &a, &err), &err, "evaluate"))
    return;
  if (expect_ok(v, oikos_trainer_evaluate(alone, OIKOS_TEST, 10, 2, &b, &err), &err, "evaluate")) {
    expect(v, a.n_targets == TARGETS && a.units == 3 && b.units == 3, "%d targets, %d groups",
           (int)a.n_targets, (int)a.units);
    expect(v, memcmp(a.rmse, b.rmse, 3 * TARGETS * sizeof *a.rmse) == 0, "other errors");
    expect(v, a.rmse[0].mean > 0 && a.rmse[0].interval > 0, "no errors");
    oikos_evaluation_destroy(&b);
  }
  oikos_evaluation_destroy(&a);
}

static void check_same_bits(verdict *v, const char *path, const char *learners) {
  char text[1024];
  oikos_config *config = malloc(sizeof *config);
  snprintf(text, sizeof text,
           "task: {source: table, file: %s, split: fraction, test_fraction: 0.33, support: 4, "
           "query: 5, learners: %s}\nlearners: {count: 7}\nmodel:\n  layers: [dense: 6, tanh, "
           "dense: 2]\ninner: {steps: 2}\nhome: {count: 3, owns: all}\nrun: {threads: 1}\n",
           path, learners);
  oikos_config_defaults(config);
  read_config(config, text);
  oikos_trainer *joint = trainer_of(v, MPI_COMM_WORLD, config, NULL),
                *alone = trainer_of(v, MPI_COMM_SELF, config, NULL);
  for (int i = 0; i < 4 && !v->failed; i++) {
    steps_of(v, joint, 1);
    steps_of(v, alone, 1);
    expect_same_state(v, joint, alone);
  }
  if (!v->failed)
    expect_same_evaluation(v, joint, alone);
  oikos_trainer_destroy(joint);
  oikos_trainer_destroy(alone);
  free(config);
}

static void test_same_bits(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  write_example(&v, path, 10, -1);
  check_same_bits(&v, path, "free");
  check_same_bits(&v, path, "groups");
  folder_remove(folder);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_load),        cmocka_unit_test(test_damage),
      cmocka_unit_test(test_own_file),    cmocka_unit_test(test_digest),
      cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_same_bits),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
