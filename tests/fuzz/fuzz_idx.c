/* SPDX-License-Identifier: MIT
 * A pair of IDX files imported, each maybe gzip. The first byte is the size asked for, the next two
 * the length of the labels file, which comes first. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char images[FUZZ_PATH], labels[FUZZ_PATH];
  fuzz_input in = {data, size};
  const oikos_import_options options = {.size = fuzz_byte(&in) % 30};
  size_t n = (size_t)fuzz_byte(&in) << 8;
  n += fuzz_byte(&in);
  n = n < in.size ? n : in.size;
  fuzz_put(fuzz_path("x-labels-idx1-ubyte", labels), (fuzz_input){in.data, n});
  fuzz_put(fuzz_path("x-images-idx3-ubyte", images), (fuzz_input){in.data + n, in.size - n});
  fuzz_import("idx", images, &options);
  return 0;
}
