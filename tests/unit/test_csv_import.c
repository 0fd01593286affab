/* SPDX-License-Identifier: MIT
 * A table of text imported: its groups, what is stored, left out and refused. */
#include "import_files.h"

#include "import/name_map.h"

static void test_name_map(void **state) {
  (void)state;
  enum { NAMES = 20000 };
  oikos_name_map *map;
  int32_t number;
  char name[32];
  CHECK_OK(oikos_name_map_create(&map, &err));
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < NAMES; k++) {
      snprintf(name, sizeof name, "%x", k * 7919);
      CHECK_OK(oikos_name_map_add(map, name, &number, &err));
      assert_int_equal(number, k);
    }
  assert_int_equal(oikos_name_map_count(map), NAMES);
  for (int k = 0; k < NAMES; k++) {
    snprintf(name, sizeof name, "%x", k * 7919);
    assert_string_equal(oikos_name_map_name(map, k), name);
  }
  oikos_name_map_destroy(map);
}

typedef struct told {
  char last[1024];
  int n;
} told;

static void listen(void *user, const char *text) {
  told *t = user;
  snprintf(t->last, sizeof t->last, "%s", text);
  t->n++;
}

static oikos_status import(const void *state, const char *text, oikos_import_options options,
                           told *heard) {
  char source[512], output[512];
  snprintf(source, sizeof source, "%s", in(state, "x.csv"));
  snprintf(output, sizeof output, "%s", in(state, "x.h5"));
  const char *const sources[] = {source};
  oikos_import_job job = {.n_sources = 1,
                          .sources = sources,
                          .options = options,
                          .output = output,
                          .message = heard ? listen : NULL,
                          .user = heard};
  put(state, "x.csv", text, strlen(text));
  return oikos_import("csv", &job, &err);
}

static void read_values(hid_t file, const char *name, hid_t type, size_t n, void *out) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  assert_true(dataset >= 0);
  assert_int_equal(H5Sget_simple_extent_npoints(space), n);
  assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
  H5Sclose(space);
  H5Dclose(dataset);
}

static const char example[] = "x,who,y,z,w\n1,b,10,100,text\n2,a,20,200,\n3,b,30,300,nan\n"
                              "4,\xC3\xA9,40,400,\n5,b,50,500,\n6,a,60,600,\n";

static void test_import(void **state) {
  const float features[] = {1, 3, 5, 2, 6, 4};
  const float targets[] = {100, 10, 300, 30, 500, 50, 200, 20, 600, 60, 400, 40};
  const int32_t group[] = {0, 0, 0, 1, 1, 2};
  const int64_t first[] = {0, 3, 5, 6};
  float got[12];
  int32_t got_group[6];
  int64_t got_first[4];
  char names[9];
  const oikos_import_options options = {.group = "who", .targets = "z,y", .exclude = "w"};
  CHECK_OK(import(*state, example, options, NULL));
  hid_t file = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  read_values(file, "features", H5T_NATIVE_FLOAT, 6, got);
  assert_memory_equal(got, features, sizeof features);
  read_values(file, "targets", H5T_NATIVE_FLOAT, 12, got);
  assert_memory_equal(got, targets, sizeof targets);
  read_values(file, "group", H5T_NATIVE_INT32, 6, got_group);
  assert_memory_equal(got_group, group, sizeof group);
  read_values(file, "group_first", H5T_NATIVE_INT64, 4, got_first);
  assert_memory_equal(got_first, first, sizeof first);
  hid_t dataset = H5Dopen2(file, "group_name", H5P_DEFAULT), type = H5Dget_type(dataset);
  assert_int_equal(H5Tget_size(type), 3);
  assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
  assert_memory_equal(names, "b\0\0a\0\0\xC3\xA9", 9);
  H5Tclose(type);
  H5Dclose(dataset);
  H5Fclose(file);
}

