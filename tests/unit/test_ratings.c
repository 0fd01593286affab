/* SPDX-License-Identifier: MIT
 * Import of ratings: each release of MovieLens made up here, what is refused. The real 100K
 * release, which may not be passed on, is skipped where it is absent. */
#include "ratings_files.h"

#include "import/archive.h"
#include "import/name_order.h"
#include "import/text.h"

static const oikos_import_options none = {0}, lenient = {.skip_bad = true};

static void test_texts(void **state) {
  (void)state;
  static const char *const order[] = {
      "", "0", "7", "07", "007", "9", "10", "010", "123456789012345678901", "-1", "1a", "a"};
  int n = sizeof order / sizeof *order;
  for (int i = 1; i < n; i++)
    for (int j = 1; j < n; j++) {
      int got = oikos_name_compare(order[i], order[j]);
      assert_true((got > 0) - (got < 0) == (i > j) - (i < j));
    }
  char to[OIKOS_TEXT_BYTES], text[2 * OIKOS_TEXT_BYTES];
  assert_true(oikos_text_to_utf8("Caf\xE9 \xFF", to));
  assert_string_equal(to, "Caf\xC3\xA9 \xC3\xBF");
  assert_true(oikos_text_to_utf8("Caf\xC3\xA9", to));
  assert_string_equal(to, "Caf\xC3\xA9");
  assert_false(oikos_text_to_utf8("a\x1B[2J", to));
  assert_false(oikos_text_to_utf8("\xE9\x85", to)); // a control character of ISO-8859-1
  for (size_t length = OIKOS_TEXT_BYTES - 4; length < OIKOS_TEXT_BYTES + 4; length++) {
    memset(text, 'a', length);
    text[length] = 0;
    assert_true(oikos_text_to_utf8(text, to) == (length < OIKOS_TEXT_BYTES));
    memset(text, 0xE9, length / 2);
    text[length / 2] = 0;
    assert_true(oikos_text_to_utf8(text, to) == (length / 2 * 2 < OIKOS_TEXT_BYTES));
  }
  int64_t whole;
  double year;
  assert_true(oikos_parse_whole("-9223372036854775808", &whole) && whole == INT64_MIN);
  static const char *const bad[] = {"", "-", "1.0", "9223372036854775808", " 1", "+1", "1x"};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
    assert_false(oikos_parse_whole(bad[k], &whole));
  assert_true(oikos_title_year("A (or B) (1995)", &year) && year == 1995);
  assert_false(oikos_title_year("A (1995", &year));
  assert_false(oikos_title_year("A (19955)", &year));
  assert_false(oikos_title_year("A 1995)", &year));
}

/* A file in pieces is the file, in a folder and in a zip; what is skipped does not count. */
static void test_stream(void **state) {
  enum { SIZE = 300000 };
  uint8_t *bytes = malloc(SIZE), piece[7001];
  for (size_t i = 0; i < SIZE; i++)
    bytes[i] = (uint8_t)(i * i >> 7);
  const entry entries[] = {{"a", bytes, SIZE, NULL}, {"b", bytes, SIZE, NULL}};
  const oikos_archive_limits limits = {SIZE, SIZE, 3, 200};
  put(*state, "folder/a", bytes, SIZE);
  put(*state, "folder/b", bytes, SIZE);
  const char *sources[] = {in(*state, "folder"), make_zip(*state, "x.zip", entries, 2)};
  for (int s = 0; s < 2; s++) {
    oikos_archive *archive;
    const char *name;
    size_t got = sizeof piece, at = 0;
    CHECK_OK(oikos_archive_open(&archive, sources[s], &limits, &err));
    CHECK_OK(oikos_archive_next(archive, &name, &err));
    CHECK_OK(oikos_archive_skip(archive, &err));
    CHECK_OK(oikos_archive_next(archive, &name, &err));
    assert_string_equal(name, "b");
    for (; got == sizeof piece; at += got) {
      CHECK_OK(oikos_archive_read_some(archive, piece, sizeof piece, &got, &err));
      assert_memory_equal(piece, bytes + at, got);
    }
    assert_int_equal(at, SIZE);
    CHECK_OK(oikos_archive_next(archive, &name, &err));
    assert_null(name);
    oikos_archive_close(archive);
  }
  free(bytes);
}

