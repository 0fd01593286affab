/* SPDX-License-Identifier: MIT
 * An image file in memory: every rank sees the pixels and the index that were written, and a
 * damaged file is a clear error for all, whichever rank stumbles over it. */
#include "ranks.h"

#include <hdf5.h>

#include "store/image_file.h"
#include "store/image_load.h"

enum { CLASSES = 5, GROUPS = 2, SIDE = 64 };

static uint8_t pixel_at(int64_t i) {
  return (uint8_t)((uint64_t)i * 0x9E3779B97F4A7C15U >> 56);
}

static oikos_status fill_pixels(void *user, int64_t first, int64_t count, uint8_t *pixels,
                                oikos_error *err) {
  const oikos_image_index *x = user;
  int64_t bytes = x->height * x->width * x->channels;
  (void)err;
  for (int64_t i = 0; i < count * bytes; i++)
    pixels[i] = pixel_at(first * bytes + i);
  return OIKOS_OK;
}

/* The index of n images: class k ends at (k + 1)^2 / 25 of them; some classes may be empty. */
typedef struct image_example {
  int64_t start[CLASSES + 1];
  int32_t group[CLASSES];
  uint8_t split[CLASSES];
  const char *name[CLASSES], *group_name[GROUPS];
  oikos_image_index index;
} image_example;

static void example_of(image_example *e, int64_t n) {
  static const char *const names[CLASSES] = {"alpha", "beta", "a longer name", "d", "\xCE\xB5"};
  *e = (image_example){.group_name = {"greek", "other"}};
  for (int k = 0; k < CLASSES; k++) {
    e->start[k + 1] = n * (k + 1) * (k + 1) / (CLASSES * CLASSES);
    e->group[k] = k % GROUPS;
    e->split[k] = (uint8_t)(k % 3);
    e->name[k] = names[k];
  }
  e->index = (oikos_image_index){.n_images = n,
                                 .n_classes = CLASSES,
                                 .n_groups = GROUPS,
                                 .height = SIDE,
                                 .width = SIDE / 2,
                                 .channels = 2,
                                 .class_start = e->start,
                                 .class_name = e->name,
                                 .class_group = e->group,
                                 .group_name = e->group_name,
                                 .split = e->split,
                                 .source = "a test"};
}

/* Rank 0 writes the file, in chunks of 256 images. Collective. */
static void write_example(verdict *v, const char *path, int64_t n) {
  oikos_error err;
  image_example e;
  example_of(&e, n);
  if (ranks_rank() == 0)
    expect_ok(v, oikos_image_file_write(path, &e.index, fill_pixels, &e.index, &err), &err,
              "oikos_image_file_write");
  MPI_Barrier(MPI_COMM_WORLD);
}

static void expect_index(verdict *v, const oikos_image_index *x, const oikos_image_index *y) {
  expect(v,
         x->n_images == y->n_images && x->n_classes == y->n_classes && x->n_groups == y->n_groups,
         "other counts");
  expect(v, x->height == y->height && x->width == y->width && x->channels == y->channels,
         "other shape");
  if (v->failed)
    return;
  for (int k = 0; k < CLASSES; k++)
    expect(v,
           x->class_start[k + 1] == y->class_start[k + 1] &&
               strcmp(x->class_name[k], y->class_name[k]) == 0 &&
               x->class_group[k] == y->class_group[k] && x->split[k] == y->split[k],
           "other class %d: %s", k, x->class_name[k]);
  for (int g = 0; g < GROUPS; g++)
    expect(v, strcmp(x->group_name[g], y->group_name[g]) == 0, "other group %d: %s", g,
           x->group_name[g]);
}

