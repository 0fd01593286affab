/* SPDX-License-Identifier: MIT
 * Texts and numbers of a configuration: taken as they stand, written so that they read back, in
 * every locale; and what is too large or too deep to be one. */
#include "unit/configs.h"

#include <locale.h>

/* A text is what stands behind the first =, whatever YAML would make of it, and is written so that
 * it reads back; bytes that are no text are refused. */
static void test_literal(void **state) {
  (void)state;
  static const char *const texts[] = {"a, b.h5",
                                      "\"a\"",
                                      "a # b",
                                      "{a: b}",
                                      "a\nseed: 7",
                                      "*a",
                                      "'",
                                      "- a",
                                      "a: b",
                                      " a ",
                                      "",
                                      "a\tb\rc",
                                      "\x01\x7f",
                                      "\xc2\x85\xc2\x96\xc2\xa0\xc3\xa9",
                                      "\u2028\u2029\ufeff\ufffd",
                                      "\U0001f600",
                                      "100%",
                                      "=",
                                      "\\x41",
                                      "~",
                                      "null"};
  static const char *const bytes[] = {"\x96",
                                      "\xc3",
                                      "a\xc3(",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xc0\x80"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    oikos_config *c = defaults();
    char assignment[256];
    snprintf(assignment, sizeof assignment, "task.file=%s", texts[i]);
    set(c, assignment);
    assert_string_equal(c->task.file, texts[i]);
    assert_int_equal(c->seed, 1);
    memset(c->given, 0, sizeof c->given);
    check_round_trip(c);
    free(c);
  }
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
    char assignment[256];
    snprintf(assignment, sizeof assignment, "task.file=%s", bytes[i]);
    check_set(assignment, "task.file", "UTF-8");
  }
}

/* A small text that would take libyaml long is refused at once. Ours are small enough to take
 * nothing even without the guard. */
static void test_guard(void **state) {
  (void)state;
  char text[8192] = "task: ";
  for (int i = 0; i < 9; i++)
    strcat(text, "[");
  for (int i = 0; i < 9; i++)
    strcat(text, "]");
  check_mistake(&(mistake){text, 1, {"nested deeper than 8"}});
  strcpy(text, "a: [x");
  for (int i = 0; i < 65; i++)
    snprintf(text + strlen(text), 32, ", &a%d x", i);
  strcat(text, "]");
  check_mistake(&(mistake){text, 1, {"anchors"}});
  strcpy(text, "a: [&a x");
  for (int i = 0; i < 65; i++)
    strcat(text, ", *a");
  strcat(text, "]");
  check_mistake(&(mistake){text, 1, {"aliases"}});
  check_mistake(&(mistake){"task: {file: \"a\\0b\"}", 1, {"byte 0"}});
  check_mistake(&(mistake){"model: {layers: [\"dense layer\": 4]}", 1, {"a layer such as"}});
  size_t size = 300000;
  char *large = array(size + 1, 1), *many = array(size, 1);
  memset(large, '#', size);
  check_mistake(&(mistake){large, 0, {"300000 bytes", "262144"}});
  strcpy(many, "a: [");
  for (size_t i = 4; i + 2 < 40000; i += 2)
    memcpy(many + i, "b,", 3);
  strcat(many, "]");
  check_mistake(&(mistake){many, 1, {"8192 keys and values"}});
  free(large);
  free(many);
}

/* An alias is as good as what it stands for, where there are few. */
static void test_alias(void **state) {
  (void)state;
  oikos_config *c = defaults();
  parse(c, "task: {support: &n 7, query: *n}");
  assert_true(c->task.support == 7 && c->task.query == 7);
  free(c);
}

/* In a program whose decimal point is a comma, everything is read and written as in C. */
static void test_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",  "de_DE",      "fr_FR.UTF-8",
                                      "fr_FR.utf8",  "nl_NL.UTF-8", "oikos_comma"};
  oikos_config *c = defaults(), *d = array(1, sizeof *d);
  const char *found = NULL;
  for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++)
    found = setlocale(LC_NUMERIC, names[i]);
  if (!found || strcmp(localeconv()->decimal_point, ",") != 0) {
    setlocale(LC_NUMERIC, "C");
    free(c);
    free(d);
    print_message("skipped: no locale with a decimal comma is installed\n");
    skip();
  }
  oikos_config_defaults(d);
  assert_memory_equal(c, d, sizeof *c);
  assert_true(d->inner.rate == 0.01);
  parse(d, "inner: {rate: 0.25}\nmodel: {layers: [dense: {units: 4}, batch_norm: {epsilon: 0.5}]}");
  set(d, "shared.rate=0.125");
  assert_true(d->inner.rate == 0.25 && d->shared.rate == 0.125 &&
              d->model.layers[1].arg[0].value == 0.5);
  char *text = text_of(d);
  assert_non_null(strstr(text, "rate: 0.25"));
  assert_non_null(strstr(text, "epsilon: 0.5"));
  setlocale(LC_NUMERIC, "C");
  free(text);
  free(c);
  free(d);
}

/* A key by the name of an older version is the key of today, with one hint that says so; it is
 * written by its new name. */
static void test_old_name(void **state) {
  (void)state;
  char hint[1024];
  oikos_config *old = defaults(), *now = defaults();
  parse(now, "task: {self_row: false}");
  assert_false(oikos_config_hint(now, 0, hint, sizeof hint));
  parse(old, "task:\n  own_row: false\n");
  assert_true(oikos_config_hint(old, 0, hint, sizeof hint));
  assert_string_equal(hint, "test.yaml:2: task.own_row is called task.self_row now; the old name "
                            "is still read");
  assert_false(oikos_config_hint(old, 1, hint, sizeof hint));
  char *text = text_of(old), *same = text_of(now);
  assert_string_equal(text, same);
  assert_non_null(strstr(text, "self_row: false"));
  set(old, "task.own_row=true");
  assert_true(old->task.self_row);
  assert_true(oikos_config_hint(old, 0, hint, sizeof hint));
  assert_non_null(strstr(hint, "--set: task.own_row is called"));
  oikos_config_forget_given(old);
  assert_false(oikos_config_hint(old, 0, hint, sizeof hint));
  free(text);
  free(same);
  free(old);
  free(now);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_literal), cmocka_unit_test(test_guard),    cmocka_unit_test(test_alias),
      cmocka_unit_test(test_locale),  cmocka_unit_test(test_old_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
