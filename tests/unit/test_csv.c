/* SPDX-License-Identifier: MIT
 * Tables as text: what the reader takes and refuses, and numbers against strtod. */
#include "import_files.h"

#include "base/random.h"
#include "import/csv.h"
#include "import/number.h"

static const oikos_csv_format plain = {.header = true};

static oikos_csv *open_text(const void *state, const char *text, const char *separator) {
  oikos_csv *csv;
  put(state, "x.csv", text, strlen(text));
  const oikos_csv_format format = {.separator = separator, .header = true};
  CHECK_OK(oikos_csv_open(&csv, in(state, "x.csv"), &format, &err));
  return csv;
}

/* The next row is `line` and holds these fields, joined by bars. */
static void expect_row(oikos_csv *csv, int64_t line, const char *fields) {
  char joined[256] = "";
  oikos_csv_row row;
  bool end;
  CHECK_OK(oikos_csv_next(csv, &row, &end, &err));
  assert_false(end);
  for (int k = 0; k < row.n; k++) {
    if (k)
      strcat(joined, "|");
    strcat(joined, row.field[k]);
  }
  assert_string_equal(joined, fields);
  assert_int_equal(row.line, line);
}

static void expect_end(oikos_csv *csv) {
  oikos_csv_row row;
  bool end;
  for (int again = 0; again < 2; again++) {
    CHECK_OK(oikos_csv_next(csv, &row, &end, &err));
    assert_true(end);
  }
  oikos_csv_close(csv);
}

static void test_rows(void **state) {
  oikos_csv *csv = open_text(*state,
                             "\xEF\xBB\xBFsubject#, \"a,b\" ,c\r\n1,2,3\r\n\r\n"
                             " x y ,\"say \"\"hi\"\"\",\n\"two\nlines\",\"\", 5 \n,,",
                             NULL);
  assert_int_equal(oikos_csv_columns(csv), 3);
  assert_string_equal(oikos_csv_name(csv, 0), "subject#");
  assert_int_equal(oikos_csv_find(csv, "a,b"), 1);
  assert_int_equal(oikos_csv_find(csv, "a"), -1);
  expect_row(csv, 2, "1|2|3");
  expect_row(csv, 4, "x y|say \"hi\"|");
  expect_row(csv, 5, "two\nlines||5");
  expect_row(csv, 7, "||");
  expect_end(csv);
}

/* Fields of the rows, each as long as `text` says, with what a bad line says: "fields" or "!fault".
 */
