/* SPDX-License-Identifier: MIT
 * A table imported. The first byte is the options, the rest the file, maybe gzip. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char source[FUZZ_PATH];
  fuzz_input in = {data, size};
  uint8_t how = fuzz_byte(&in);
  const oikos_import_options options = {
      .group = "g",
      .targets = how & 1 ? "t" : "t,u",
      .features = how & 2 ? "x" : NULL,
      .exclude = how & 4 ? "x" : NULL,
      .format = {.separator = how & 16 ? " " : NULL, .encoding = how & 32 ? "ISO-8859-1" : NULL},
      .skip_bad = (how & 8) != 0};
  fuzz_put(fuzz_path("table.csv", source), in);
  fuzz_import("csv", source, &options);
  return 0;
}