static void test_100k(void **state) {
  told heard = {0};
  put_100k(*state);
  CHECK_OK(import_ratings(*state, "movielens", in(*state, "ml"), none, &heard));
  assert_int_equal(heard.n, 5); // of users and items without ratings or without a row in a table
  assert_non_null(
      strstr(heard.first, "1 of the 3 users that a table tells of have no rating, the first: 11"));
  assert_non_null(strstr(heard.last, "6 ratings of 4 items by 4 users; 0 bad rows met"));
  holds(*state, "user_id", "2 9 10 11");
  holds(*state, "item_id", "1 2 3 7");
  holds(*state, "user", "0 0 0 1 2 2");
  holds(*state, "item", "1 3 0 0 1 3"); // of equal times, as they came
  holds(*state, "value", "4 2 5 3 3 1");
  holds(*state, "time", "60 60 70 -5 50 50");
  holds(*state, "user_first", "0 3 4 6 6");
  holds(*state, "item_first", "0 2 4 4 6");
  holds(*state, "item_rating", "3 2 4 0 5 1");
  holds(*state, "item_title", "\"A\" tale (1995) Caf\xC3\xA9, Le (1985) unknown ");
  holds(*state, "item_number_name", "year");
  holds(*state, "item_number", "1995 1985 1990 1990");
  holds(*state, "item_value_name", "unknown Action Drama a b c d e f g h i j k l m n o p");
  holds(*state, "item_category_first", "0 2 3 4 4");
  holds(*state, "item_category", "1 2 2 0");
  holds(*state, "user_number", "24 34 53 25");
  holds(*state, "user_field_name", "gender occupation zip_region");
  holds(*state, "user_field_first", "0 2 5 7");
  holds(*state, "user_value_name",
        "M F technician \xC3\xA9"
        "colier none 8 T");
  holds(*state, "user_category_first", "0 3 3 6 8");
  holds(*state, "user_category", "0 2 5 1 3 6 1 4");
  holds(*state, "split_name", "u1 ua");
  holds(*state, "split_u1", "0 0 1 2 1 0");
  holds(*state, "split_ua", "1 0 0 0 0 0");
}

static void test_1m(void **state) {
  put_text(*state, "ml-1m/ratings.dat", "1::10::5::978300760\n2::20::3::978302109\n");
  put_text(*state, "ml-1m/movies.dat",
           "10::\"Great Performances\" Cats (1998)::Musical\n20::\xC9t\xE9 (1975)::Drama|Action\n"
           "30::Odd \" quote: a colon (2000)::Action\n");
  put_text(*state, "ml-1m/users.dat", "1::F::1::10::48067\n2::M::56::16::70072-1234\n");
  CHECK_OK(import_ratings(*state, "movielens", *state, none, NULL));
  holds(*state, "item_title",
        "\"Great Performances\" Cats (1998) \xC3\x89t\xC3\xA9 (1975) Odd \" quote: a colon (2000)");
  holds(*state, "item_value_name", "Musical Drama Action");
  holds(*state, "item_category", "0 1 2 2");
  holds(*state, "user_number", "1 56");
  holds(*state, "user_value_name", "F M 10 16 4 7");
  assert_false(has(*state, "split_name"));
  assert_int_equal(unlink(in(*state, "ml-1m/users.dat")), 0); // 10M has no users, and half stars
  put_text(*state, "ml-1m/ratings.dat", "1::10::4.5::978300760\n2::20::0.5::978302109\n");
  CHECK_OK(import_ratings(*state, "movielens", *state, none, NULL));
  holds(*state, "value", "4.5 0.5");
  assert_false(has(*state, "user_number"));
  assert_false(has(*state, "user_field_name"));
}

