/* SPDX-License-Identifier: MIT
 * A ratings file in memory: every rank sees what was written, and a file that breaks a promise of
 * the format is a clear error for all. */
#include "ranks.h"

#include <hdf5.h>

#include "import/import.h"
#include "store/ratings_file.h"
#include "store/ratings_load.h"

enum { USERS = 4, ITEMS = 3, RATINGS = 7 };

/* User 2 and item "none" have no rating. */
static const oikos_ratings_index example = {
    .users = {.n = USERS,
              .id = (const char *const[]){"1", "2", "3", "\xCE\xB5"},
              .n_numbers = 2,
              .number_name = (const char *const[]){"age", "height"},
              .number = (const float[]){1, 2, 3, 4, 5, 6, 7, 8},
              .n_fields = 2,
              .field_name = (const char *const[]){"job", "town"},
              .field_first = (const int64_t[]){0, 2, 3},
              .value_name = (const char *const[]){"cook", "clerk", "Athens"},
              .category_first = (const int64_t[]){0, 3, 3, 4, 5},
              .category = (const int32_t[]){0, 1, 2, 2, 0}},
    .items = {.n = ITEMS,
              .id = (const char *const[]){"a", "b", "none"},
              .title = (const char *const[]){"The A", "", "None"}},
    .n = RATINGS,
    .value = (const float[]){4, 3.5f, 1, 2, 5, 0.5f, -1},
    .time = (const int64_t[]){5, 9, 1, 2, 3, 3, 4},
    .user = (const int32_t[]){0, 0, 1, 1, 3, 3, 3},
    .item = (const int32_t[]){0, 1, 1, 0, 0, 1, 1},
    .user_first = (const int64_t[]){0, 2, 4, 4, 7},
    .item_first = (const int64_t[]){0, 3, 7, 7},
    .item_rating = (const int32_t[]){3, 4, 0, 2, 5, 6, 1},
    .n_splits = 2,
    .split_name = (const char *const[]){"u1", "ua"},
    .split = (const uint8_t *const[]){(const uint8_t[]){0, 1, 2, 0, 1, 2, 0},
                                      (const uint8_t[]){2, 2, 2, 2, 1, 1, 1}},
    .source = "a test"};

/* Rank 0 writes it. Collective. */
static void write_example(verdict *v, const char *path, const oikos_ratings_index *index) {
  oikos_error err;
  if (ranks_rank() == 0)
    expect_ok(v, oikos_ratings_file_write(path, index, &err), &err, "oikos_ratings_file_write");
  MPI_Barrier(MPI_COMM_WORLD);
}

static bool same_texts(int64_t n, const char *const *a, const char *const *b) {
  for (int64_t k = 0; k < n; k++)
    if (strcmp(a[k], b[k]) != 0)
      return false;
  return true;
}

static bool equal(const void *a, const void *b, int64_t n, size_t size) {
  return memcmp(a, b, (size_t)n * size) == 0;
}

static void expect_side(verdict *v, const oikos_rating_side *a, const oikos_rating_side *b) {
  if (!expect(v, a->n == b->n && a->n_numbers == b->n_numbers && a->n_fields == b->n_fields,
              "other counts") ||
      !expect(v, !a->title == !b->title, "titles on one side alone"))
    return;
  expect(v, same_texts(a->n, a->id, b->id), "other ids");
  expect(v, !a->title || same_texts(a->n, a->title, b->title), "other titles");
  expect(v,
         a->n_numbers == 0 || (same_texts(a->n_numbers, a->number_name, b->number_name) &&
                               equal(a->number, b->number, a->n * a->n_numbers, 4)),
         "other numbers");
  if (a->n_fields == 0)
    return;
  expect(v,
         same_texts(a->n_fields, a->field_name, b->field_name) &&
             equal(a->field_first, b->field_first, a->n_fields + 1, 8) &&
             same_texts(a->field_first[a->n_fields], a->value_name, b->value_name),
         "other fields");
  expect(v,
         equal(a->category_first, b->category_first, a->n + 1, 8) &&
             equal(a->category, b->category, a->category_first[a->n], 4),
         "other categories");
}