/* All ranks hold all n images: several chunks, one, or fewer images than ranks. */
static void check_load(verdict *v, const char *folder, int64_t n, size_t block) {
  char path[RANKS_PATH + 32];
  oikos_team team;
  oikos_image_data data;
  oikos_error err;
  image_example e;
  example_of(&e, n);
  snprintf(path, sizeof path, "%s/%lld.h5", folder, (long long)n);
  write_example(v, path, n);
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  team.block = block;
  if (expect_ok(v, oikos_image_load(&team, path, &data, &err), &err, "oikos_image_load")) {
    int64_t wrong = 0;
    expect_index(v, &data.index, &e.index);
    for (int64_t i = 0; !v->failed && i < n * SIDE * SIDE; i++)
      wrong += data.pixels[i] != pixel_at(i);
    expect(v, wrong == 0, "%lld of %lld images: %lld wrong pixels", (long long)n, (long long)n,
           (long long)wrong);
  }
  oikos_image_unload(&data);
  oikos_image_unload(&data); // twice does no harm
  oikos_team_destroy(&team);
}

static void test_load(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH];
  folder_make(folder);
  check_load(&v, folder, 1100, 0);
  check_load(&v, folder, 40, 0);
  check_load(&v, folder, 40, 100); // a block is less than an image
  check_load(&v, folder, 2, 0);
  check_load(&v, folder, 1, 0);
  folder_remove(folder);
  conclude(&v);
}

/* Replace a dataset by one of this type and shape, zeros or the numbers given. */
static void replace(hid_t file, const char *name, hid_t type, int n_dims, const hsize_t *dims,
                    hid_t memory, const void *data) {
  H5Ldelete(file, name, H5P_DEFAULT);
  hid_t space = H5Screate_simple(n_dims, dims, NULL);
  hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  void *zeros = calloc((size_t)H5Sget_simple_extent_npoints(space), 8);
  H5Dwrite(dataset, data ? memory : type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data ? data : zeros);
  free(zeros);
  H5Dclose(dataset);
  H5Sclose(space);
}

static void put_starts(hid_t file, int64_t second, int64_t last) {
  const int64_t start[CLASSES + 1] = {0, 44, second, 396, 704, last};
  const hsize_t n = CLASSES + 1;
  replace(file, "class_start", H5T_STD_I64LE, 1, &n, H5T_NATIVE_INT64, start);
}

static void put_attribute(hid_t file, const char *name, hid_t type, const void *value) {
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  H5Awrite(attribute, type, value);
  H5Aclose(attribute);
}

/* The ways to damage a file of 1100 images; the words that the message must have. */
typedef enum {
  LAST_START,
  FALLING_START,
  FLOAT_START,
  SHORT_START,
  NO_IMAGES,
  FLOAT_IMAGES,
  FLAT_IMAGES,
  NO_NAMES,
  NUMBER_NAMES,
  NO_SPLIT,
  BAD_SPLIT,
  BAD_GROUP,
  OTHER_VERSION,
  LAST_CHUNK,
  DAMAGES
} damage;

static void damage_numbers(hid_t file, damage how) {
  const int32_t groups[CLASSES] = {0, 1, GROUPS, 0, 0};
  const uint8_t splits[CLASSES] = {0, 1, 2, 3, 0};
  const int32_t version = 2;
  const hsize_t n = CLASSES, few = CLASSES, cube[3] = {1100, SIDE, SIDE};
  const hsize_t four[4] = {1100, SIDE, SIDE / 2, 2};
  if (how == FLOAT_START)
    replace(file, "class_start", H5T_IEEE_F64LE, 1, &few, H5T_NATIVE_DOUBLE, NULL);
  if (how == SHORT_START)
    replace(file, "class_start", H5T_STD_I64LE, 1, &few, H5T_NATIVE_INT64, NULL);
  if (how == FLOAT_IMAGES)
    replace(file, "images", H5T_IEEE_F32LE, 4, four, H5T_NATIVE_FLOAT, NULL);
  if (how == FLAT_IMAGES)
    replace(file, "images", H5T_STD_U8LE, 3, cube, H5T_NATIVE_UINT8, NULL);
  if (how == NUMBER_NAMES)
    replace(file, "class_name", H5T_STD_I32LE, 1, &n, H5T_NATIVE_INT32, groups);
  if (how == BAD_GROUP)
    replace(file, "class_group", H5T_STD_I32LE, 1, &n, H5T_NATIVE_INT32, groups);
  if (how == BAD_SPLIT)
    replace(file, "split", H5T_STD_U8LE, 1, &n, H5T_NATIVE_UINT8, splits);
  if (how == OTHER_VERSION)
    put_attribute(file, "format_version", H5T_NATIVE_INT32, &version);
}