/* In a zip the order of entries does not matter, and the bytes are those from a folder. */
static void test_latest(void **state) {
  static const char ratings[] = "userId,movieId,rating,timestamp\n2,1,4.0,9\n1,1,3.5,8\n";
  static const char movies[] = "movieId,title,genres\n1,\"President, The \"\"Big\"\" (1995)\",A|B\n"
                               "2,None,(no genres listed)\n";
  const entry entries[] = {{"ml/tags.csv", "broken \"", 8, NULL},
                           {"ml/ratings.csv", ratings, strlen(ratings), NULL},
                           {"__MACOSX/ml/ratings.csv", "x", 1, NULL},
                           {"ml/movies.csv", movies, strlen(movies), NULL}};
  size_t size[2];
  put_text(*state, "a/ml/ml/ratings.csv", ratings);
  put_text(*state, "a/ml/ml/movies.csv", movies);
  CHECK_OK(import_ratings(*state, "movielens", in(*state, "a/ml"), none, NULL));
  uint8_t *folder = get(in(*state, "x.h5"), &size[0]);
  holds(*state, "item_title", "President, The \"Big\" (1995) None");
  holds(*state, "item_value_name", "A B");
  holds(*state, "value", "3.5 4");
  CHECK_OK(import_ratings(*state, "movielens", make_zip(*state, "ml", entries, 4), none, NULL));
  uint8_t *zip = get(in(*state, "x.h5"), &size[1]);
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(folder, zip, size[0]);
  free(folder);
  free(zip);
}

/* Tables that are narrower than what is read of their rows, with a header that says so. */
static void test_narrow(void **state) {
  put_text(*state, "a/ratings.csv", "userId,movieId\n1,2\n");
  refused(import_ratings(*state, "movielens", in(*state, "a"), none, NULL), OIKOS_ERROR,
          "ratings.csv: expected a header that begins with the columns "
          "userId,movieId,rating,timestamp, "
          "but column 3 is nothing");
  put_text(*state, "b/ratings.csv", "userId,movieId,rating,timestamp\n2,1,4.0,9\n");
  put_text(*state, "b/movies.csv", "movieId\n1\n");
  refused(import_ratings(*state, "movielens", in(*state, "b"), none, NULL), OIKOS_ERROR,
          "movies.csv: expected a header that begins with the columns movieId,title,genres, but "
          "column 2 "
          "is nothing");
}

static void test_recognised(void **state) {
  put_text(*state, "none/readme", "x");
  refused(import_ratings(*state, "movielens", in(*state, "none"), none, NULL), OIKOS_USAGE,
          "found none of them");
  put_100k(*state);
  put_text(*state, "ml/old/ratings.dat", "1::1::1::1\n");
  refused(import_ratings(*state, "movielens", in(*state, "ml"), none, NULL), OIKOS_USAGE,
          "found several of them");
  put_text(*state, "two/a/u.data", "1\t1\t1\t1\n");
  put_text(*state, "two/b/u.data", "1\t1\t1\t1\n");
  refused(import_ratings(*state, "movielens", in(*state, "two"), none, NULL), OIKOS_ERROR,
          "expected one u.data, found a/u.data and b/u.data");
  refused(import_ratings(*state, "movielens", in(*state, "gone"), none, NULL), OIKOS_USAGE,
          "No such file");
}