static void rows_are(const void *state, const oikos_csv_format *format, const char *text,
                     size_t size, const char *const *expected, int n) {
  oikos_csv *csv;
  oikos_csv_row row;
  bool end;
  put(state, "x.csv", text, size);
  CHECK_OK(oikos_csv_open(&csv, in(state, "x.csv"), format, &err));
  for (int i = 0; i < n; i++) {
    char joined[256] = "";
    CHECK_OK(oikos_csv_next(csv, &row, &end, &err));
    assert_false(end);
    if (oikos_csv_check(csv, &row, &err) != OIKOS_OK) {
      oikos_csv_reject(csv);
      snprintf(joined, sizeof joined, "!%lld", (long long)row.line);
    }
    for (int k = 0; k < row.n && *joined != '!'; k++)
      snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", k ? "|" : "",
               row.field[k]);
    assert_string_equal(joined, expected[i]);
  }
  expect_end(csv);
}
#define ROWS_ARE(format, text, ...)                                                                \
  rows_are(*state, format, text, sizeof text - 1, (const char *const[]){__VA_ARGS__},              \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A quote opens at a field's start alone, and a line that is bad costs that line. */
static void test_quotes(void **state) {
  ROWS_ARE(&plain, "a,b\n7\" single,5\n x\"y\" ,6\n12\",\"\"\n", "7\" single|5", "x\"y\"|6",
           "12\"|");
  ROWS_ARE(&plain, "a,b\n\"7 inch,5\n1,2\n3,4\n", "!2", "1|2", "3|4");     // never closed
  ROWS_ARE(&plain, "a,b\n\"7 inch,5\n1,\"x\"\n3,4\n", "!2", "1|x", "3|4"); // closed, then text
  ROWS_ARE(&plain, "a,b\n\"7 inch,5\n1,x\",6\n3,4\n", "7 inch,5\n1,x|6",
           "3|4"); // a row by the book
  ROWS_ARE(&plain, "a,b\n\"7 inch,5\n1,2\n1,x\",6,7\n3,4\n", "!2", "1|2", "!4", "3|4"); // too many
  ROWS_ARE(&plain, "a,b\n\"7\n8\",5,9\n1,2\n", "!2", "!3", "1|2");
  ROWS_ARE(&plain, "a,b\n1,\0002\n3,4\n\"5\n\0006\",1\n7,8", "!2", "3|4", "!4", "!5", "7|8");
  const oikos_csv_format none = {.header = true, .quotes = OIKOS_QUOTES_NONE};
  ROWS_ARE(&none, "a,b\n\"7,5\n\"\",\"\n", "\"7|5", "\"\"|\"");
  const oikos_csv_format slashes = {.header = true,
                                    .quotes = OIKOS_QUOTES_BACKSLASH}; // Book-Crossing
  ROWS_ARE(&slashes,
           "\"ISBN\";\"t\"\n\"1\";\"So \\\"Wild\\\" it is\"\n\"2\";\"a "
           "\\\\\"\n\"3\";\"\"\"b\\N\"\n\"4\";\\N\n",
           "1|So \"Wild\" it is", "2|a \\", "3|\"b\\N", "4|\\N");
}

/* Many quotes that open and close nowhere: the work stays in proportion, or it is an error. */
static void test_many_quotes(void **state) {
  enum { LINES = 200000 };
  char *text = malloc(8 + (size_t)LINES * 8), *to = text;
  oikos_csv_row row;
  oikos_csv *csv;
  to += sprintf(to, "a,b\n");
  for (int k = 0; k < LINES; k++)
    to += sprintf(to, "x\",\"y\n");
  put(*state, "x.csv", text, (size_t)(to - text));
  free(text);
  CHECK_OK(oikos_csv_open(&csv, in(*state, "x.csv"), &plain, &err));
  oikos_status status = OIKOS_OK;
  for (bool end = false; status == OIKOS_OK && !end;) {
    status = oikos_csv_next(csv, &row, &end, &err);
    oikos_csv_reject(csv);
  }
  oikos_csv_close(csv);
  refused(status, OIKOS_ERROR, "give --quotes none");
}

static void test_formats(void **state) {
  const oikos_csv_format numbers = {0}, bars = {.separator = "|"}, colons = {.separator = "::"};
  const oikos_csv_format blanks = {.separator = " ", .header = true};
  ROWS_ARE(&numbers, "196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "196|242|3|881250949",
           "186|302|3|891717742");
  ROWS_ARE(&colons, "1::1193::5::978300760\n", "1|1193|5|978300760");
  ROWS_ARE(&bars, "1|2|3|\n4|5|6\n7|8|9|10\n", "1|2|3", "4|5|6", "!3");
  ROWS_ARE(&plain, "a,b,\n1,2,\r\n3,,\n4,5\n6\n", "1|2", "3|", "4|5", "!5");
  ROWS_ARE(&blanks, "  a \t b\n1  \"2 3\" \n\t4\t5\t\n6 7 8\n", "1|2 3", "4|5", "!4");
  ROWS_ARE(&numbers, "\"a\nb\",1\nc,2\n", "a\nb|1", "c|2");
  const oikos_csv_format wrong[] = {{.separator = ""},
                                    {.separator = "\n"},
                                    {.separator = "12345678901234567"},
                                    {.separator = "\""},
                                    {.encoding = "no such"}};
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    oikos_csv *csv;
    refused(oikos_csv_open(&csv, in(*state, "x.csv"), &wrong[k], &err), OIKOS_USAGE,
            k < 4 ? "a separator is 1 to 16 bytes" : "the encoding 'no such' is not known");
  }
}

