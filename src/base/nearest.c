/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { MOST_BYTES = 127, MOST_WRONG = 6, BAND = 2 * MOST_WRONG + 1 };

/* The beginning of a text, in lower case. */
typedef struct folded {
  int length;
  char text[MOST_BYTES + 1];
} folded;

typedef struct match {
  int distance, common, difference; /* common: leading letters; difference: of the lengths */
  int64_t number;
} match;

/* A row of the table of distances: entry (i, j) at [j - i + MOST_WRONG]. */
typedef struct row {
  int at[BAND];
} row;

static void fold(const char *text, folded *to) {
  int n = 0;
  for (; n < MOST_BYTES && text[n]; n++)
    to->text[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] + ('a' - 'A') : text[n]);
  to->text[n] = 0;
  to->length = n;
}

static int least(int a, int b) {
  return a < b ? a : b;
}

/* Fill row i of the table of a (down) and b (across) from the two above it; returns its least
 * entry. What is outside the band, or above the limit, is limit + 1. */
static int fill_row(const folded *a, const folded *b, int i, int limit, const row *two,
                    const row *one, row *to) {
  int low = limit + 1;
  for (int d = MOST_WRONG - limit; d <= MOST_WRONG + limit; d++) {
    int j = i + d - MOST_WRONG, best = limit + 1;
    if (j >= 0 && j <= b->length && i == 0)
      best = least(best, j);
    if (j >= 0 && j <= b->length && i > 0) {
      if (d < MOST_WRONG + limit) // one letter of a more
        best = least(best, one->at[d + 1] + 1);
      if (j > 0 && d > MOST_WRONG - limit) // one of b more
        best = least(best, to->at[d - 1] + 1);
      if (j > 0)
        best = least(best, one->at[d] + (a->text[i - 1] != b->text[j - 1]));
      if (i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] && a->text[i - 2] == b->text[j - 1])
        best = least(best, two->at[d] + 1);
    }
    to->at[d] = best;
    low = least(low, best);
  }
  return low;
}

/* The fewest edits from a to a beginning of b; limit + 1 if there are more than limit. */
static int distance(const folded *a, const folded *b, int limit) {
  row rows[3];
  int low = a->length - b->length > limit ? limit + 1 : 0; // so many letters are to be added
  for (int i = 0; i <= a->length && low <= limit; i++)
    low = fill_row(a, b, i, limit, &rows[(i + 1) % 3], &rows[(i + 2) % 3], &rows[i % 3]);
  return low;
}

static bool better(const match *a, const match *b) {
  if (a->distance != b->distance)
    return a->distance < b->distance;
  if (a->common != b->common)
    return a->common > b->common;
  return a->difference < b->difference; // if equal, the lower number was there first
}

/* Put a match in its place among the best so far. */
static void keep(const match *m, match *best, int *count) {
  int at = *count < OIKOS_NEAREST ? (*count)++ : OIKOS_NEAREST;
  for (; at > 0 && better(m, &best[at - 1]); at--)
    if (at < OIKOS_NEAREST)
      best[at] = best[at - 1];
  if (at < OIKOS_NEAREST)
    best[at] = *m;
}

int oikos_nearest(const char *wanted, int64_t n, const char *const *names,
                  int64_t found[OIKOS_NEAREST]) {
  folded a, b;
  match best[OIKOS_NEAREST];
  int count = 0;
  fold(wanted, &a);
  int limit = a.length < 2 ? 0 : least(MOST_WRONG, (a.length + 2) / 3);
  for (int64_t k = 0; k < n && a.length > 0; k++) {
    fold(names[k], &b);
    match m = {.number = k, .difference = b.length - a.length};
    m.difference = m.difference < 0 ? -m.difference : m.difference;
    while (a.text[m.common] && a.text[m.common] == b.text[m.common])
      m.common++;
    m.distance = strstr(b.text, a.text) ? 0 : distance(&a, &b, limit);
    if (m.distance <= limit)
      keep(&m, best, &count);
    if (count == OIKOS_NEAREST)
      limit = best[count - 1].distance;
  }
  for (int k = 0; k < count; k++)
    found[k] = best[k].number;
  return count;
}

int oikos_nearest_text(const char *wanted, int64_t n, const char *const *names, size_t size,
                       char *to) {
  int64_t found[OIKOS_NEAREST];
  int count = oikos_nearest(wanted, n, names, found), shown = 0;
  size_t used = 0;
  for (int k = 0; k < count; k++) {
    size_t length = strlen(names[found[k]]), comma = shown > 0 ? 2 : 0;
    if (length + comma >= size - used)
      continue;
    memcpy(to + used, ", ", comma);
    memcpy(to + used + comma, names[found[k]], length);
    used += comma + length;
    shown++;
  }
  to[used] = 0;
  return shown;
}
