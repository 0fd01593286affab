/* SPDX-License-Identifier: MIT
 * The image file's writer: round trip by HDF5 alone, and no file left by a failed write. */
#include "import_files.h"

#include <dirent.h>
#include <fcntl.h>

#include "store/image_file.h"

enum { IMAGES = 5, SIDE = 700 }; /* two images a chunk, the last chunk not full */

static uint8_t value(int64_t i) {
  return (uint8_t)(i * 2654435761u >> 7);
}

typedef struct reader {
  int64_t next, fail_at;
  int64_t full_at; /* the image from which on the disk is full; 0 for never */
} reader;

/* Every write to the temporary file gives "no space left" from now on. */
static void fill_disk(void) {
  for (int descriptor = 3; descriptor < 256; descriptor++) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
      continue;
    path[length] = '\0';
    if (!strstr(path, "x.h5.tmp-"))
      continue;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0 && dup2(full, descriptor) == descriptor);
    close(full);
  }
}

static oikos_status give(void *user, int64_t first, int64_t count, uint8_t *pixels,
                         oikos_error *error) {
  reader *r = user;
  assert_int_equal(first, r->next);
  r->next += count;
  if (r->full_at && r->next >= r->full_at)
    fill_disk();
  if (r->next > r->fail_at)
    return oikos_fail(error, OIKOS_ERROR, "the source broke");
  for (int64_t i = 0; i < count * SIDE * SIDE; i++)
    pixels[i] = value(first * SIDE * SIDE + i);
  return OIKOS_OK;
}

static const int64_t start[] = {0, 1, 1, 5};
static const char *const names[] = {"a/\xC3\xA9", "b", "c"}, *const groups[] = {"first", "second"};
static const int32_t class_group[] = {0, 1, 1};
static const uint8_t split[] = {0, 1, 2};

static oikos_image_index make_index(void) {
  return (oikos_image_index){IMAGES, 3,     2,           SIDE,   SIDE,  1,
                             start,  names, class_group, groups, split, "a test"};
}

/* Nothing is in the folder but what the test put there. */
static void check_files(const void *state, int expected) {
  int n = 0;
  DIR *folder = opendir(state);
  assert_non_null(folder);
  while (readdir(folder))
    n++;
  closedir(folder);
  assert_int_equal(n - 2, expected);
}

static void round_trip(void **state) {
  oikos_image_index index = make_index();
  reader r = {0, IMAGES, 0};
  images got;
  put(*state, "x.h5", "replaced", 8);
  CHECK_OK(oikos_image_file_write(in(*state, "x.h5"), &index, give, &r, &err));
  assert_int_equal(r.next, IMAGES);
  check_files(*state, 1);
  read_images(in(*state, "x.h5"), &got);
  assert_true(got.n == IMAGES && got.height == SIDE && got.width == SIDE && got.classes == 3 &&
              got.groups == 2);
  for (int64_t i = 0; i < IMAGES * SIDE * SIDE; i++)
    if (got.pixels[i] != value(i))
      fail_msg("pixel %lld is %d, not %d", (long long)i, got.pixels[i], value(i));
  assert_memory_equal(got.start, start, sizeof start);
  assert_memory_equal(got.class_group, class_group, sizeof class_group);
  assert_memory_equal(got.split, split, sizeof split);
  for (size_t k = 0; k < 3; k++)
    assert_string_equal(got.name + k * got.name_bytes, names[k]);
  for (size_t k = 0; k < 2; k++)
    assert_string_equal(got.group + k * got.group_bytes, groups[k]);
  assert_string_equal(got.source, "a test");
  free_images(&got);
}

static void equal_input_gives_equal_bytes(void **state) {
  oikos_image_index index = make_index();
  uint8_t *bytes[2];
  size_t size[2];
  for (int i = 0; i < 2; i++) {
    reader r = {0, IMAGES, 0};
    CHECK_OK(oikos_image_file_write(in(*state, "x.h5"), &index, give, &r, &err));
    bytes[i] = get(in(*state, "x.h5"), &size[i]);
  }
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(bytes[0], bytes[1], size[0]);
  free(bytes[0]);
  free(bytes[1]);
}

static void not_read(const void *state, const oikos_image_index *index, reader r,
                     const char *text) {
  assert_int_equal(oikos_image_file_write(in(state, "x.h5"), index, give, &r, &err), OIKOS_ERROR);
  if (!strstr(err.message, text) || !strstr(err.message, "x.h5"))
    fail_msg("expected '%s': %s", text, err.message);
  check_files(state, 0);
}

static void failed_writes_leave_nothing(void **state) {
  oikos_image_index index = make_index();
  not_read(*state, &index, (reader){0, 3, 0}, "the source broke");
  not_read(*state, &index, (reader){0, IMAGES, 1}, "No space left");
  not_read(*state, &index, (reader){0, IMAGES, IMAGES}, "No space left");
  reader r = {0, IMAGES, 0};
  assert_int_equal(oikos_image_file_write(in(*state, "no/x.h5"), &index, give, &r, &err),
                   OIKOS_ERROR);
  assert_non_null(strstr(err.message, "No such file"));
}

static void bad_indexes(void **state) {
  const int64_t falls[] = {0, 3, 1, 5}, gap[] = {0, 1, 1, 4};
  const char *const twice[] = {"b", "a", "b"};
  const int32_t no_group[] = {0, 2, 1};
  const uint8_t no_split[] = {0, 3, 2};
  oikos_image_index index = make_index();
  const reader good = {0, IMAGES, 0};
  index.class_start = falls;
  not_read(*state, &index, good, "class_start falls");
  index.class_start = gap;
  not_read(*state, &index, good, "to the 5 images");
  index = make_index();
  index.class_name = twice;
  not_read(*state, &index, good, "'b' occurs twice");
  index = make_index();
  index.class_group = no_group;
  not_read(*state, &index, good, "group 2 of 2");
  index = make_index();
  index.split = no_split;
  not_read(*state, &index, good, "split 3");
  index = make_index();
  index.height = INT64_MAX;
  not_read(*state, &index, good, "1 GiB");
  index = make_index();
  index.n_images = 0;
  not_read(*state, &index, good, "at least one image, class and group");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(round_trip, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(equal_input_gives_equal_bytes, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(failed_writes_leave_nothing, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(bad_indexes, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
