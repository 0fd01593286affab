/* SPDX-License-Identifier: MIT
 * What the fuzzing harnesses share. Each defines LLVMFuzzerTestOneInput and is built and run by
 * tools/fuzz; an input of several files or texts is cut at bytes of FUZZ_CUT. A harness also aborts
 * where what was taken breaks a promise, not only where memory does. */
#ifndef OIKOS_TESTS_FUZZ_H
#define OIKOS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oikos/error.h"

enum { FUZZ_CUT = 0x1e, FUZZ_PATH = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** What is left of an input. */
typedef struct fuzz_input {
  const uint8_t *data;
  size_t size;
} fuzz_input;

/** The next byte, or 0 behind the end. */
static inline uint8_t fuzz_byte(fuzz_input *in) {
  if (in->size == 0)
    return 0;
  in->size--;
  return *in->data++;
}

static inline uint32_t fuzz_word(fuzz_input *in) {
  uint32_t word = 0;
  for (int k = 0; k < 4; k++)
    word = word << 8 | fuzz_byte(in);
  return word;
}

/** What stands before the next cut, which is passed; all that is left where there is none. */
static inline fuzz_input fuzz_part(fuzz_input *in) {
  const uint8_t *cut = in->size ? memchr(in->data, FUZZ_CUT, in->size) : NULL;
  fuzz_input part = {in->data, cut ? (size_t)(cut - in->data) : in->size};
  size_t used = part.size + (cut ? 1 : 0);
  in->data += used;
  in->size -= used;
  return part;
}

/** A part as a text of at most @p most - 1 bytes in @p text. */
static inline char *fuzz_text(fuzz_input part, char *text, size_t most) {
  size_t n = part.size < most - 1 ? part.size : most - 1;
  if (n)
    memcpy(text, part.data, n);
  text[n] = 0;
  return text;
}

static inline void fuzz_require(bool fact, const char *what, const char *more) {
  if (fact)
    return;
  fprintf(stderr, "a promise is broken: %s: %s\n", what, more);
  abort();
}

/** The path of a name in the scratch folder, which tools/fuzz makes. */
static inline const char *fuzz_path(const char *name, char path[FUZZ_PATH]) {
  const char *folder = getenv("FUZZ_FOLDER");
  snprintf(path, FUZZ_PATH, "%s/%s", folder ? folder : ".", name);
  return path;
}

/** Write a file. */
static inline void fuzz_put(const char *path, fuzz_input part) {
  FILE *out = fopen(path, "wb");
  fuzz_require(out, "a file of the harness cannot be written", path);
  if (part.size)
    fwrite(part.data, 1, part.size, out);
  fclose(out);
}

/** Read a whole file; released by free(). */
static inline fuzz_input fuzz_get(const char *path) {
  struct stat info;
  FILE *in = fopen(path, "rb");
  fuzz_require(in && fstat(fileno(in), &info) == 0, "a file of the harness is missing", path);
  uint8_t *bytes = malloc((size_t)info.st_size + 1);
  fuzz_require(bytes && fread(bytes, 1, (size_t)info.st_size, in) == (size_t)info.st_size,
               "a file of the harness cannot be read", path);
  fclose(in);
  return (fuzz_input){bytes, (size_t)info.st_size};
}

#endif
