/* SPDX-License-Identifier: MIT
 * Decoding and shrinking pictures. */
#include "import_files.h"

#include "import/png.h"
#include "import/resize.h"

static void resize_closed_forms(void **state) {
  const uint8_t two[4] = {0, 255, 255, 255}, three[3] = {30, 60, 200};
  uint8_t flat[105 * 105], out[28 * 28];
  (void)state;
  CHECK_OK(oikos_resize_area(two, 2, 2, out, 1, 1, &err));
  assert_int_equal(out[0], 191); /* 191.25 */
  CHECK_OK(oikos_resize_area(two, 2, 2, out, 2, 2, &err));
  assert_memory_equal(out, two, 4);
  CHECK_OK(oikos_resize_area(three, 1, 3, out, 1, 2, &err));
  assert_int_equal(out[0], 40);  /* (30 + 60/2) / 1.5 */
  assert_int_equal(out[1], 153); /* (60/2 + 200) / 1.5 = 153.33 */
  CHECK_OK(oikos_resize_area(three, 3, 1, out, 2, 1, &err));
  assert_int_equal(out[1], 153);
  const uint8_t half[2] = {0, 1};
  CHECK_OK(oikos_resize_area(half, 1, 2, out, 1, 1, &err));
  assert_int_equal(out[0], 1); /* 0.5 goes up */
  memset(flat, 77, sizeof flat);
  CHECK_OK(oikos_resize_area(flat, 105, 105, out, 28, 28, &err));
  for (int i = 0; i < 28 * 28; i++)
    assert_int_equal(out[i], 77);
  for (int i = 0; i < 105 * 105; i++) /* a step at column 45 = 12 * 3.75 stays sharp */
    flat[i] = i % 105 < 45 ? 0 : 255;
  CHECK_OK(oikos_resize_area(flat, 105, 105, out, 28, 28, &err));
  for (int i = 0; i < 28 * 28; i++)
    assert_int_equal(out[i], i % 28 < 12 ? 0 : 255);
  refused(oikos_resize_area(two, 2, 2, out, 3, 2, &err), OIKOS_USAGE, "only made smaller");
}

static void png_decodes(void **state) {
  const uint8_t grey[6] = {0, 1, 127, 128, 254, 255}, bits[2] = {0xA0, 0x40};
  uint8_t *png, *pixels;
  int64_t height, width;
  size_t size;
  (void)state;
  png = make_png(2, 3, 8, 0, grey, 6, &size);
  CHECK_OK(oikos_png_decode(png, size, 3, &pixels, &height, &width, &err));
  assert_true(height == 2 && width == 3);
  assert_memory_equal(pixels, grey, 6);
  free(pixels);
  refused(oikos_png_decode(png, size, 2, &pixels, &height, &width, &err), OIKOS_ERROR,
          "2x3 pixels: expected at most 2");
  for (size_t cut = 0; cut < size - 4; cut++) /* the end chunk's own checksum guards nothing */
    refused(oikos_png_decode(png, cut, 3, &pixels, &height, &width, &err), OIKOS_ERROR, "PNG");
  png[size - 20] ^= 1;
  refused(oikos_png_decode(png, size, 3, &pixels, &height, &width, &err), OIKOS_ERROR, "intact");
  free(png);
  png = make_png(2, 3, 1, 0, bits, 2, &size);
  CHECK_OK(oikos_png_decode(png, size, 3, &pixels, &height, &width, &err));
  const uint8_t expected[6] = {255, 0, 255, 0, 255, 0};
  assert_memory_equal(pixels, expected, 6);
  free(pixels);
  free(png);
  png = make_png(1, 2, 8, 2, grey, 6, &size);
  refused(oikos_png_decode(png, size, 3, &pixels, &height, &width, &err), OIKOS_ERROR, "grey");
  free(png);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resize_closed_forms),
      cmocka_unit_test(png_decodes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
