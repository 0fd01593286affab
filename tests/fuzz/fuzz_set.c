/* SPDX-License-Identifier: MIT
 * Assignments as --set takes them, cut from each other: what is taken reads back, and touches no
 * other key. */
#include "fuzz_config.h"

enum { MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static oikos_config config;
  char text[MOST];
  fuzz_input in = {data, size};
  oikos_error err;
  fuzz_defaults(&config);
  while (in.size > 0) // as the program: the first that is refused ends it
    if (oikos_config_set(&config, fuzz_text(fuzz_part(&in), text, sizeof text), &err) != OIKOS_OK)
      return 0;
  fuzz_read_back(&config);
  return 0;
}