/* Blocks end within characters; what an encoding does not have costs its line. */
static void test_encodings(void **state) {
  const oikos_csv_format latin = {.header = true, .encoding = "ISO-8859-1"};
  const oikos_csv_format utf16 = {.header = true, .encoding = "UTF-16"};
  const oikos_csv_format utf8 = {.header = true, .encoding = "UTF-8"};
  ROWS_ARE(&latin, "a,b\nM\xFCller,\xE9\n", "M\xC3\xBCller|\xC3\xA9");
  ROWS_ARE(&utf16,
           "\xFF\xFE"
           "a\0,\0b\0\n\0\xE9\0,\0\x02\x26\n\0",
           "\xC3\xA9|\xE2\x98\x82");
  ROWS_ARE(&utf8, "a,b\n1,2\n\xFF,3\n4,\xC3\xA9\n\xC3", "1|2", "!3", "4|\xC3\xA9", "!5");
  enum { LINES = 40000 };
  char *text = malloc(LINES * 16 + 8), *to = text;
  oikos_csv *csv;
  oikos_csv_row row;
  bool end;
  to += sprintf(to, "a\n");
  for (int k = 0; k < LINES; k++)
    to += sprintf(to, "%d\xE4\xF6\xFC\xDF\n", k);
  put(*state, "x.csv", text, (size_t)(to - text));
  free(text);
  CHECK_OK(oikos_csv_open(&csv, in(*state, "x.csv"), &latin, &err));
  for (int k = 0; k < LINES; k++) {
    char expected[32];
    snprintf(expected, sizeof expected, "%d\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", k);
    CHECK_OK(oikos_csv_next(csv, &row, &end, &err));
    assert_string_equal(row.field[0], expected);
  }
  expect_end(csv);
}

static void test_separators(void **state) {
  oikos_csv *csv = open_text(*state, "a;b,c;d\n1;;3\n", NULL);
  expect_row(csv, 2, "1||3");
  expect_end(csv);
  csv = open_text(*state, "a\tb\tc\n\t\t3\n", NULL);
  expect_row(csv, 2, "||3");
  expect_end(csv);
  csv = open_text(*state, "u::i::r\n1::2:3::4\n", "::");
  expect_row(csv, 2, "1|2:3|4");
  expect_end(csv);
}

/* Rows across blocks: lines of every length from 1 to 3,000, plain and gzip. */
static void test_long(void **state) {
  enum { LINES = 3000 };
  char *text = malloc(2 + (size_t)LINES * (LINES + 2)), *to = text;
  *to++ = 'h';
  *to++ = '\n';
  for (int k = 1; k <= LINES; k++) {
    memset(to, 'a' + k % 26, (size_t)k);
    to[k] = '\n';
    to += k + 1;
  }
  put(*state, "x.csv", text, (size_t)(to - text));
  put_gzip(*state, "x.csv.gz", text, (size_t)(to - text));
  const char *names[] = {"x.csv", "x.csv.gz"};
  for (int f = 0; f < 2; f++) {
    oikos_csv *csv;
    oikos_csv_row row;
    bool end;
    CHECK_OK(oikos_csv_open(&csv, in(*state, names[f]), &plain, &err));
    for (int k = 1; k <= LINES; k++) {
      CHECK_OK(oikos_csv_next(csv, &row, &end, &err));
      assert_true(!end && row.n == 1 && row.line == k + 1);
      assert_int_equal(strlen(row.field[0]), k);
      assert_true(row.field[0][0] == 'a' + k % 26 && row.field[0][k - 1] == 'a' + k % 26);
    }
    expect_end(csv);
  }
  free(text);
}

/* Read to the end; the status of the first call that fails. */
static oikos_status read_all(const void *state, const char *text, size_t size) {
  oikos_csv *csv;
  oikos_csv_row row;
  bool end = false;
  put(state, "x.csv", text, size);
  oikos_status status = oikos_csv_open(&csv, in(state, "x.csv"), &plain, &err);
  if (status != OIKOS_OK)
    return status;
  while (status == OIKOS_OK && !end) {
    status = oikos_csv_next(csv, &row, &end, &err);
    if (status == OIKOS_OK && !end && row.fault)
      status = oikos_csv_check(csv, &row, &err);
  }
  oikos_csv_close(csv);
  return status;
}

