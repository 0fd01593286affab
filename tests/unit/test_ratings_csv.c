/* SPDX-License-Identifier: MIT
 * Import of ratings from tables of one's own, with tables of users and items beside. */
#include "ratings_files.h"

static const char csv_rows[] = "who,what,stars,when\nbob,b,4,5\n\"a, x\",b,3.5,7\nbob,a,2,3\n"
                               "10,a,1,1\n9,a,1,1\n";

static void test_csv(void **state) {
  const oikos_import_options o = {.user = "who", .item = "what", .rating = "stars", .time = "when"};
  oikos_import_options all = o;
  char users[512], items[512];
  put_text(*state, "r.csv", csv_rows);
  put_text(*state, "u.csv",
           "who,age,job,code,note\nbob,30,cook,1,x\n\"a, x\",,clerk|cook|cook,2,\n"
           "nobody,50,,3,\n");
  put_text(*state, "i.csv", "name;what;kind;price\nThe A;a;x;1.5\nThe B;b;y|x;2.5\n");
  snprintf(users, sizeof users, "%s", in(*state, "u.csv"));
  snprintf(items, sizeof items, "%s", in(*state, "i.csv"));
  all.user_table = users;
  all.item_table = items;
  all.title = "name";
  all.categories = "code";
  all.exclude = "note";
  CHECK_OK(import_ratings(*state, "csv", in(*state, "r.csv"), all, NULL));
  holds(*state, "user_id", "9 10 a, x bob nobody");
  holds(*state, "user_number_name", "age");
  holds(*state, "user_number", "40 40 40 30 50"); // unknown: the mean
  holds(*state, "user_field_name", "job code");
  holds(*state, "user_value_name", "cook clerk 1 2 3");
  holds(*state, "user_category_first", "0 0 0 3 5 6");
  holds(*state, "user_category", "0 1 3 0 2 4");
  holds(*state, "item_title", "The A The B");
  holds(*state, "item_number", "1.5 2.5");
  holds(*state, "item_category", "0 0 1");
  holds(*state, "user_first", "0 1 2 3 5 5");
  holds(*state, "time", "1 1 7 3 5");
  oikos_import_options timeless = o;
  timeless.time = NULL;
  CHECK_OK(import_ratings(*state, "csv", in(*state, "r.csv"), timeless, NULL));
  holds(*state, "value", "1 1 3.5 4 2");
  assert_false(has(*state, "user_field_name"));
  put_gzip(*state, "r.csv", csv_rows, strlen(csv_rows));
  CHECK_OK(import_ratings(*state, "csv", in(*state, "r.csv"), o, NULL));
  holds(*state, "value", "1 1 3.5 2 4");
}

/* All that is said of an import of r.csv with the table x.csv of users. */
static void say_all(void *user, const char *text) {
  char *all = user;
  snprintf(all + strlen(all), 4096 - strlen(all), "%s\n", text);
}
static void with_users(const void *state, const char *ratings, const char *users, bool skip_bad,
                       char said[4096]) {
  char source[512], table[512], output[512];
  put_text(state, "r.csv", ratings);
  put_text(state, "users.csv", users);
  snprintf(source, sizeof source, "%s", in(state, "r.csv"));
  snprintf(table, sizeof table, "%s", in(state, "users.csv"));
  snprintf(output, sizeof output, "%s", in(state, "x.h5"));
  const char *const sources[] = {source};
  const oikos_import_job job = {.n_sources = 1,
                                .sources = sources,
                                .options = {.user = "u",
                                            .item = "i",
                                            .rating = "r",
                                            .user_table = table,
                                            .skip_bad = skip_bad},
                                .output = output,
                                .message = say_all,
                                .user = said};
  said[0] = 0;
  CHECK_OK(oikos_import("csv", &job, &err));
}
static void says(const char *said, const char *text) {
  if (!strstr(said, text))
    fail_msg("expected '%s' in: %s", text, said);
}

