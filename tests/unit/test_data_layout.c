/* SPDX-License-Identifier: MIT
 * What a dataset says to hold must have been written into its file: nothing that was not takes
 * memory or is read as zeros. What was is read, by blocks of any size. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <hdf5.h>

#include "store/data_read.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"

enum { N = 1000, ROW = 20 << 20 };

typedef struct world {
  char folder[64], path[96];
  oikos_team team;
  oikos_data_in in;
} world;

/* Create a dataset of bytes, 2 dimensions, chunked by `chunk` (NULL: contiguous) and deflated. */
static hid_t create(hid_t file, const char *name, const hsize_t dims[2], const hsize_t *chunk) {
  const hsize_t any[2] = {H5S_UNLIMITED, H5S_UNLIMITED};
  hid_t space = H5Screate_simple(2, dims, chunk ? any : NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  if (chunk) {
    H5Pset_chunk(list, 2, chunk);
    H5Pset_deflate(list, 1);
  }
  hid_t dataset = H5Dcreate2(file, name, H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  H5Pclose(list);
  H5Sclose(space);
  return dataset;
}

static void fill(hid_t dataset) {
  hid_t space = H5Dget_space(dataset);
  size_t n = (size_t)H5Sget_simple_extent_npoints(space);
  uint8_t *bytes = malloc(n);
  for (size_t i = 0; i < n; i++)
    bytes[i] = (uint8_t)(i * 2654435761U >> 24);
  H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
  free(bytes);
  H5Sclose(space);
}

static void put_elsewhere(hid_t file, const char *folder) {
  const hsize_t dims[2] = {N, 1};
  char path[96];
  hid_t space = H5Screate_simple(2, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  snprintf(path, sizeof path, "%s/beside", folder);
  H5Pset_external(list, path, 0, N);
  hid_t dataset = H5Dcreate2(file, "external", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  fill(dataset);
  H5Dclose(dataset);
  H5Pclose(list);
  list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_virtual(list, space, ".", "plain", space);
  H5Dclose(H5Dcreate2(file, "virtual", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
  H5Pclose(list);
  H5Sclose(space);
}

static void write_file(const world *w) {
  const hsize_t some[2] = {N, 3}, hundred[2] = {100, 3}, rows[2] = {2, ROW}, row[2] = {1, ROW};
  const hsize_t vast[2] = {1 << 20, 1 << 12}, wide[2] = {1 << 20, 1 << 10},
                far[2] = {1 << 14, 1 << 10}, more[2] = {N, 30};
  hid_t file = H5Fcreate(w->path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const struct {
    const char *name;
    const hsize_t *dims, *chunk;
    bool filled;
  } all[] = {{"plain", some, NULL, true},       {"chunked", some, hundred, true},
             {"rows", rows, row, true},         {"unwritten", vast, NULL, false},
             {"no_chunks", vast, far, false},   {"grown", some, some, true},
             {"wide_chunk", some, wide, false}, {"empty_chunks", some, hundred, false}};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    hid_t dataset = create(file, all[k].name, all[k].dims, all[k].chunk);
    if (all[k].filled)
      fill(dataset);
    if (strcmp(all[k].name, "grown") == 0)
      H5Dset_extent(dataset, more);
    H5Dclose(dataset);
  }
  put_elsewhere(file, w->folder);
  H5Lcreate_soft("/plain", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("/dev/zero", "/plain", file, "other_file", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  oikos_error err;
  snprintf(w->folder, sizeof w->folder, "/tmp/oikos-layout-XXXXXX");
  if (!mkdtemp(w->folder))
    return 1;
  snprintf(w->path, sizeof w->path, "%s/x.h5", w->folder);
  oikos_hdf5_silence();
  write_file(w);
  w->in.team = &w->team;
  *state = w;
  return oikos_mpiio_open_alone(w->path, &w->in.file, &err) != OIKOS_OK;
}

static int tear_down(void **state) {
  world *w = *state;
  char beside[96];
  H5Fclose(w->in.file);
  unlink(w->path);
  snprintf(beside, sizeof beside, "%s/beside", w->folder);
  unlink(beside);
  rmdir(w->folder);
  free(w);
  return 0;
}

static long peak(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss;
}

static void test_refused(void **state) {
  const world *w = *state;
  static const char *const wrong[][2] = {
      {"unwritten", "was not written in full: by its shape it has 4294967296 bytes, but 0"},
      {"no_chunks", "was not written in full: 0 of its 256 chunks"},
      {"empty_chunks", "was not written in full: 0 of its 10 chunks"},
      {"grown", "was not written in full: 1 of its 10 chunks"},
      {"wide_chunk", "lies in chunks of more than 16 MiB"},
      {"external", "lies in other files"},
      {"virtual", "lies in other files"},
      {"soft", "is a link"},
      {"other_file", "is a link"},
      {"gone", "is missing"}};
  long before = peak();
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    hsize_t dims[2];
    oikos_error err = {.message = ""};
    assert_int_equal(oikos_data_shape(&w->in, wrong[k][0], 2, H5T_INTEGER, dims, &err),
                     OIKOS_ERROR);
    if (!strstr(err.message, wrong[k][1]) || !strstr(err.message, wrong[k][0]))
      fail_msg("/%s: the message lacks \"%s\": %s", wrong[k][0], wrong[k][1], err.message);
  }
  assert_true(peak() - before < 4 << 10); // KiB
}

static void check_read(const world *w, const char *name, size_t block) {
  oikos_team team = {.block = block};
  oikos_data_in in = {&team, w->in.file};
  hsize_t dims[2];
  hid_t dataset;
  oikos_error err;
  uint8_t bytes[N * 3] = {0};
  assert_int_equal(oikos_data_open(&in, name, 2, H5T_INTEGER, &dataset, dims, &err), OIKOS_OK);
  assert_int_equal(oikos_data_rows(&in, dataset, name, H5T_NATIVE_UINT8, 5, N - 5, 3, bytes, &err),
                   OIKOS_OK);
  for (size_t i = 0; i < (N - 5) * 3; i++)
    assert_int_equal(bytes[i], (uint8_t)((i + 15) * 2654435761U >> 24));
  H5Dclose(dataset);
}

static void test_read(void **state) {
  const world *w = *state;
  static const size_t blocks[] = {0, 1, 7, 300, 1000};
  hsize_t dims[2];
  oikos_error err;
  for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
    check_read(w, "plain", blocks[k]);
    check_read(w, "chunked", blocks[k]);
  }
  // a row may be larger than a chunk should be
  assert_int_equal(oikos_data_shape(&w->in, "rows", 2, H5T_INTEGER, dims, &err), OIKOS_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_read)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
