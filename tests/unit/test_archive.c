/* SPDX-License-Identifier: MIT
 * Archives and compressed files as importers read them: what is refused, and how it is said. */
#include "import_files.h"

#include "import/archive.h"
#include "import/entry_name.h"
#include "import/stream.h"

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
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      TEST(archive_refuses_names),     TEST(archive_refuses_links), TEST(archive_refuses_bombs),
      TEST(archive_refuses_cut_files), TEST(stream_of_members),     TEST(only_regular_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
