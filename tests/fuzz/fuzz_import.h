/* SPDX-License-Identifier: MIT
 * An import of what an input holds into a file that is there afterwards, or else is not. */
#ifndef OIKOS_TESTS_FUZZ_IMPORT_H
#define OIKOS_TESTS_FUZZ_IMPORT_H

#include "fuzz.h"

#include "import/import.h"

/** Options as an input picks them: columns by the names that the corpus uses. */
static inline oikos_status fuzz_import(const char *kind, const char *source,
                                       const oikos_import_options *options) {
  char output[FUZZ_PATH];
  oikos_error err = {.status = OIKOS_OK};
  oikos_import_job job = {.n_sources = 1,
                          .sources = &source,
                          .options = *options,
                          .output = fuzz_path("import.h5", output)};
  unlink(output);
  oikos_status status = oikos_import(kind, &job, &err);
  fuzz_require((status == OIKOS_OK) == (access(output, F_OK) == 0),
               "an import that fails leaves no file, one that does not leaves one", err.message);
  return status;
}

#endif
