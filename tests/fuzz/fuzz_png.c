/* SPDX-License-Identifier: MIT
 * Pictures. */
#include "fuzz.h"

#include "import/png.h"
#include "import/resize.h"

enum { MOST = 512, SIDE = 28 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *pixels, out[SIDE * SIDE];
  int64_t height, width;
  oikos_error err;
  if (oikos_png_decode(data, size, MOST, &pixels, &height, &width, &err) != OIKOS_OK)
    return 0;
  fuzz_require(height >= 1 && width >= 1 && height <= MOST && width <= MOST, "sides are bounded",
               "png");
  oikos_resize_area(pixels, height, width, out, SIDE, SIDE, &err);
  free(pixels);
  return 0;
}
