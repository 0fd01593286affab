/* SPDX-License-Identifier: MIT
 * What a terminal gets to see of texts: UTF-8 as it is, and no control character. */
#include "check.h"

#include <string.h>

#include "base/printable.h"

static const struct {
  const char *text, *shown;
} cases[] = {
    {"", ""},
    {"plain text", "plain text"},
    {"Caf\xC3\xA9 \xE2\x98\x82 \xF0\x9F\x90\x8C", "Caf\xC3\xA9 \xE2\x98\x82 \xF0\x9F\x90\x8C"},
    {"two\nlines\tand a tab", "two\nlines\tand a tab"},
    {"a\x1B[2J\x1B]0;title\x07z", "a?[2J?]0;title?z"},
    {"back\b\rand \x7F", "back??and ?"},
    {"\xC2\x9B"
     "31m",
     "??31m"}, // a control sequence introducer as one character
    {"\x9B"
     "31m\xFF",
     "?31m?"},                      // and as one byte
    {"\xC0\xAF \xE2\x98", "?? ??"}, // overlong; cut short
    {"\xED\xA0\x80", "???"},        // half of a surrogate pair
};

static void test_texts(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[64];
    strcpy(text, cases[k].text);
    oikos_make_printable(text);
    assert_string_equal(text, cases[k].shown);
  }
}

/* Every error is printable, whatever was put into it. */
static void test_errors(void **state) {
  (void)state;
  oikos_error err;
  oikos_fail(&err, OIKOS_ERROR, "%s: no such file", "a\x1B[31m");
  assert_string_equal(err.message, "a?[31m: no such file");
  oikos_fail_prefix(&err, "%s, entry %s: ", "\xC3\xA9.zip", "\x1Bx");
  assert_string_equal(err.message, "\xC3\xA9.zip, entry ?x: a?[31m: no such file");
  char path[2000];
  memset(path, 0xC3, sizeof path - 1); // cut within a character
  path[sizeof path - 1] = 0;
  for (size_t k = 1; k < sizeof path - 1; k += 2)
    path[k] = (char)0xA9;
  oikos_fail(&err, OIKOS_ERROR, "%s", path);
  for (const char *c = err.message; *c; c += oikos_utf8_length(c))
    assert_true(oikos_utf8_length(c) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts), cmocka_unit_test(test_errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
