/* SPDX-License-Identifier: MIT
 * Importers on small files made here: what they keep, and what they refuse and how they say so.
 * Published data sets are in test_import_data.c. */
#include "import_files.h"

/* Import into out.h5; told counts calls of the progress function. */
static int told;
static void count_calls(void *user, const char *what, int64_t done, int64_t total) {
  assert_ptr_equal(user, &told);
  assert_true(*what && done >= 0 && (total == 0 || done <= total));
  told++;
}

static oikos_status import(void *state, const char *kind, const char *source, int64_t size) {
  const char *const sources[] = {source};
  char *output = strdup(in(state, "out.h5"));
  oikos_import_job job = {.n_sources = 1,
                          .sources = sources,
                          .options = {.size = size},
                          .output = output,
                          .progress = count_calls,
                          .user = &told};
  oikos_status status = oikos_import(kind, &job, &err);
  free(output);
  if (status != OIKOS_OK)
    assert_int_equal(access(in(state, "out.h5"), F_OK), -1);
  return status;
}

static void unknown_kinds_are_named(void **state) {
  int n;
  refused(import(*state, "imagenet", "x", 0), OIKOS_USAGE, "there are: omniglot, idx");
  assert_string_equal(oikos_importers(&n)[0].name, "omniglot");
  assert_int_equal(n, 5);
  refused(import(*state, "omniglot", "x", -1), OIKOS_USAGE, "size -1");
  refused(import(*state, "omniglot", in(*state, "none"), 0), OIKOS_USAGE, "No such file");
  assert_int_equal(mkfifo(in(*state, "fifo"), 0600), 0);
  refused(import(*state, "omniglot", in(*state, "fifo"), 0), OIKOS_USAGE,
          "neither a file nor a folder");
  const char *sources[] = {in(*state, "none")};
  put(*state, "same", "x", 1);
  oikos_import_job job = {.n_sources = 1, .sources = sources, .output = in(*state, "same/out.h5")};
  refused(oikos_import("idx", &job, &err), OIKOS_USAGE, "it is a file");
  sources[0] = job.output = in(*state, "same");
  refused(oikos_import("idx", &job, &err), OIKOS_USAGE, "is also a source");
}

/* Two characters of 20 drawings; those from `keep` on of the second are left out. */
static const char *make_omniglot(void *state, int keep, int side, const char *last) {
  static char names[40][96];
  entry entries[41];
  size_t size;
  uint8_t *raw = calloc((size_t)side, (size_t)(side + 7) / 8);
  assert_non_null(raw); /* all ink */
  uint8_t *png = make_png(side, side, 1, 0, raw, (size_t)side * (size_t)((side + 7) / 8), &size);
  int n = 0;
  for (int i = 39; i >= 0; i--) { /* not in order */
    snprintf(names[i], sizeof names[i], "images_evaluation/Angelic/character%02d/%04d_%02d.png",
             i / 20 + 1, 965 + i / 20, i % 20 + 1);
    if (i < 20 + keep)
      entries[n++] = (entry){names[i], png, size, NULL};
  }
  if (last)
    entries[n++] = (entry){last, png, size, NULL};
  const char *path = make_zip(state, "images_evaluation.zip", entries, n);
  free(png);
  free(raw);
  return path;
}

static void omniglot_small(void **state) {
  told = 0;
  CHECK_OK(import(*state, "omniglot", make_omniglot(*state, 20, 105, "__MACOSX/._x.png"), 7));
  assert_true(told > 1);
  images got;
  read_images(in(*state, "out.h5"), &got);
  assert_true(got.n == 40 && got.height == 7 && got.width == 7 && got.classes == 2);
  assert_string_equal(got.name + got.name_bytes, "Angelic/character02");
  assert_true(got.start[1] == 20 && got.start[2] == 40);
  assert_true(got.split[0] == 2 && got.split[1] == 2);
  for (int i = 0; i < 40 * 49; i++)
    assert_int_equal(got.pixels[i], 255);
  free_images(&got);
}