/* What side tables of the world hold: ids written in another way, unknown values, bad rows. */
static void test_side_tables(void **state) {
  char said[4096];
  with_users(*state, "u,i,r\n007,a,1\n8,a,2\n9.0,b,3\n", "u,age\n7,20\n8,30\n9,40\n", false, said);
  says(said, "2 of the 3 users that a table tells of have no rating, the first: 7\n");
  says(said, "2 users with ratings are in no table, the first: 007; are ids written alike");
  with_users(*state, "u,i,r\n7,a,1\n", "u,age\n7,20\n", false, said);
  assert_null(strstr(said, "table"));
  with_users(*state, "u,i,r\n1,a,1\n2,a,2\n3,a,3\n4,a,3\n5,a,3\n",
             "u,age,land\n1,20,NA\n2,NA,\n3,\\N,NULL\n4,,\\N\n5,NaN,at\n", false, said);
  holds(*state, "user_number_name", "age");
  holds(*state, "user_number", "20 20 20 20 20"); // unknown: the mean
  holds(*state, "user_field_name", "land");
  holds(*state, "user_value_name", "NA at"); // NA may be Namibia
  holds(*state, "user_category_first", "0 1 1 1 1 2");
  with_users(*state, "u,i,r\n1,a,1\n2,a,2\n", "u,age\n1,20\n2,about 30\n", false, said);
  says(said, "users.csv:3: column age is a category, not a number, because of 'about 30'; 1 of its "
             "fields");
  with_users(*state, "u,i,r\n1,a,1\n2,a,2\n", "u,age\n1,20\n2,30,x\n\x1B[2J,40\n,text\n", true,
             said);
  says(said, "users.csv: 3 bad rows left out\n");
  says(said, "2 ratings of 1 items by 2 users; 3 bad rows left out");
  says(said, "found '?[2J'");
  holds(*state, "user_number", "20 20"); // bad rows do not make a category of it
  with_users(*state, "u,i,r\n1,a,1\n2,a,2\n3,a,2\n",
             "u,born\n1,1600000001\n2,1600000002\n3,1600000004\n", false, said);
  holds(*state, "user_number_name", "born - 1600000002.5");
  holds(*state, "user_number", "-1.5 -0.5 1.5");
}

static void test_csv_refuses(void **state) {
  char table[512];
  put_text(*state, "r.csv", csv_rows);
  put_text(*state, "u.csv", "who,job\nbob,a\nbob,b\n");
  snprintf(table, sizeof table, "%s", in(*state, "u.csv"));
  const struct {
    oikos_import_options o;
    oikos_status status;
    const char *message;
  } wrong[] = {
      {{.user = "who", .item = "what"}, OIKOS_USAGE, "csv of ratings wants --user"},
      {{.user = "q", .item = "what", .rating = "stars"}, OIKOS_USAGE, "--user: there is no column"},
      {{.user = "who", .item = "who", .rating = "stars"}, OIKOS_USAGE, "one column twice"},
      {{.user = "who", .item = "what", .rating = "stars", .time = "q"},
       OIKOS_USAGE,
       "--time: there is no column 'q'"},
      {{.user = "who", .item = "what", .rating = "stars", .group = "who"},
       OIKOS_USAGE,
       "--group is read by csv of a table alone"},
      {{.user = "who", .item = "what", .rating = "stars", .title = "x"},
       OIKOS_USAGE,
       "--title names a column of --item-table"},
      {{.user = "who", .item = "what", .rating = "stars", .item_table = table, .title = "x"},
       OIKOS_USAGE,
       "--title: there is no column 'x'"},
      {{.user = "who", .item = "what", .rating = "stars", .user_table = table},
       OIKOS_ERROR,
       "u.csv:3: column who: expected each id in one row"},
      {{.user = "who", .item = "what", .rating = "what"}, OIKOS_USAGE, "one column twice"},
      {{.user = "who", .item = "stars", .rating = "what"},
       OIKOS_ERROR,
       "r.csv:2: column what: expected a finite number, found 'b'"},
  };
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
    refused(import_ratings(*state, "csv", in(*state, "r.csv"), wrong[k].o, NULL), wrong[k].status,
            wrong[k].message);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(test_csv),
      TEST(test_side_tables),
      TEST(test_csv_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
