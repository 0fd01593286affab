/* SPDX-License-Identifier: MIT
 * Configurations: what is taken reads back, once written, to the same. */
#include "fuzz_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static oikos_config config;
  oikos_error err;
  fuzz_defaults(&config);
  if (oikos_config_parse(&config, "input", (const char *)data, size, &err) != OIKOS_OK)
    return 0;
  oikos_config_check(&config, &err);
  fuzz_read_back(&config);
  return 0;
}