/* An extracted archive, given as the folder that holds it and as the folder it made. */
static void omniglot_folder(void **state) {
  size_t size;
  const uint8_t raw[105 * 14] = {0};
  uint8_t *png = make_png(105, 105, 1, 0, raw, sizeof raw, &size);
  for (int i = 1; i <= 20; i++) {
    char name[96];
    snprintf(name, sizeof name, "x/images_background/Greek/character07/0400_%02d.png", i);
    put(*state, name, png, size);
  }
  put(*state, "x/images_background/LICENSE", "x", 1);
  free(png);
  for (int i = 0; i < 2; i++) {
    images got;
    CHECK_OK(import(*state, "omniglot", in(*state, i ? "x/images_background/" : "x"), 0));
    read_images(in(*state, "out.h5"), &got);
    assert_true(got.n == 20 && got.height == 28 && got.classes == 1 && got.split[0] == 0);
    assert_string_equal(got.name, "Greek/character07");
    assert_string_equal(got.group, "Greek");
    free_images(&got);
  }
}

static void omniglot_faults(void **state) {
  refused(import(*state, "omniglot", make_omniglot(*state, 18, 105, NULL), 0), OIKOS_ERROR,
          "character02 has 18 drawings, expected 20; missing: _19.png _20.png");
  refused(OIKOS_ERROR, OIKOS_ERROR, "images_evaluation.zip");
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 104, NULL), 0), OIKOS_ERROR,
          "character02/0966_20.png: 104x104 pixels, expected 105x105");
  const char *twice = "images_evaluation/Angelic/character01/0965_03.png";
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 105, twice), 0), OIKOS_ERROR,
          "Angelic/character01/0965_03.png occurs twice");
  const char *more = "images_evaluation/Angelic/character01/0965_21.png";
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 105, more), 0), OIKOS_ERROR,
          "has 21 drawings");
  const char *both = "images_background/Angelic/character01/0965_21.png";
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 105, both), 0), OIKOS_ERROR,
          "in images_background and in images_evaluation");
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 105, "Angelic/x.png"), 0),
          OIKOS_ERROR, "entry Angelic/x.png: expected images_background/");
  refused(import(*state, "omniglot", make_omniglot(*state, 20, 105, NULL), 106), OIKOS_USAGE,
          "at most 105");
  const entry text[] = {{"images_background/A/b/1_01.png", "text", 4, NULL}};
  refused(import(*state, "omniglot", make_zip(*state, "text.zip", text, 1), 0), OIKOS_ERROR,
          "text.zip, entry images_background/A/b/1_01.png: not an intact PNG");
}

static void idx_types_and_splits(void **state) {
  const uint8_t train[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6};
  const uint8_t test[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9, 10};
  const uint8_t bytes[] = {0, 0, 8, 1, 0, 0, 0, 3, 9, 4, 9};
  const uint8_t ints[] = {0, 0, 0x0C, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 1, 0, 0};
  const uint8_t stored[] = {3, 4, 1, 2, 5, 6, 7, 8, 9, 10};
  images got;
  put(*state, "a/train-images-idx3-ubyte", train, sizeof train);
  put(*state, "a/train-labels-idx1-ubyte", bytes, sizeof bytes);
  put_gzip(*state, "a/t10k-images-idx3-ubyte.gz", test, sizeof test);
  put_gzip(*state, "a/t10k-labels-idx1-int.gz", ints, sizeof ints);
  CHECK_OK(import(*state, "idx", in(*state, "a"), 0));
  read_images(in(*state, "out.h5"), &got);
  assert_true(got.n == 5 && got.height == 1 && got.width == 2 && got.classes == 3);
  assert_string_equal(got.name, "4");
  assert_string_equal(got.name + got.name_bytes, "9");
  assert_string_equal(got.name + 2 * got.name_bytes, "65536");
  assert_true(got.split[0] == 0 && got.split[1] == 0 && got.split[2] == 2);
  assert_memory_equal(got.pixels, stored, sizeof stored);
  free_images(&got);
  CHECK_OK(import(*state, "idx", in(*state, "a/t10k-images-idx3-ubyte.gz"), 1));
  read_images(in(*state, "out.h5"), &got);
  assert_true(got.n == 2 && got.width == 1 && got.pixels[0] == 8 && got.pixels[1] == 10);
  free_images(&got);
}

