/* SPDX-License-Identifier: MIT
 * Checkpoints whose seal is right and whose content cannot be: the numbers of each kind of state,
 * what a checkpoint says of itself, and what stands elsewhere than in the file. All ranks are told
 * the same, before memory goes by it. And what could not be read is not written. */
#include "ranks.h"

#include <hdf5.h>
#include <math.h>

#include "run/fields.h"
#include "store/checkpoint_impl.h"
#include "store/checkpoint_list.h"
#include "store/copy_file.h"
#include "store/seal.h"
#include "store/sync.h"

enum { STEPS = 4, PATH = RANKS_PATH + 64 };

static oikos_config *run_config(void) {
  oikos_config *config =
      config_of(7,
                "count: 3, owns: last, perturbation: 0.4, rate: 0.02, mixing: 0.3, memory: 0.9, "
                "eta: 0.1, revive: 3, priority: gradient",
                "inner: {steps: 2, learned_rates: step_layer, adapt_rate: true, adapt_range: 4}\n"
                "learners: {persist: true, rollback: 10, patience: 3}\n"
                "log: {every: 2}\nshared: {mixing: 0.1}\n");
  config->steps = STEPS;
  return config;
}

/* A run's checkpoint, written by all ranks, into path (PATH). Collective. */
static void train(verdict *v, const char *folder, char *path) {
  oikos_trainer *t = NULL;
  oikos_error err;
  oikos_config *config = run_config();
  char run[PATH], name[OIKOS_LONG_PATH];
  snprintf(run, sizeof run, "%s/run", folder);
  if (expect_ok(v, oikos_trainer_create(MPI_COMM_WORLD, config, run, false, NULL, &t, &err), &err,
                "create"))
    expect_ok(v, oikos_trainer_run(t, &err), &err, "run");
  oikos_trainer_destroy(t);
  oikos_checkpoint_path(run, STEPS, name);
  snprintf(path, PATH, "%.*s", PATH - 1, name);
  free(config);
}