static void test_import_refuses(void **state) {
  const oikos_import_options o = {.group = "g", .targets = "y"};
  static const struct {
    const char *text, *message;
  } bad[] = {
      {"g,x,y\n1,2,3\n1,2\n", "x.csv:3: expected 3 fields as in the header, found 2"},
      {"g,x,y\n1,2,3,4\n", "x.csv:2: expected 3 fields as in the header, found 4"},
      {"g,x,y\n1,2,3\n1,NaN,3\n", "x.csv:3: column x: expected a finite number, found 'NaN'"},
      {"g,x,y\n1,2,\n", "x.csv:2: column y: expected a finite number, found nothing"},
      {"g,x,y\n1,1e39,3\n", "x.csv:2: column x: expected a number within float32, found '1e39'"},
      {"g,x,y\n,2,3\n", "x.csv:2: column g: expected the name of a group"},
      {"g,x,y\na\x1B[2J,2,3\n", "found 'a?[2J'"},
      {"g,x,y\n\xFF,2,3\n", "x.csv:2: column g: expected the name of a group"},
      {"g,x,y\n", "no good row"},
  };
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    refused(import(*state, bad[k].text, o, NULL), OIKOS_ERROR, bad[k].message);
    assert_int_equal(access(in(*state, "x.h5"), F_OK), -1);
  }
  static const struct {
    oikos_import_options o;
    const char *message;
  } wrong[] = {
      {{.group = "q", .targets = "y"}, "--group: there is no column 'q'"},
      {{.group = "who", .targets = "y,q"}, "--target: there is no column 'q'"},
      {{.group = "who", .targets = "y,y"}, "--target: column 'y' is named a second time"},
      {{.group = "who", .targets = "y", .features = "x,who"},
       "--features: column 'who' is named a"},
      {{.group = "who", .targets = "y", .exclude = "x,z,w"}, "no column is left"},
      {{.group = "who"}, "csv wants --group"},
      {{.targets = "y"}, "csv wants --group"},
      {{.group = "who", .targets = "y", .size = 28},
       "--size is read by omniglot and idx alone: csv of a table would do nothing with it"},
      {{.group = "who", .targets = "y", .time = "x"}, "--time is read by csv of ratings"},
      {{.group = "who", .user = "x", .item = "y", .rating = "z"},
       "--group is read by csv of a table alone: csv of ratings would do nothing with it"},
      {{.group = "who", .targets = "y", .seed = 3}, "--seed is read by ratings-demo alone"},
  };
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
    refused(import(*state, example, wrong[k].o, NULL), OIKOS_USAGE, wrong[k].message);
}

/* Numbers that float32 does not tell apart are stored less a constant, or refused. */
static void test_shift(void **state) {
  const oikos_import_options o = {.group = "g", .targets = "y"};
  char text[4096], *to = text;
  float got[8];
  told heard = {0};
  to += sprintf(to, "g,t,y,v\n");
  for (int k = 0; k < 8; k++)
    to += sprintf(to, "%d,%d,%d,%d.5\n", k / 4, 1600000000 + 10 * k, 16777216 + k, k);
  CHECK_OK(import(*state, text, o, &heard));
  assert_int_equal(heard.n, 3); // time, target, summary
  hid_t file = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  float features[16];
  char names[2][64];
  read_values(file, "features", H5T_NATIVE_FLOAT, 16, features);
  read_values(file, "targets", H5T_NATIVE_FLOAT, 8, got);
  for (int k = 0; k < 8; k++)
    assert_true(features[2 * k] == (float)(10 * k - 35) && features[2 * k + 1] == (float)k + 0.5F &&
                got[k] == (float)k - 3.5F);
  hid_t dataset = H5Dopen2(file, "feature_name", H5P_DEFAULT), type = H5Dget_type(dataset);
  assert_true(H5Tget_size(type) <= 32);
  assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
  assert_string_equal((char *)names, "t - 1600000035");
  H5Tclose(type);
  H5Dclose(dataset);
  H5Fclose(file);
  to = text + sprintf(text, "g,t,y\n"); // ten years apart, within an hour each
  for (int k = 0; k < 40; k++)
    to += sprintf(to, "%d,%d,1\n", k / 4, 1300000000 + k / 4 * 30000000 + k % 4);
  refused(import(*state, text, o, NULL), OIKOS_ERROR,
          "x.csv: column t: float32 does not tell its numbers, 1300000000 to 1570000003, apart");
  to = text + sprintf(text, "g,t,y\n"); // one that is far out, and noise of double, are no reason
  for (int k = 0; k < 40; k++)
    to += sprintf(to, "%d,%s,%d\n", k / 2,
                  k == 7  ? "1e12"
                  : k % 2 ? "0.30000000000000004"
                          : "0.3",
                  k);
  heard = (told){0};
  CHECK_OK(import(*state, text, o, &heard));
  assert_int_equal(heard.n, 1);
}

static void test_skip_bad(void **state) {
  const oikos_import_options o = {.group = "g", .targets = "y", .skip_bad = true};
  told heard = {0};
  float got[2];
  CHECK_OK(import(*state, "g,x,y\n1,2,3\n1,?,3\n1,2\n2,5,6\n", o, &heard));
  assert_int_equal(heard.n, 3); // two rows, and the summary
  assert_non_null(strstr(heard.last, "2 rows in 2 groups, 1 features, 1 targets; 2 bad rows left"));
  hid_t file = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  read_values(file, "features", H5T_NATIVE_FLOAT, 2, got);
  assert_true(got[0] == 2 && got[1] == 5);
  H5Fclose(file);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(test_name_map), TEST(test_import), TEST(test_import_refuses),
      TEST(test_skip_bad), TEST(test_shift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