/* More classes than any first guess of ours, and the end of a growing array at each of them. */
static void idx_many_classes(void **state) {
  uint8_t pictures[16 + 256] = {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1};
  uint8_t labels[8 + 256] = {0, 0, 8, 1, 0, 0, 0, 0};
  for (int n = 60; n < 256; n += n < 70 ? 1 : 61) {
    images got;
    pictures[7] = labels[7] = (uint8_t)n;
    for (int i = 0; i < n; i++)
      pictures[16 + i] = labels[8 + i] = (uint8_t)(n - i);
    put(*state, "m/images-idx3-ubyte", pictures, 16 + (size_t)n);
    put(*state, "m/labels-idx1-ubyte", labels, 8 + (size_t)n);
    CHECK_OK(import(*state, "idx", in(*state, "m"), 0));
    read_images(in(*state, "out.h5"), &got);
    assert_int_equal(got.classes, n);
    for (int i = 0; i < n; i++)
      assert_true(got.pixels[i] == i + 1 && got.start[i] == i);
    free_images(&got);
  }
}

/* One images and one labels file, good but for what the case changes. */
static void idx_case(void *state, oikos_status status, const char *text, int images_bytes,
                     int labels_bytes, int at, uint8_t value) {
  uint8_t pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 0};
  const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 6, 0};
  pictures[at] = value;
  put(state, "c/images-idx3-ubyte", pictures, (size_t)images_bytes);
  put(state, "c/labels-idx1-ubyte", labels, (size_t)labels_bytes);
  refused(import(state, "idx", in(state, "c"), 0), status, text);
}

static void idx_faults(void **state) {
  idx_case(*state, OIKOS_ERROR, "ends after 19 bytes, in the images", 19, 10, 0, 0);
  idx_case(*state, OIKOS_ERROR, "bytes are left after the 20", 21, 10, 0, 0);
  idx_case(*state, OIKOS_ERROR, "in the labels", 20, 9, 0, 0);
  idx_case(*state, OIKOS_ERROR, "bytes are left after the 10", 20, 11, 0, 0);
  idx_case(*state, OIKOS_ERROR, "in the dimensions", 11, 10, 0, 0);
  idx_case(*state, OIKOS_ERROR, "is empty", 0, 10, 0, 0);
  idx_case(*state, OIKOS_ERROR, "not an IDX file", 20, 10, 0, 1);
  idx_case(*state, OIKOS_ERROR, "not an IDX file of 3", 20, 10, 3, 1);
  idx_case(*state, OIKOS_ERROR, "type 0x0D", 20, 10, 2, 0x0D);
  idx_case(*state, OIKOS_ERROR, "3 images in", 20, 10, 7, 3);
  idx_case(*state, OIKOS_ERROR, "at most 4096", 20, 10, 8, 0x7F);
  idx_case(*state, OIKOS_ERROR, "dimension 2 is 0", 20, 10, 11, 0);
  put(*state, "d/x-images-idx3-ubyte", "x", 1);
  refused(import(*state, "idx", in(*state, "d"), 0), OIKOS_ERROR, "no labels for x-images");
  put(*state, "d/x-labels-idx1-ubyte", "x", 1);
  put(*state, "d/x-labels-idx1-ubyte.gz", "x", 1);
  refused(import(*state, "idx", in(*state, "d"), 0), OIKOS_ERROR, "remove one");
  put(*state, "e/readme", "x", 1);
  refused(import(*state, "idx", in(*state, "e"), 0), OIKOS_USAGE, "no images");
}

