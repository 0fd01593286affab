/* SPDX-License-Identifier: MIT
 * Ratings that the program makes up, against the structure that they are said to have. */
#include "ratings_files.h"

#include "import/ratings_demo.h"

/* The made-up ratings are the scores, rounded; the same again for the same seed alone. */
static void test_demo(void **state) {
  const oikos_import_options o = {.users = 60, .items = 40, .seed = 3},
                             other = {.users = 60, .items = 40, .seed = 4};
  size_t bytes, size[3];
  uint8_t *file[3];
  hsize_t dims[4];
  double squares = 0, variance = 0;
  for (int k = 0; k < 3; k++) {
    CHECK_OK(import_ratings(*state, "ratings-demo", NULL, k < 2 ? o : other, NULL));
    file[k] = get(in(*state, "x.h5"), &size[k]);
  }
  assert_true(size[0] == size[1] && memcmp(file[0], file[1], size[0]) == 0);
  assert_false(size[0] == size[2] && memcmp(file[0], file[2], size[0]) == 0);
  hid_t x = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  int32_t *user = read_dataset(x, "user", H5T_NATIVE_INT32, dims, &bytes);
  int32_t *item = read_dataset(x, "item", H5T_NATIVE_INT32, dims, &bytes);
  double *value = read_dataset(x, "value", H5T_NATIVE_DOUBLE, dims, &bytes);
  assert_true(dims[0] >= 600 && dims[0] <= 60 * 40);
  for (size_t k = 0; k < dims[0]; k++) {
    double p[OIKOS_DEMO_RANK + 1], q[OIKOS_DEMO_RANK + 1];
    oikos_ratings_demo_user(4, user[k], p);
    oikos_ratings_demo_item(4, item[k], q);
    double score = oikos_ratings_demo_score(p, q);
    score = score < 1 ? 1 : score > 5 ? 5 : score;
    assert_true(value[k] == nearbyint(value[k]) && value[k] >= 1 && value[k] <= 5);
    squares += (value[k] - score) * (value[k] - score);
    variance += (value[k] - 3.4) * (value[k] - 3.4);
  }
  // noise of 0.3 and rounding, whose error is uniform: 0.09 + 1/12; within 1..5 it is less
  assert_true(squares / (double)dims[0] < 0.09 + 1. / 12 + 0.03);
  assert_true(variance / (double)dims[0] > 0.8);
  H5Fclose(x);
  for (int k = 0; k < 3; k++)
    free(file[k]);
  free(user), free(item), free(value);
  refused(import_ratings(*state, "ratings-demo", *state, o, NULL), OIKOS_USAGE, "give no source");
  refused(import_ratings(*state, "ratings-demo", NULL,
                         (oikos_import_options){.users = INT64_C(1000000000)}, NULL),
          OIKOS_USAGE, "at most");
}

/* Features tell of the vectors as ratings_demo.h says: what is left over is noise of 3. */
static void test_demo_features(void **state) {
  enum { N = 400, RANK = OIKOS_DEMO_RANK };
  const oikos_import_options o = {.users = N, .items = N, .seed = 5};
  hsize_t dims[4];
  size_t bytes, width;
  double squares[2] = {0};
  CHECK_OK(import_ratings(*state, "ratings-demo", NULL, o, NULL));
  hid_t x = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  double *age = read_dataset(x, "user_number", H5T_NATIVE_DOUBLE, dims, &bytes);
  double *year = read_dataset(x, "item_number", H5T_NATIVE_DOUBLE, dims, &bytes);
  char *genre = read_dataset(x, "item_value_name", H5I_INVALID_HID, dims, &width);
  int64_t *first = read_dataset(x, "item_category_first", H5T_NATIVE_INT64, dims, &bytes);
  int32_t *category = read_dataset(x, "item_category", H5T_NATIVE_INT32, dims, &bytes);
  for (int k = 0; k < N; k++) {
    double p[RANK + 1], q[RANK + 1];
    int genres = 0, expected = 0;
    oikos_ratings_demo_user(5, k, p);
    oikos_ratings_demo_item(5, k, q);
    squares[0] += pow(age[k] - 40 - 12 * p[0], 2) / N;
    squares[1] += pow(year[k] - 1990 - 10 * q[0], 2) / N;
    for (int64_t i = first[k]; i < first[k + 1]; i++)
      genres |= 1 << atoi(genre + (size_t)category[i] * width + strlen("genre "));
    for (int i = 0; i < RANK; i++)
      expected |= (q[i] > 0.5) << i;
    assert_int_equal(genres, expected);
  }
  for (int k = 0; k < 2; k++) // of 400 draws the variance has a deviation of 7 %
    assert_true(squares[k] > 9 * 0.7 && squares[k] < 9 * 1.3);
  free(age), free(year), free(genre), free(first), free(category);
  H5Fclose(x);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {TEST(test_demo), TEST(test_demo_features)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
