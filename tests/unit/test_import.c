/* SPDX-License-Identifier: MIT
 * Importers on small files made here: what they keep, and what they refuse and how they say so.
 * Published data sets are in test_import_data.c. */
#include "import_files.h"

#include "import/archive.h"
#include "import/entry_name.h"
#include "import/stream.h"

static oikos_error err;

/* The call fails with the status and its message holds the text. */
static void refused(oikos_status got, oikos_status expected, const char *text) {
  if (got != expected || !strstr(err.message, text))
    fail_msg("status %d, expected %d with '%s'; message: %s", got, expected, text, err.message);
}

/* Step through all files of a source; *n counts them. */
static oikos_status walk(const char *path, const oikos_archive_limits *limits, int *n) {
  oikos_archive *archive;
  const char *name;
  const uint8_t *bytes;
  size_t size;
  *n = 0;
  oikos_status status = oikos_archive_open(&archive, path, limits, &err);
  if (status != OIKOS_OK)
    return status;
  while ((status = oikos_archive_next(archive, &name, &err)) == OIKOS_OK && name) {
    ++*n;
    if ((status = oikos_archive_read(archive, &bytes, &size, &err)) != OIKOS_OK)
      break;
  }
  oikos_archive_close(archive);
  return status;
}

static void archive_refuses_names(void **state) {
  refused(oikos_entry_name_check(NULL, &err), OIKOS_ERROR, "no name");
  refused(oikos_entry_name_check("", &err), OIKOS_ERROR, "no name");
  refused(oikos_entry_name_check("a/\xED\xA0\x80", &err), OIKOS_ERROR,
          "a/??"
          "?' has a name with");
  CHECK_OK(oikos_entry_name_check("\xE2\x82\xAC/\xF0\x9F\x98\x80.png", &err));
  const char *const names[] = {
      "a/../../etc/passwd", "..", "/etc/passwd", "a/b\\..\\c", "a\nb", "C:/a", "\xFF"};
  const char *const why[] = {"leaves",  "leaves",   "absolute", "backslash",
                             "control", "absolute", ""};
  int n;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const entry entries[] = {{"good.txt", "x", 1, NULL}, {names[i], "x", 1, NULL}};
    const char *path = make_zip(*state, "names.zip", entries, 2);
    refused(walk(path, &oikos_archive_image_limits, &n), OIKOS_ERROR, why[i]);
    refused(OIKOS_ERROR, OIKOS_ERROR, "names.zip");
    assert_int_equal(n, 1);
  }
  const entry fine[] = {{"a..b/.c/..d", "x", 1, NULL}};
  CHECK_OK(walk(make_zip(*state, "fine.zip", fine, 1), &oikos_archive_image_limits, &n));
  assert_int_equal(n, 1);
}

static void archive_refuses_links(void **state) {
  const entry link[] = {{"link.png", NULL, 0, "/etc/passwd"}};
  int n;
  refused(walk(make_zip(*state, "link.zip", link, 1), &oikos_archive_image_limits, &n), OIKOS_ERROR,
          "entry link.png: a link");
  put(*state, "folder/a.txt", "x", 1);
  put(*state, "folder/b/c.txt", "xy", 2);
  CHECK_OK(walk(in(*state, "folder"), &oikos_archive_image_limits, &n));
  assert_int_equal(n, 2);
  assert_int_equal(symlink("/etc/passwd", in(*state, "folder/z")), 0);
  refused(walk(in(*state, "folder"), &oikos_archive_image_limits, &n), OIKOS_ERROR,
          "entry z: a link");
  assert_int_equal(unlink(in(*state, "folder/z")), 0);
  assert_int_equal(mkfifo(in(*state, "folder/z"), 0600), 0);
  refused(walk(in(*state, "folder"), &oikos_archive_image_limits, &n), OIKOS_ERROR, "device");
}

static void archive_refuses_bombs(void **state) {
  oikos_archive_limits limits = oikos_archive_image_limits;
  size_t size = (size_t)100 << 20;
  char *zeros = calloc(size, 1);
  const entry bomb[] = {{"bomb.png", zeros, size, NULL}};
  const entry small[] = {{"a", "12345", 5, NULL}, {"b", "12345", 5, NULL}, {"c", "12345", 5, NULL}};
  int n;
  assert_non_null(zeros);
  const char *path = make_zip(*state, "bomb.zip", bomb, 1);
  refused(walk(path, &limits, &n), OIKOS_ERROR, "entry bomb.png: ");
  refused(OIKOS_ERROR, OIKOS_ERROR, "decompression bomb");
  limits.ratio = 1000000;
  refused(walk(path, &limits, &n), OIKOS_ERROR, "larger than 67108864 bytes");
  free(zeros);
  path = make_zip(*state, "small.zip", small, 3);
  CHECK_OK(walk(path, &limits, &n));
  assert_int_equal(n, 3);
  limits.entry_bytes = 4;
  refused(walk(path, &limits, &n), OIKOS_ERROR, "entry a: larger than 4 bytes");
  limits.entry_bytes = 5;
  limits.total_bytes = 14;
  refused(walk(path, &limits, &n), OIKOS_ERROR, "entry c: more than 14 bytes in all");
  limits.total_bytes = 15;
  limits.entries = 2;
  refused(walk(path, &limits, &n), OIKOS_ERROR, "more than 2 entries");
}

