/* SPDX-License-Identifier: MIT
 * A configuration, written and read back. */
#ifndef OIKOS_TESTS_FUZZ_CONFIG_H
#define OIKOS_TESTS_FUZZ_CONFIG_H

#include "fuzz.h"

#include "oikos/config.h"

/** Set every key to its default; these are made once, which takes longer than an input does. */
static inline void fuzz_defaults(oikos_config *config) {
  static oikos_config defaults;
  if (!defaults.seed)
    oikos_config_defaults(&defaults);
  *config = defaults;
}

static inline char *fuzz_written(const oikos_config *config, size_t *size) {
  char *text = NULL;
  FILE *out = open_memstream(&text, size);
  fuzz_require(out, "memory", "a stream");
  oikos_config_write(config, out);
  fclose(out);
  return text;
}

static inline void fuzz_read_back(const oikos_config *config) {
  static oikos_config again;
  oikos_error err = {.status = OIKOS_OK};
  size_t size, more;
  char *text = fuzz_written(config, &size);
  fuzz_defaults(&again);
  fuzz_require(oikos_config_parse(&again, "written", text, size, &err) == OIKOS_OK,
               "what is written reads back", err.message);
  char *second = fuzz_written(&again, &more);
  fuzz_require(size == more && memcmp(text, second, size) == 0, "it reads back to the same", text);
  fuzz_require(oikos_config_resumable(config, &again, &err) == OIKOS_OK, "it can be resumed",
               err.message);
  free(text);
  free(second);
}

#endif