static void idx_damaged_gzip(void **state) {
  const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 6};
  uint8_t pictures[16 + 2 * 400] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 20};
  size_t size;
  for (int i = 16; i < 816; i++)
    pictures[i] = (uint8_t)(i * i * 7 >> 2);
  put(*state, "g/labels-idx1-ubyte", labels, sizeof labels);
  put_gzip(*state, "g/images-idx3-ubyte.gz", pictures, sizeof pictures);
  CHECK_OK(import(*state, "idx", in(*state, "g"), 0));
  assert_int_equal(unlink(in(*state, "out.h5")), 0);
  uint8_t *bytes = get(in(*state, "g/images-idx3-ubyte.gz"), &size);
  for (size_t cut = 0; cut < size; cut += 19) {
    put(*state, "g/images-idx3-ubyte.gz", bytes, cut);
    refused(import(*state, "idx", in(*state, "g"), 0), OIKOS_ERROR, "g/images-idx3-ubyte.gz");
  }
  for (size_t at = 12; at < size; at += 23) { /* any change is found, in the checksum too */
    bytes[at] ^= 0x10;
    put(*state, "g/images-idx3-ubyte.gz", bytes, size);
    refused(import(*state, "idx", in(*state, "g"), 0), OIKOS_ERROR, "g/images-idx3-ubyte.gz");
    bytes[at] ^= 0x10;
  }
  free(bytes);
}

static void idx_pair(void *state, const char *pixels, const char *labels, uint8_t label) {
  const uint8_t pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4};
  const uint8_t of[] = {0, 0, 8, 1, 0, 0, 0, 2, label, label};
  put(state, pixels, pictures, sizeof pictures);
  put(state, labels, of, sizeof of);
}

/* EMNIST's sets have their own labels each; of one of them, the test part is known by its name. */
static void idx_sets(void **state) {
  images got;
  idx_pair(*state, "e/emnist-letters-train-images-idx3-ubyte",
           "e/emnist-letters-train-labels-idx1-ubyte", 1);
  idx_pair(*state, "e/emnist-letters-test-images-idx3-ubyte",
           "e/emnist-letters-test-labels-idx1-ubyte", 2);
  CHECK_OK(import(*state, "idx", in(*state, "e"), 0));
  read_images(in(*state, "out.h5"), &got);
  assert_true(got.classes == 2 && got.split[0] == 0 && got.split[1] == 2);
  free_images(&got);
  assert_int_equal(unlink(in(*state, "out.h5")), 0);
  idx_pair(*state, "e/emnist-digits-train-images-idx3-ubyte",
           "e/emnist-digits-train-labels-idx1-ubyte", 1);
  refused(import(*state, "idx", in(*state, "e"), 0), OIKOS_USAGE,
          "2 data sets by their names, emnist-digits, emnist-letters");
  CHECK_OK(import(*state, "idx", in(*state, "e/emnist-digits-train-images-idx3-ubyte"), 0));
}

/* QMNIST: eight numbers for each image, of which the first is the class. */
static void idx_wide_labels(void **state) {
  uint8_t labels[12 + 2 * 32] = {0, 0, 0x0C, 2, 0, 0, 0, 2, 0, 0, 0, 8};
  images got;
  idx_pair(*state, "q/qmnist-test-images-idx3-ubyte", "q/qmnist-test-labels-idx1-ubyte", 1);
  assert_int_equal(unlink(in(*state, "q/qmnist-test-labels-idx1-ubyte")), 0);
  memset(labels + 12, 0xAA, sizeof labels - 12);
  memcpy(labels + 12, (const uint8_t[]){0, 0, 0, 7}, 4);
  memcpy(labels + 44, (const uint8_t[]){0, 0, 0, 3}, 4);
  put_gzip(*state, "q/qmnist-test-labels-idx2-int.gz", labels, sizeof labels);
  CHECK_OK(import(*state, "idx", in(*state, "q"), 0));
  read_images(in(*state, "out.h5"), &got);
  assert_true(got.classes == 2 && got.split[0] == 2);
  assert_string_equal(got.name, "3");
  assert_string_equal(got.name + got.name_bytes, "7");
  free_images(&got);
  assert_int_equal(unlink(in(*state, "out.h5")), 0);
  labels[11] = 65;
  put_gzip(*state, "q/qmnist-test-labels-idx2-int.gz", labels, sizeof labels);
  refused(import(*state, "idx", in(*state, "q"), 0), OIKOS_ERROR, "65 numbers for each label");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(unknown_kinds_are_named),
      TEST(omniglot_small),
      TEST(omniglot_folder),
      TEST(omniglot_faults),
      TEST(idx_types_and_splits),
      TEST(idx_many_classes),
      TEST(idx_faults),
      TEST(idx_damaged_gzip),
      TEST(idx_sets),
      TEST(idx_wide_labels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