static void archive_refuses_cut_files(void **state) {
  uint8_t noise[3000];
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (uint8_t)(i * i * 31 >> 3);
  const entry entries[] = {{"a", noise, sizeof noise, NULL}, {"b", noise, sizeof noise, NULL}};
  const char *path = make_zip(*state, "whole.zip", entries, 2);
  size_t size;
  int n;
  uint8_t *bytes = get(path, &size);
  for (size_t cut = 0; cut < size; cut += cut + 40 < size ? 37 : 1) {
    put(*state, "cut.zip", bytes, cut);
    refused(walk(in(*state, "cut.zip"), &oikos_archive_image_limits, &n), OIKOS_ERROR, "cut.zip");
  }
  bytes[200] ^= 0x40;
  put(*state, "flip.zip", bytes, size);
  refused(walk(in(*state, "flip.zip"), &oikos_archive_image_limits, &n), OIKOS_ERROR, "damaged");
  free(bytes);
  refused(walk(in(*state, "none.zip"), &oikos_archive_image_limits, &n), OIKOS_USAGE,
          "No such file");
}

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

/* Read a file to its end, in pieces of an odd size. */
static oikos_status read_whole(const char *path, char *text, size_t most) {
  oikos_stream *stream;
  oikos_status status = oikos_stream_open(&stream, path, &err);
  if (status != OIKOS_OK)
    return status;
  size_t got = 7;
  for (size_t at = 0; status == OIKOS_OK && got == 7 && at + 8 < most; at += got) {
    status = oikos_stream_read_some(stream, text + at, 7, &got, &err);
    text[at + (status == OIKOS_OK ? got : 0)] = 0;
  }
  oikos_stream_close(stream);
  return status;
}

/* Several gzip files one behind the other are one, with zeros behind or without; other bytes are
 * not. */
static void stream_of_members(void **state) {
  char text[256];
  uint8_t all[4096];
  size_t n = 0, size, first = 0;
  const char *const parts[] = {"first, ", "", "the second, ", "third"};
  for (int k = 0; k < 4; k++) {
    put_gzip(*state, "part.gz", parts[k], strlen(parts[k]));
    uint8_t *part = get(in(*state, "part.gz"), &size);
    memcpy(all + n, part, size);
    n += size;
    first = first ? first : n;
    free(part);
  }
  put(*state, "all.gz", all, n);
  CHECK_OK(read_whole(in(*state, "all.gz"), text, sizeof text));
  assert_string_equal(text, "first, the second, third");
  memset(all + n, 0, 512);
  put(*state, "all.gz", all, n + 512);
  CHECK_OK(read_whole(in(*state, "all.gz"), text, sizeof text));
  assert_string_equal(text, "first, the second, third");
  memcpy(all + n, "tail", 4);
  put(*state, "all.gz", all, n + 4);
  refused(read_whole(in(*state, "all.gz"), text, sizeof text), OIKOS_ERROR,
          "bytes that are no gzip");
  for (size_t cut = first + 1; cut < n; cut++) { // at the end of a member nobody can see it
    put(*state, "all.gz", all, cut);
    text[0] = 0;
    if (read_whole(in(*state, "all.gz"), text, sizeof text) == OIKOS_OK &&
        strcmp(text, "first, ") != 0 && strcmp(text, "first, the second, ") != 0)
      fail_msg("cut at %zu of %zu: '%s'", cut, n, text);
  }
  all[first - 6] ^= 1; // the checksum of the first
  put(*state, "all.gz", all, n);
  refused(read_whole(in(*state, "all.gz"), text, sizeof text), OIKOS_ERROR, "damaged after");
}

/* A FIFO, a device and a folder are refused at once. */
static void only_regular_files(void **state) {
  char text[64];
  assert_int_equal(mkfifo(in(*state, "fifo"), 0600), 0);
  refused(read_whole(in(*state, "fifo"), text, sizeof text), OIKOS_ERROR,
          "fifo: it is a pipe or a device");
  refused(read_whole("/dev/zero", text, sizeof text), OIKOS_ERROR, "it is a pipe or a device");
  refused(read_whole(in(*state, "."), text, sizeof text), OIKOS_ERROR, "it is a folder");
  refused(read_whole(in(*state, "nix"), text, sizeof text), OIKOS_USAGE,
          "nix: it cannot be opened: No such");
  refused(import(*state, "omniglot", in(*state, "fifo"), 0), OIKOS_USAGE,
          "neither a file nor a folder");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(archive_refuses_names, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(archive_refuses_links, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(archive_refuses_bombs, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(archive_refuses_cut_files, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(unknown_kinds_are_named, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(omniglot_small, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(omniglot_folder, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(omniglot_faults, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_types_and_splits, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_many_classes, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_faults, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_damaged_gzip, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_sets, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(idx_wide_labels, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(stream_of_members, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(only_regular_files, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
