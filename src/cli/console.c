/* SPDX-License-Identifier: MIT */
#include "cli/console.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/printable.h"

enum { BLOCK = 4096, LONGEST = 4 /* bytes of a character */ };

typedef struct filter {
  int fd;
  size_t n; /* bytes of a character whose rest has not come */
  char text[LONGEST + BLOCK + 1];
} filter;

/* How many bytes at the end may be the beginning of a character. */
static size_t begun(const char *text, size_t n) {
  for (size_t k = 1; k < LONGEST && k <= n; k++) {
    unsigned char c = (unsigned char)text[n - k];
    if (c >= 0xC0)
      return k < (c < 0xE0 ? 2u : c < 0xF0 ? 3u : 4u) ? k : 0;
    if (c < 0x80)
      return 0;
  }
  return 0;
}

static bool write_all(int fd, const char *text, size_t n) {
  while (n > 0) {
    ssize_t put = write(fd, text, n);
    if (put < 0 && errno != EINTR)
      return false;
    text += put > 0 ? put : 0;
    n -= put > 0 ? (size_t)put : 0;
  }
  return true;
}

/* Write what is there, but for the last `kept` bytes. */
static bool flush(filter *f, size_t kept) {
  char rest[LONGEST];
  size_t n = f->n - kept;
  memcpy(rest, f->text + n, kept);
  for (size_t k = 0; k < n; k++)
    if (!f->text[k])
      f->text[k] = '?';
  f->text[n] = 0;
  oikos_make_printable(f->text);
  bool good = write_all(f->fd, f->text, n);
  memcpy(f->text, rest, kept);
  f->n = kept;
  return good;
}

static ssize_t filtered_write(void *cookie, const char *text, size_t size) {
  filter *f = cookie;
  for (size_t done = 0, n; done < size; done += n) {
    n = size - done < BLOCK ? size - done : BLOCK;
    memcpy(f->text + f->n, text + done, n);
    f->n += n;
    if (!flush(f, begun(f->text, f->n)))
      return 0; // an error of the stream
  }
  return (ssize_t)size;
}

static int filtered_close(void *cookie) {
  filter *f = cookie;
  bool good = flush(f, 0);
  free(f);
  return good ? 0 : EOF;
}

static void replace(FILE **stream, int fd, bool by_line) {
  const cookie_io_functions_t functions = {.write = filtered_write, .close = filtered_close};
  filter *f = calloc(1, sizeof *f);
  FILE *printable = f ? fopencookie(f, "w", functions) : NULL;
  if (!printable) {
    free(f);
    return;
  }
  f->fd = fd;
  setvbuf(printable, NULL, by_line ? _IOLBF : _IOFBF, BUFSIZ);
  fflush(*stream);
  *stream = printable;
}

static void put_back(FILE **stream, FILE *was) {
  if (*stream != was)
    fclose(*stream);
  *stream = was;
}

oikos_console oikos_console_begin(void) {
  oikos_console was = {stdout, stderr};
  replace(&stdout, STDOUT_FILENO, isatty(STDOUT_FILENO));
  replace(&stderr, STDERR_FILENO, true);
  return was;
}

void oikos_console_end(const oikos_console *was) {
  put_back(&stdout, was->out);
  put_back(&stderr, was->err);
}

void oikos_console_clear_line(void) {
  static const char clear[] = "\r\033[K"; // past the filter, which lets no escape through
  if (fflush(stdout) == 0)
    (void)!write(STDOUT_FILENO, clear, sizeof clear - 1);
}