static void test_hostile(void **state) {
  static const struct {
    const char *text, *message;
  } bad[] = {
      {"a,b\n1,\"2\n3,4\n", "x.csv:2: a quote is opened in this row and never closed"},
      {"a,b\n1,\"2\"x\n", "x.csv:2: text follows a closing quote"},
      {"a,b\n1,2\n3,x\"\"\"\"y\"\"\n\"\n", "x.csv:4: a quote is opened"},
      {"a,b\n1,\"\"2\"\n", "x.csv:2: text follows a closing quote"},
      {"a,,b\n", "x.csv:1: column 2 has no name"},
      {"a,b,a\n", "x.csv:1: two columns are named 'a'"},
      {"\n\n", "found nothing"},
      {"", "is empty"},
  };
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
    refused(read_all(*state, bad[k].text, strlen(bad[k].text)), OIKOS_ERROR, bad[k].message);
  refused(read_all(*state, "a,b\n1,\0002\n", 9), OIKOS_ERROR, "x.csv:2: a byte of 0");
  size_t size = OIKOS_CSV_MAX_ROW + (4 << 20);
  char *huge = malloc(size);
  memset(huge, 'a', size);
  huge[1] = '\n';
  refused(read_all(*state, huge, size), OIKOS_ERROR, "x.csv:2: a line of more than 16 MiB");
  memset(huge, ',', size);
  refused(read_all(*state, huge, size / 8), OIKOS_ERROR, "x.csv:1: a row of more than 16384");
  free(huge);
}

/* Every number that is read is what strtod reads, bit for bit. */
static void test_numbers(void **state) {
  (void)state;
  static const char *const good[] = {"0",
                                     "-0",
                                     "+5",
                                     "3.38e-005",
                                     ".5",
                                     "5.",
                                     "1e22",
                                     "1e23",
                                     "9007199254740993",
                                     "123456789012345678901234567890",
                                     "0.1",
                                     "1e-320",
                                     "4.9e-324",
                                     "179769313486231570e291",
                                     "0000000000000000000000000000001",
                                     "1E+02",
                                     "0.000000000000000000000000000000000001",
                                     "1e-99999999999999999999",
                                     "0e99999999999999999999"};
  static const char *const bad[] = {"",    "nan",   "inf", "0x10", "1e", "1e+",
                                    "--1", ".",     "1 2", "1,5",  "e5", "1e999",
                                    "-",   "1.2.3", "1_0", "NaN",  "NA"};
  double value;
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    double expected = strtod(good[k], NULL);
    if (!oikos_parse_number(good[k], &value) || memcmp(&value, &expected, sizeof value) != 0)
      fail_msg("'%s' is read as %.17g", good[k], value);
  }
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
    if (oikos_parse_number(bad[k], &value))
      fail_msg("'%s' is read as a number", bad[k]);
  enum { ZEROS = 1500000 };
  char *absurd = malloc(ZEROS + 32);
  memset(absurd, '0', ZEROS);
  absurd[1] = '.';
  strcpy(absurd + ZEROS, "1e1048576");
  assert_true(oikos_parse_number(absurd, &value) && value == 0);
  strcpy(absurd + ZEROS, "1e1500001");
  assert_true(oikos_parse_number(absurd, &value) && value == 100);
  absurd[0] = '1';
  absurd[1] = '0';
  strcpy(absurd + ZEROS, "e-1499999");
  assert_true(oikos_parse_number(absurd, &value) && value == 1);
  free(absurd);
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  for (int k = 0; k < 100000; k++) {
    char text[64];
    int digits = 1 + (int)oikos_random_below(&r, 20);
    double x = oikos_random_uniform(&r, -1, 1) * pow(10, oikos_random_uniform(&r, -30, 30));
    snprintf(text, sizeof text, k % 2 ? "%.*g" : "%.*e", digits, x);
    double expected = strtod(text, NULL);
    if (!oikos_parse_number(text, &value) || memcmp(&value, &expected, sizeof value) != 0)
      fail_msg("'%s' is read as %.17g", text, value);
  }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(test_rows),      TEST(test_separators),  TEST(test_long),
      TEST(test_quotes),    TEST(test_many_quotes), TEST(test_formats),
      TEST(test_encodings), TEST(test_hostile),     TEST(test_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
