/* SPDX-License-Identifier: MIT */
#include "import/csv_syntax.h"

#include <string.h>

static bool is_blank(const oikos_csv_syntax *s, char c) {
  return c == ' ' || (s->blanks && c == '\t');
}

static const char *skip_blanks(const oikos_csv_syntax *s, const char *c, const char *end) {
  while (c < end && is_blank(s, *c))
    c++;
  return c;
}

/* Behind the quote that closes; NULL if none does before the end. */
static const char *find_close(const oikos_csv_syntax *s, const char *c, const char *end) {
  bool slashes = s->quotes == OIKOS_QUOTES_BACKSLASH;
  while (c && c < end) {
    bool escaped = slashes && *c == '\\', doubled = *c == '"' && c + 1 < end && c[1] == '"';
    if (escaped || doubled)
      c += 2;
    else if (*c == '"')
      return c + 1;
    else
      c = slashes ? c + 1 : memchr(c, '"', (size_t)(end - c));
  }
  return NULL;
}

/* The separator at or behind c; NULL if there is none. */
static const char *find_separator(const oikos_csv_syntax *s, const char *c, const char *end) {
  if (s->blanks) {
    while (c < end && !is_blank(s, *c))
      c++;
    return c < end ? c : NULL;
  }
  return memmem(c, (size_t)(end - c), s->separator, s->length);
}

const char *oikos_csv_scan(const oikos_csv_syntax *s, const char *c, const char *end,
                           bool *quoted) {
  if (end > c && end[-1] == '\r' && !*quoted)
    end--;
  while (true) {
    if (*quoted) {
      const char *close = find_close(s, c, end);
      if (!close)
        return NULL;
      *quoted = false;
      c = skip_blanks(s, close, end);
      if (c == end || (*c == '\r' && c + 1 == end))
        return NULL;
      bool apart = s->blanks
                       ? c > close
                       : (size_t)(end - c) >= s->length && memcmp(c, s->separator, s->length) == 0;
      if (!apart)
        return "text follows a closing quote; a quote within quotes is written twice";
      c += s->blanks ? 0 : s->length;
    }
    c = skip_blanks(s, c, end);
    if (s->quotes != OIKOS_QUOTES_NONE && c < end && *c == '"') {
      *quoted = true;
      c++;
      continue;
    }
    c = find_separator(s, c, end);
    if (!c)
      return NULL;
    c += s->length;
  }
}

/* Undo quotes in place: the field's text begins at `at`, behind the quote that opens. Returns where
 * the text behind the closing quote begins. */
static char *unquote(const oikos_csv_syntax *s, char *at) {
  bool slashes = s->quotes == OIKOS_QUOTES_BACKSLASH;
  char *to = at;
  while (*at) {
    if (slashes && *at == '\\' && at[1]) {
      if (at[1] != '"' && at[1] != '\\')
        *to++ = *at; // such as \N
      *to++ = at[1];
      at += 2;
    } else if (*at == '"' && *++at != '"') {
      break;
    } else {
      *to++ = *at++;
    }
  }
  bool last = !*at; // the 0 may take the place of the one that ends the row
  *to = 0;
  return last ? to : at;
}

char *oikos_csv_cut(const oikos_csv_syntax *s, char *at, char **field) {
  const char *blanks = s->blanks ? " \t" : " ";
  char *end;
  at += strspn(at, blanks);
  if (*at == '"' && s->quotes != OIKOS_QUOTES_NONE) {
    *field = at + 1;
    end = unquote(s, at + 1);
    end += strspn(end, blanks);
    if (!*end)
      return NULL;
    return s->blanks ? end : end + s->length;
  }
  *field = at;
  end = s->blanks ? strpbrk(at, blanks) : strstr(at, s->separator);
  char *next = !end ? NULL : s->blanks ? end + strspn(end, blanks) : end + s->length;
  if (!end)
    end = at + strlen(at);
  while (end > at && end[-1] == ' ')
    end--;
  *end = 0;
  return next && s->blanks && !*next ? NULL : next;
}

char oikos_csv_guess(const char *line, size_t length) {
  static const char candidates[] = ",\t;";
  size_t count[3] = {0}, best = 0;
  bool quoted = false;
  for (const char *c = line, *end = line + length; c < end; c++) {
    const char *which = *c ? strchr(candidates, *c) : NULL;
    quoted ^= *c == '"';
    if (which && !quoted)
      count[which - candidates]++;
  }
  for (size_t k = 1; k < 3; k++)
    best = count[k] > count[best] ? k : best;
  return candidates[best];
}
