/* SPDX-License-Identifier: MIT
 * Near names against the recursive definition of the distance over all names, and examples. */
#include "check.h"

#include <stdbool.h>

#include "base/nearest.h"
#include "base/random.h"

enum { NAMES = 60, LONGEST = 40 };

/* Edits from the first i letters of a to the first j of b; memo holds results + 1. */
static int edits(const char *a, int i, const char *b, int j, int memo[LONGEST + 1][LONGEST + 1]) {
  if (i == 0 || j == 0)
    return i + j;
  if (memo[i][j])
    return memo[i][j] - 1;
  int best = edits(a, i - 1, b, j, memo) + 1, other = edits(a, i, b, j - 1, memo) + 1;
  best = other < best ? other : best;
  other = edits(a, i - 1, b, j - 1, memo) + (a[i - 1] != b[j - 1]);
  best = other < best ? other : best;
  if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
    other = edits(a, i - 2, b, j - 2, memo) + 1;
    best = other < best ? other : best;
  }
  memo[i][j] = best + 1;
  return best;
}

/* How a name ranks: what is smaller comes first. */
static int64_t rank_of(const char *wanted, const char *name, int64_t number) {
  int memo[LONGEST + 1][LONGEST + 1] = {{0}};
  int m = (int)strlen(wanted), n = (int)strlen(name), common = 0, best = m;
  int allowed = m < 2 ? 0 : m > 16 ? 6 : (m + 2) / 3;
  for (int j = 0; j <= n; j++) {
    int some = edits(wanted, m, name, j, memo);
    best = some < best ? some : best;
  }
  best = strstr(name, wanted) ? 0 : best;
  while (common < m && wanted[common] == name[common])
    common++;
  return best > allowed ? -1 : ((best * 100 + 50 - common) * 100 + abs(m - n)) * 1000 + number;
}

static void lower(const char *from, char *to) {
  for (; *from; from++)
    *to++ = (char)(*from == 'A' ? 'a' : *from == 'B' ? 'b' : *from);
  *to = 0;
}

static void check_names(const char *wanted, char names[NAMES][LONGEST + 1]) {
  const char *pointers[NAMES];
  char w[LONGEST + 1], name[LONGEST + 1];
  int64_t found[OIKOS_NEAREST], last = -1;
  for (int k = 0; k < NAMES; k++)
    pointers[k] = names[k];
  int count = oikos_nearest(wanted, NAMES, pointers, found);
  lower(wanted, w);
  for (int place = 0; place < OIKOS_NEAREST; place++) { // the least rank above the last one's
    int64_t next = -1;
    for (int k = 0; k < NAMES; k++) {
      lower(names[k], name);
      int64_t rank = rank_of(w, name, k);
      next = rank > last && (next < 0 || rank < next) ? rank : next;
    }
    if ((place < count) != (next >= 0))
      fail_msg("'%s': %d found", wanted, count);
    if (next >= 0 && found[place] != next % 1000)
      fail_msg("'%s', place %d: '%s', not '%s'", wanted, place, names[found[place]],
               names[next % 1000]);
    last = next < 0 ? last : next;
  }
}

static void make_text(oikos_random *r, int longest, char *to) {
  int n = (int)oikos_random_below(r, (uint64_t)longest + 1);
  for (int i = 0; i < n; i++)
    to[i] = "abABc"[oikos_random_below(r, 5)];
  to[n] = 0;
}

/* Up to `many` edits of a text, and a tail. */
static void spoil(oikos_random *r, const char *from, int many, char *to) {
  int n = (int)strlen(from);
  memcpy(to, from, (size_t)n + 1);
  for (int e = (int)oikos_random_below(r, (uint64_t)many + 1); e > 0 && n > 1; e--) {
    int at = (int)oikos_random_below(r, (uint64_t)n - 1), kind = (int)oikos_random_below(r, 4);
    if (kind == 0 && n < LONGEST)
      memmove(to + at + 1, to + at, (size_t)(n++ - at + 1));
    else if (kind == 1)
      memmove(to + at, to + at + 1, (size_t)(n-- - at));
    else if (kind == 2)
      to[at] = 'c';
    else {
      char first = to[at];
      to[at] = to[at + 1], to[at + 1] = first;
    }
  }
  for (int tail = (int)oikos_random_below(r, 6); tail > 0 && n < LONGEST; tail--)
    to[n++] = 'a';
  to[n] = 0;
}