/* A test that cannot be made is no test. */
static void give_up(const char *what) {
  fprintf(stderr, "test_forged: %s cannot be made\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Change one number of a dataset, as HDF5 converts it. */
static void poke(hid_t file, const char *dataset, size_t at, double value) {
  hid_t set = H5Dopen2(file, dataset, H5P_DEFAULT), space = H5Dget_space(set);
  size_t n = (size_t)H5Sget_simple_extent_npoints(space);
  double *numbers = malloc(n * sizeof *numbers);
  if (set < 0 || at >= n || H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, 0, numbers) < 0)
    give_up(dataset);
  numbers[at] = value;
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  free(numbers);
  H5Sclose(space);
  H5Dclose(set);
}

static void poke_attribute(hid_t file, const char *name, int64_t value) {
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  if (attribute < 0 || H5Awrite(attribute, H5T_NATIVE_INT64, &value) < 0)
    give_up(name);
  H5Aclose(attribute);
}

/* A dataset of doubles in place of another, by chunks that are not in the file, or in another file.
 */
static void replace(hid_t file, const char *name, int64_t rows, bool outside) {
  hsize_t dims[2] = {(hsize_t)rows, 3}, chunk[2] = {1024, 3};
  hid_t layout = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
  if (outside)
    H5Pset_external(layout, "elsewhere", 0, dims[0] * dims[1] * 8);
  else
    H5Pset_chunk(layout, 2, chunk);
  H5Ldelete(file, name, H5P_DEFAULT);
  hid_t set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
  if (set < 0)
    give_up(name);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(layout);
}

typedef struct forgery {
  const char *name; /* of a dataset, or of an attribute */
  size_t at;
  double value;
  const char *words;
} forgery;

static const forgery numbers[] = {
    {"shared/0.dense.weight", 3, NAN, "shared/0.dense.weight: row 3 holds nan"},
    {"shared/2.dense.bias", 8, INFINITY, "shared/2.dense.bias: row 8 holds inf"},
    {"homes/4.dense.weight", 9 * 2 + 1, NAN, "homes/4.dense.weight: row 2 holds nan"},
    {"rates/by_step_and_layer", 0, NAN, "rates/by_step_and_layer: row 0 holds nan"},
    {"optimizer/shared/first/0.dense.bias", 0, -INFINITY, "first/0.dense.bias: row 0 holds -inf"},
    {"optimizer/shared/second/0.dense.bias", 1, -1, "second/0.dense.bias: row 1 holds -1"},
    {"optimizer/homes/second/4.dense.weight", 9, NAN, "second/4.dense.weight: row 1 holds nan"},
    {"optimizer/shared/count", 0, -1, "optimizer/shared/count: row 0 holds -1, where 0 to 4"},
    {"optimizer/homes/count", 2, 5, "optimizer/homes/count: row 2 holds 5, where 0 to 4"},
    {"revive/deserted", 1, 1e15, "revive/deserted: row 1 holds 1e+15"},
    {"learners/home", 6, 3, "learners/home: row 6 holds 3, where 0 to 2"},
    {"learners/home", 0, -1, "learners/home: row 0 holds -1"},
    {"learners/log_p", 3 * 4 + 1, NAN, "learners/log_p: row 4 holds nan"},
    {"learners/theta", 40, NAN, "learners/theta: row 0 holds nan"},
    {"learners/visits", 3, 1e9, "learners/visits: row 3 holds 1e+09"},
    {"learners/left_out", 5, -2, "learners/left_out: row 5 holds -2"},
    {"learners/rate_factor", 5, 4.5, "learners/rate_factor: row 5 holds 4.5, where 0.25 to 4"},
    {"learners/rate_factor", 2, NAN, "learners/rate_factor: row 2 holds nan"},
    {"priority/average", 4, NAN, "priority/average: row 1 holds nan"},
    {"priority/steps", 2, 5, "priority/steps: row 2 holds 5"},
    {"sum/exponents", 2, 2e9, "sum/exponents: row 2 holds 2e+09"},
    {"sum/exponents", 0, -161, "sum/exponents: row 0 holds -161, where -160 to 168"},
    {"history/records", 0, NAN, "the steps in history/records"},
    {"history/records", 0, 4, "the steps in history/records"}, // as the next one
    {"history/records", 1, -1, "the steps in history/records"},
    {"history/pending", 0, 1e300, "the steps in history/records or history/pending"},
};

static const forgery sayings[] = {
    {"step", 0, -1, "it says that it holds step -1"},
    {"step", 0, 1, "step 1 with 2 records"},
    {"step", 0, 3, "holds 4, where 0 to 3 are possible"},
    {"records", 0, 1000000000000, "with 1000000000000 records"},
    {"records", 0, 3, "history/records has 2 rows, but there are 3 records"},
    {"records", 0, -1, "-1 records"},
    {"ranks", 0, 0, "of 0 ranks"},
    {"format_version", 0, 3, "format version 3, but this oikos reads 1 and 2"},
    {"format_version", 0, 0, "format version 0"},
};

/* Rank 0 makes a forged copy of the checkpoint: what is done with it, then a seal that is right.
 * Collective. */
static void forge(const char *path, const char *copy, const forgery *f, int how) {
  if (ranks_rank() == 0) {
    oikos_error err;
    if (oikos_copy_file(path, copy, &err) != OIKOS_OK)
      give_up(err.message);
    hid_t file = H5Fopen(copy, H5F_ACC_RDWR, H5P_DEFAULT);
    switch (how) {
    case 0:
      poke(file, f->name, f->at, f->value);
      break;
    case 1:
      poke_attribute(file, f->name, (int64_t)f->value);
      break;
    case 2:
      H5Ldelete(file, "learners/log_p", H5P_DEFAULT);
      H5Lcreate_soft("/history/records", file, "learners/log_p", H5P_DEFAULT, H5P_DEFAULT);
      break;
    case 3:
      H5Ldelete(file, "learners/log_p", H5P_DEFAULT);
      H5Lcreate_external(path, "/learners/log_p", file, "learners/log_p", H5P_DEFAULT, H5P_DEFAULT);
      break;
    case 4:
      replace(file, "learners/log_p", 1LL << 40, false);
      break;
    case 5:
      replace(file, "learners/log_p", 7, true);
      break;
    case 6:
      H5Ldelete(file, "history", H5P_DEFAULT);
      break;
    default:
      H5Ldelete(file, "learners/theta", H5P_DEFAULT);
    }
    H5Fclose(file);
    if (oikos_seal_write(NULL, copy, OIKOS_CHECKPOINT_KIND, &err) != OIKOS_OK)
      give_up(err.message);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Nobody takes a forged file for a state, and all are told the same. */
static void refuse(verdict *v, const char *path, const char *folder, const forgery *f, int how,
                   const char *words) {
  char copy[PATH];
  oikos_trainer *t = NULL;
  oikos_error err = {.message = ""};
  oikos_config *config = run_config();
  snprintf(copy, sizeof copy, "%s/forged.h5", folder);
  forge(path, copy, f, how);
  oikos_status status = oikos_trainer_open(MPI_COMM_WORLD, config, copy, NULL, &t, &err);
  expect_error(v, status, OIKOS_ERROR, &err, words);
  expect(v, t == NULL && strstr(err.message, "forged.h5: "), "a trainer, or no path: %s",
         err.message);
  oikos_trainer_destroy(t);
  free(config);
}

static void test_forged(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[PATH];
  folder_make(folder);
  train(&v, folder, path);
  if (v.failed) // on all ranks
    conclude(&v);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    refuse(&v, path, folder, &numbers[i], 0, numbers[i].words);
  for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
    refuse(&v, path, folder, &sayings[i], 1, sayings[i].words);
  refuse(&v, path, folder, NULL, 2, "learners/log_p is not an object of this file");
  refuse(&v, path, folder, NULL, 3, "learners/log_p is not an object of this file");
  refuse(&v, path, folder, NULL, 4, "learners/log_p is not numbers that stand in the file");
  refuse(&v, path, folder, NULL, 5, "learners/log_p is not numbers that stand in the file");
  refuse(&v, path, folder, NULL, 6, "dataset history/records is missing");
  refuse(&v, path, folder, NULL, 7, "dataset learners/theta is missing");
  folder_remove(folder);
  conclude(&v);
}

/* All fields of a run are checked but its history, so a new one is not forgotten. */
static void test_all_checked(void **state) {
  (void)state;
  verdict v = {0};
  oikos_config *config = run_config();
  oikos_trainer *t = trainer_of(&v, MPI_COMM_WORLD, config, NULL);
  oikos_fields f = {0};
  oikos_error err;
  expect_ok(&v, oikos_trainer_fields(t, &f, &err), &err, "oikos_trainer_fields");
  for (int i = 0; i < f.n; i++)
    expect(&v, f.list[i].checked == (strncmp(f.list[i].name, "history/", 8) != 0), "%s",
           f.list[i].name);
  free(f.list);
  oikos_trainer_destroy(t);
  free(config);
  conclude(&v);
}

/* A state that could not be read again does not take the place of one that can. */
static void test_not_written(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH];
  oikos_trainer *t = NULL;
  oikos_error err = {.message = ""};
  oikos_config *config = run_config();
  folder_make(folder);
  if (expect_ok(&v, oikos_trainer_create(MPI_COMM_WORLD, config, folder, false, NULL, &t, &err),
                &err, "create")) {
    t->weights.shared[5] = NAN; // in the first tensor: rows of one number
    expect_error(&v, oikos_trainer_checkpoint(t, &err), OIKOS_ERROR, &err,
                 "could not be written: dataset shared/0.dense.weight: row 5 holds nan");
    expect(&v, !oikos_checkpoint_any(folder), "it was written");
  }
  oikos_trainer_destroy(t);
  free(config);
  folder_remove(folder);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forged),
      cmocka_unit_test(test_all_checked),
      cmocka_unit_test(test_not_written),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