/* Bytes that deflate cannot read, in the chunk that only the last rank reads. */
static void damage_chunk(hid_t file) {
  const char garbage[64] = "this is not what deflate writes";
  const hsize_t place[4] = {1024, 0, 0, 0};
  hid_t dataset = H5Dopen2(file, "images", H5P_DEFAULT);
  H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, place, sizeof garbage, garbage);
  H5Dclose(dataset);
}

static const char *do_damage(hid_t file, damage how) {
  static const char *const words[DAMAGES] = {
      [LAST_START] = "/class_start does not run from 0 to the number of images",
      [FALLING_START] = "class 1 (beta)",
      [FLOAT_START] = "/class_start has another type",
      [SHORT_START] = "/class_start has 5 entries, expected 6",
      [NO_IMAGES] = "/images is missing",
      [FLOAT_IMAGES] = "/images has another type or shape",
      [FLAT_IMAGES] = "/images has another type or shape",
      [NO_NAMES] = "/class_name is missing",
      [NUMBER_NAMES] = "/class_name has another type",
      [NO_SPLIT] = "/split is missing",
      [BAD_SPLIT] = "class 3 (d)",
      [BAD_GROUP] = "class 2 (a longer name)",
      [OTHER_VERSION] = "format version 2",
      [LAST_CHUNK] = "cannot be read",
  };
  if (file < 0)
    return words[how];
  if (how == LAST_START || how == FALLING_START)
    put_starts(file, how == FALLING_START ? 10 : 176, how == LAST_START ? 1101 : 1100);
  else if (how == NO_IMAGES || how == NO_NAMES || how == NO_SPLIT)
    H5Ldelete(file,
              how == NO_IMAGES  ? "images"
              : how == NO_NAMES ? "class_name"
                                : "split",
              H5P_DEFAULT);
  else if (how == LAST_CHUNK)
    damage_chunk(file);
  else
    damage_numbers(file, how);
  return words[how];
}

static void expect_refused(verdict *v, const oikos_team *team, const char *path,
                           oikos_status expected, const char *words) {
  oikos_image_data data;
  oikos_error err = {.message = ""};
  oikos_status status = oikos_image_load(team, path, &data, &err);
  expect_error(v, status, expected, &err, words);
  expect(v, strncmp(err.message, path, strlen(path)) == 0, "the message does not name the file: %s",
         err.message);
  expect(v, !data.memory.shared.memory && !data.memory.local && !data.tables && !data.pixels,
         "something is left");
}

static void test_damage(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_team team;
  oikos_error err;
  folder_make(folder);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  for (damage how = 0; how < DAMAGES; how++) {
    snprintf(path, sizeof path, "%s/damage-%d.h5", folder, (int)how);
    write_example(&v, path, 1100);
    hid_t file = ranks_rank() == 0 ? H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT) : -1;
    const char *words = do_damage(file, how);
    if (file >= 0) {
      H5Fclose(file);
      reseal(path);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    expect_refused(&v, &team, path, OIKOS_ERROR, words);
  }
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* No HDF5 file at all, and one that ends too early. */
static void test_no_image_file(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_team team;
  oikos_error err;
  folder_make(folder);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  snprintf(path, sizeof path, "%s/none.h5", folder);
  expect_refused(&v, &team, path, OIKOS_USAGE, "does not exist");
  expect_refused(&v, &team, folder, OIKOS_ERROR, "folder");
  write_example(&v, path, 40);
  if (ranks_rank() == 0)
    expect(&v, truncate(path, 5000) == 0, "truncate");
  MPI_Barrier(MPI_COMM_WORLD);
  expect_refused(&v, &team, path, OIKOS_ERROR, "it has 5000 bytes");
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_load),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_no_image_file),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