static void test_hostile(void **state) {
  static const struct {
    const char *file, *text, *message;
  } bad[] = {
      {"ml/u.data", "1\t1\t5\n", "ml/u.data:1: expected 4 fields, found 3"},
      {"ml/u.data", "1\t1\t5\t6\t7\n", "ml/u.data:1: expected 4 fields, found 5"},
      {"ml/u.data", "1\t1\t5\t6\n1\t1\tnan\t6\n", "u.data:2: column rating: expected a finite"},
      {"ml/u.data", "1\t1\t1e39\t6\n", "a number within float32, found '1e39'"},
      {"ml/u.data", "1\t1\t5\t6.5\n", "column timestamp: expected a time"},
      {"ml/u.data", "1\t1\t5\t99999999999999999999\n", "column timestamp: expected a time"},
      {"ml/u.data", "\t1\t5\t6\n", "column user: expected an id"},
      {"ml/u.data", "a\x1B[2J\t1\t5\t6\n", "found 'a?[2J'"},
      {"ml/u.data", "1\t\xFF\t5\t6\n", "column item: expected an id"},
      {"ml/u.data", "\n\n", "no good rating"},
      {"ml/u.genre", "Action|1\n", "the numbers of 19 genres, in order from 0, found '1'"},
      {"ml/u.item", "1|A|||", "u.item:1: expected 24 fields, found 5"},
      {"ml/u.item", "1|A||||1|0|2" NO_GENRES "\n", "column flag 2: expected a flag: 0 or 1"},
      {"ml/u.item", "1|A\x01||||1|0|0" NO_GENRES "\n", "column title: expected a text"},
      {"ml/u.item", "1|A||||1|0|0" NO_GENRES "\n1|B||||1|0|0" NO_GENRES "\n",
       "u.item:2: column item: expected each id in one row"},
      {"ml/u.user", "1|old|M|x|1\n", "column age: expected a finite number, found 'old'"},
      {"ml/u1.test", "9\t1\t3\t-5\n2\t1\t5\t70\n", "u1.test:2: column user: expected each rating"},
      {"ml/u1.test", "9\t2\t3\t-5\n", "a user and an item that are among the ratings"},
      {"ml/u1.test", "8\t1\t3\t-5\n", "a user and an item that are among the ratings"},
  };
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    put_100k(*state);
    put_text(*state, bad[k].file, bad[k].text);
    refused(import_ratings(*state, "movielens", in(*state, "ml"), none, NULL), OIKOS_ERROR,
            bad[k].message);
  }
  size_t size = (size_t)20 << 20;
  char *huge = malloc(size), id[200];
  memset(huge, 'a', size);
  put_100k(*state);
  put(*state, "ml/u.data", huge, size);
  refused(import_ratings(*state, "movielens", in(*state, "ml"), none, NULL), OIKOS_ERROR,
          "u.data:1: a line of more than 16 MiB");
  free(huge);
  for (int length = 128; length < 130; length++) {
    snprintf(id, sizeof id, "%0*d\t1\t1\t1\n", length, 1);
    put_text(*state, "ids/u.data", id);
    assert_int_equal(import_ratings(*state, "movielens", in(*state, "ids"), none, NULL),
                     length <= 128 ? OIKOS_OK : OIKOS_ERROR);
  }
}

static void test_hostile_zips(void **state) {
  size_t size = (size_t)30 << 20;
  char *rows = malloc(size + 1), *to = rows;
  for (; to < rows + size - 8; to += 8)
    memcpy(to, "1\t1\t1\t1\n", 8);
  const entry bomb[] = {{"u.data", rows, (size_t)(to - rows), NULL}};
  refused(import_ratings(*state, "movielens", make_zip(*state, "bomb.zip", bomb, 1), none, NULL),
          OIKOS_ERROR, "decompression bomb");
  for (int k = 0; k < 400; k++)
    to = rows + k * 16, snprintf(to, 17, "%03d\t%03d\t%d\t%05d\n", k * 7919 % 1000,
                                 k * 104729 % 997, k % 5, k * 31337 % 65536);
  const entry whole[] = {{"ml/u.data", rows, 400 * 16, NULL}};
  CHECK_OK(import_ratings(*state, "movielens", make_zip(*state, "x.zip", whole, 1), none, NULL));
  uint8_t *bytes = get(in(*state, "x.zip"), &size);
  for (size_t cut = 1; cut < size; cut += 97) {
    put(*state, "cut.zip", bytes, cut);
    refused(import_ratings(*state, "movielens", in(*state, "cut.zip"), none, NULL), OIKOS_ERROR,
            "cut.zip");
  }
  bytes[size / 3] ^= 0x10;
  put(*state, "flip.zip", bytes, size);
  refused(import_ratings(*state, "movielens", in(*state, "flip.zip"), none, NULL), OIKOS_ERROR, "");
  const entry up[] = {{"../u.data", "1\t1\t1\t1\n", 8, NULL}};
  refused(import_ratings(*state, "movielens", make_zip(*state, "up.zip", up, 1), none, NULL),
          OIKOS_ERROR, "leaves the archive");
  free(bytes);
  free(rows);
}