static void expect_ratings(verdict *v, const oikos_ratings_index *a, const oikos_ratings_index *b) {
  expect_side(v, &a->users, &b->users);
  expect_side(v, &a->items, &b->items);
  if (v->failed || !expect(v, a->n == b->n && a->n_splits == b->n_splits, "other counts"))
    return;
  expect(v,
         equal(a->value, b->value, a->n, 4) && equal(a->time, b->time, a->n, 8) &&
             equal(a->user, b->user, a->n, 4) && equal(a->item, b->item, a->n, 4),
         "other ratings");
  expect(v,
         equal(a->user_first, b->user_first, a->users.n + 1, 8) &&
             equal(a->item_first, b->item_first, a->items.n + 1, 8) &&
             equal(a->item_rating, b->item_rating, a->n, 4),
         "other orders");
  for (int64_t k = 0; k < a->n_splits; k++)
    expect(v,
           strcmp(a->split_name[k], b->split_name[k]) == 0 &&
               equal(a->split[k], b->split[k], a->n, 1),
           "another split %d", (int)k);
}

static void test_load(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_team team;
  oikos_ratings_data data;
  oikos_error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  write_example(&v, path, &example);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  team.block = 17; // all sizes that are read are beyond it
  if (expect_ok(&v, oikos_ratings_load(&team, path, &data, &err), &err, "oikos_ratings_load"))
    expect_ratings(&v, &example, &data.index);
  oikos_ratings_unload(&data);
  oikos_ratings_unload(&data); // twice does no harm
  oikos_team_destroy(&team);
  folder_remove(folder);
  conclude(&v);
}

/* What an import wrote keeps all promises that loading checks, here over several shares. */
static void test_import(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_team team;
  oikos_ratings_data data;
  oikos_error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  oikos_import_job job = {.output = path, .options = {.users = 300, .items = 200, .seed = 7}};
  if (ranks_rank() == 0)
    expect_ok(&v, oikos_import("ratings-demo", &job, &err), &err, "oikos_import");
  MPI_Barrier(MPI_COMM_WORLD);
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  if (expect_ok(&v, oikos_ratings_load(&team, path, &data, &err), &err, "oikos_ratings_load")) {
    const oikos_ratings_index *x = &data.index;
    expect(&v, x->users.n == 300 && x->items.n == 200 && x->n >= 3000, "other counts");
    expect_same(&v, x->value, (size_t)x->n * sizeof *x->value, "ratings");
    expect_same(&v, x->item_rating, (size_t)x->n * sizeof *x->item_rating, "the order by item");
  }
  oikos_ratings_unload(&data);
  oikos_team_destroy(&team);
  folder_remove(folder);
  conclude(&v);
}

static void expect_refused(verdict *v, const char *path, const char *words) {
  oikos_team team;
  oikos_ratings_data data;
  oikos_error err;
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  expect_error(v, oikos_ratings_load(&team, path, &data, &err), OIKOS_ERROR, &err, words);
  oikos_ratings_unload(&data);
  oikos_team_destroy(&team);
}