static void test_short(void **state) {
  (void)state;
  for (uint64_t draw = 0; draw < 300; draw++) {
    oikos_random r = oikos_random_at(8, OIKOS_DRAW_CHECK, 0, draw);
    char names[NAMES][LONGEST + 1], wanted[LONGEST + 1] = "";
    for (int k = 0; k < NAMES; k++)
      make_text(&r, 9, names[k]);
    while (!*wanted)
      make_text(&r, 7, wanted);
    check_names(wanted, names);
  }
}

static void test_long(void **state) {
  (void)state;
  for (uint64_t draw = 0; draw < 60; draw++) {
    oikos_random r = oikos_random_at(9, OIKOS_DRAW_CHECK, 0, draw);
    char names[NAMES][LONGEST + 1], wanted[LONGEST + 1] = "";
    while (strlen(wanted) < 10)
      make_text(&r, LONGEST - 8, wanted);
    for (int k = 0; k < NAMES; k++)
      spoil(&r, wanted, 9, names[k]);
    check_names(wanted, names);
  }
}

static const char *near(const char *wanted, int64_t n, const char *const *names) {
  static char text[200];
  oikos_nearest_text(wanted, n, names, sizeof text, text);
  return text;
}

static void test_titles(void **state) {
  (void)state;
  const char *const titles[] = {"Theatre (1950)", "The Heat (2013)", "Heat (1995)",
                                "Heathers (1989)", "Star Wars (1977)"};
  assert_string_equal(near("heat", 5, titles),
                      "Heat (1995), Heathers (1989), Theatre (1950), The Heat (2013)");
  assert_string_equal(near("Haet", 5, titles), "Heat (1995), Heathers (1989), Theatre (1950)");
  assert_string_equal(near("HEAT (1995)", 5, titles), "Heat (1995)");
  assert_string_equal(near("sgar wasr", 5, titles), "Star Wars (1977)");
  assert_string_equal(near("(1977)", 4, titles + 1), "Star Wars (1977)");
  assert_string_equal(near("Alien", 5, titles), "");
  assert_string_equal(near("", 5, titles), "");
  assert_string_equal(near("heat", 0, titles), "");
}

static void test_ids(void **state) {
  (void)state;
  enum { IDS = 943 };
  static char text[IDS][12];
  const char *ids[IDS];
  for (int k = 0; k < IDS; k++) {
    snprintf(text[k], sizeof *text, "%d", k + 1);
    ids[k] = text[k];
  }
  assert_string_equal(near("9999", IDS, ids), "99, 909, 919, 929, 939");
  assert_string_equal(near("944", IDS, ids), "940, 941, 942, 943, 94");
  assert_string_equal(near("0", IDS, ids), "10, 20, 30, 40, 50");
  assert_string_equal(near("x", IDS, ids), "");
}

/* What does not fit is left out as a whole; nothing is written behind the end. */
static void test_room(void **state) {
  (void)state;
  const char *const names[] = {"abc1", "abc22222", "abc3"};
  static const char *const expected[] = {"",     "",     "",     "",     "",     "abc1",
                                         "abc1", "abc1", "abc1", "abc1", "abc1", "abc1, abc3"};
  char to[32];
  for (size_t size = 1; size < 12; size++) {
    memset(to, 'x', sizeof to);
    int shown = oikos_nearest_text("abc", 3, names, size, to);
    assert_string_equal(to, expected[size]);
    assert_int_equal(shown, (size >= 5) + (size >= 11));
    assert_true(to[size] == 'x');
  }
}

/* Texts beyond what counts, and letters beyond ASCII. */
static void test_limits(void **state) {
  (void)state;
  char wanted[600], same[600], other[600];
  memset(wanted, 'a', sizeof wanted);
  memcpy(same, wanted, sizeof same);
  memset(other, 'b', sizeof other);
  wanted[300] = same[599] = other[599] = 0;
  int64_t found[OIKOS_NEAREST];
  const char *const names[] = {other, same, "\xC3\x89t\xC3\xA9", ""};
  assert_int_equal(oikos_nearest(wanted, 4, names, found), 1);
  assert_int_equal(found[0], 1);
  assert_int_equal(oikos_nearest("\xC3\x89t\xC3\xA8", 4, names, found), 1);
  assert_int_equal(found[0], 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_short), cmocka_unit_test(test_long), cmocka_unit_test(test_titles),
      cmocka_unit_test(test_ids),   cmocka_unit_test(test_room), cmocka_unit_test(test_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