static void test_duplicates(void **state) {
  told heard = {0};
  put_text(*state, "d/u.data",
           "1\t1\t1\t9\n1\t2\t2\t7\n1\t1\t3\t8\n2\t1\t4\t7\n1\t2\t5\t7\n1\t1\t2\t1\n");
  CHECK_OK(import_ratings(*state, "movielens", in(*state, "d"), none, &heard));
  assert_int_equal(heard.n, 4); // three named, and the summary
  assert_string_equal(heard.first, "user 1 rated item 1 again: the last by time is kept");
  assert_non_null(strstr(heard.last, "3 ratings of 2 items by 2 users; 0 bad rows met; 3 ratings"));
  holds(*state, "value", "5 1 4"); // of equal times the one that came last
  holds(*state, "time", "7 9 7");
  holds(*state, "user_first", "0 2 3");
  holds(*state, "item_rating", "2 1 0");
}

static void test_skip_bad(void **state) {
  told heard = {0};
  char rows[1024] = "1\t1\t5\t6\n";
  for (int k = 0; k < 12; k++)
    strcat(rows, "1\t1\tx\t6\n");
  put_text(*state, "d/u.data", rows);
  CHECK_OK(import_ratings(*state, "movielens", in(*state, "d"), lenient, &heard));
  assert_int_equal(heard.n, 11); // ten rows, and the summary
  assert_non_null(strstr(heard.first, "u.data:2: column rating: expected a finite number"));
  assert_non_null(strstr(heard.last, "1 ratings of 1 items by 1 users; 12 bad rows left out"));
}

static void test_real(void **state) {
  static const char folder[] = OIKOS_SOURCE_DIR "/../shared/data/ml-100k";
  told heard = {0};
  hsize_t dims[4];
  size_t bytes;
  if (access(folder, R_OK) != 0) {
    print_message("skipped: %s is not here\n", folder);
    skip();
  }
  CHECK_OK(import_ratings(*state, "movielens", folder, none, &heard));
  assert_non_null(strstr(heard.first, "100000 ratings of 1682 items by 943 users; 0 bad rows met; "
                                      "0 ratings of the same"));
  hid_t x = H5Fopen(in(*state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  int64_t stars[6] = {0}, parts[2][3] = {{0}};
  double *value = read_dataset(x, "value", H5T_NATIVE_DOUBLE, dims, &bytes);
  uint8_t *u1 = read_dataset(x, "split_u1", H5T_NATIVE_UINT8, dims, &bytes);
  uint8_t *ua = read_dataset(x, "split_ua", H5T_NATIVE_UINT8, dims, &bytes);
  for (size_t k = 0; k < dims[0]; k++) {
    stars[(int)value[k]]++;
    parts[0][u1[k]]++;
    parts[1][ua[k]]++;
  }
  const int64_t published[6] = {0, 6110, 11370, 27145, 34174, 21201};
  const int64_t splits[2][3] = {{0, 80000, 20000}, {0, 90570, 9430}};
  assert_memory_equal(stars, published, sizeof stars);
  assert_memory_equal(parts, splits, sizeof parts);
  free(value), free(u1), free(ua);
  H5Fclose(x);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(test_texts),        TEST(test_stream),     TEST(test_100k),       TEST(test_1m),
      TEST(test_latest),       TEST(test_narrow),     TEST(test_recognised), TEST(test_hostile),
      TEST(test_hostile_zips), TEST(test_duplicates), TEST(test_skip_bad),   TEST(test_real),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