/* One change of an array of the example, and what must be said of it. */
static void test_broken_promises(void **state) {
  (void)state;
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_ratings_index bad[18];
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
    bad[k] = example;
  bad[0].value = (const float[]){4, 3.5f, 1, 2, 5, 0.5f, NAN};
  bad[1].time = (const int64_t[]){5, 9, 1, 2, 3, 3, 2};
  bad[2].user = (const int32_t[]){0, 0, 1, 1, 3, 3, 4};
  bad[3].user = (const int32_t[]){0, 0, 1, 0, 3, 3, 3};
  bad[4].item = (const int32_t[]){0, 1, 1, 0, 0, 1, 3};
  bad[5].item = (const int32_t[]){0, 1, 1, 0, 0, 1, -1};
  bad[6].user_first = (const int64_t[]){0, 2, 4, 3, 7};
  bad[7].user_first = (const int64_t[]){0, 2, 4, 4, 8};
  bad[8].item_first = (const int64_t[]){1, 3, 7, 7};
  bad[9].item_rating = (const int32_t[]){3, 4, 0, 2, 5, 6, 7};
  bad[10].item_rating = (const int32_t[]){3, 4, 0, 2, 5, 6, 6};
  bad[11].item_rating = (const int32_t[]){3, 4, 0, 2, 6, 5, 1};
  bad[12].item_rating = (const int32_t[]){3, 4, 1, 2, 5, 6, 0};
  bad[13].split = (const uint8_t *const[]){(const uint8_t[]){0, 1, 2, 0, 1, 2, 0},
                                           (const uint8_t[]){2, 2, 2, 2, 1, 1, 3}};
  bad[14].users.number = (const float[]){1, 2, 3, 4, 5, 6, 7, INFINITY};
  bad[15].users.category = (const int32_t[]){0, 1, 2, 2, 3};
  bad[16].users.category = (const int32_t[]){0, 0, 2, 2, 0};
  bad[17].users.category_first = (const int64_t[]){0, 3, 2, 4, 5};
  static const char *const words[] = {
      "/value, entry 6 is not a finite number",
      "/time, entry 6: before",
      "/user, entry 6: 4 does not fit",
      "/user, entry 3: 0 does not fit",
      "/item, entry 6: 3 is not one of 3",
      "/item, entry 6: -1 is not one of 3",
      "/user_first falls after entry 2",
      "/user_first does not run from 0 to 7",
      "/item_first does not run from 0 to 7",
      "/item_rating, entry 6: 7 is not a rating of item 1 (b)",
      "/item_rating, entry 6: 6 is not a rating of item 1 (b), or not behind",
      "/item_rating, entry 5: 5 is not a rating of item 1 (b), or not behind",
      "/item_rating, entry 2: 1 is not a rating of item 0 (a)",
      "/split_ua, entry 6: 3, expected 0, 1 or 2",
      "/user_number, entry 7 is not a finite number",
      "/user_category, entry 4: 3 is not one of 3 categories",
      "/user_category, entry 1: 0 is not",
      "/user_category_first falls after entry 1",
  };
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    write_example(&v, path, &bad[k]);
    expect_refused(&v, path, words[k]);
  }
  folder_remove(folder);
  conclude(&v);
}

/* Rank 0 takes a dataset away, or puts `n` whole numbers of 0 in its place. Collective. */
static void replace(const char *path, const char *name, hsize_t n) {
  if (ranks_rank() == 0) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, name, H5P_DEFAULT);
    if (n > 0) {
      hid_t space = H5Screate_simple(1, &n, NULL);
      hid_t dataset =
          H5Dcreate2(file, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      int64_t *zeros = calloc((size_t)n, sizeof *zeros);
      H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros);
      free(zeros);
      H5Dclose(dataset);
      H5Sclose(space);
    }
    H5Fclose(file);
    reseal(path);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void test_damage(void **state) {
  (void)state;
  static const struct {
    const char *name;
    hsize_t n;
    const char *words;
  } damage[] = {
      {"time", 0, "/time is missing"},
      {"time", 6, "/time has 6 entries, expected 7"},
      {"value", 7, "/value has another type"},
      {"user_first", 4, "/user_first has 4 entries, expected 5"},
      {"item_rating", 8, "/item_rating has 8 entries, expected 7"},
      {"user_number", 8, "/user_number has another type"},
      {"user_value_name", 0, "/user_value_name is missing"},
      {"user_field_first", 4, "/user_field_first has 4 entries, expected 3"},
      {"user_field_first", 3, "/user_field_first does not run from 0 to 3"},
      {"user_category", 9, "/user_category_first does not run from 0 to 9"},
      {"split_ua", 0, "/split_ua is missing"},
      {"item_id", 3, "/item_id has another type"},
  };
  verdict v = {0};
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/x.h5", folder);
  for (size_t k = 0; k < sizeof damage / sizeof *damage; k++) {
    write_example(&v, path, &example);
    replace(path, damage[k].name, damage[k].n);
    expect_refused(&v, path, damage[k].words);
  }
  folder_remove(folder);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_load),
      cmocka_unit_test(test_import),
      cmocka_unit_test(test_broken_promises),
      cmocka_unit_test(test_damage),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
