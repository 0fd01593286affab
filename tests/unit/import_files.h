/* SPDX-License-Identifier: MIT
 * Files for the importers' tests: a folder of its own for each test, and what is put there. */
#ifndef OIKOS_TESTS_IMPORT_FILES_H
#define OIKOS_TESTS_IMPORT_FILES_H

#include "check.h"

#include <archive.h>
#include <archive_entry.h>
#include <ftw.h>
#include <hdf5.h>
#include <spng.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/import.h"

static oikos_error err;

/* The call that set err failed with the status, and its message holds the text. */
static inline void refused(oikos_status got, oikos_status expected, const char *text) {
  if (got != expected || !strstr(err.message, text))
    fail_msg("status %d, expected %d with '%s'; message: %s", got, expected, text, err.message);
}

/* cmocka set-up and tear-down: *state is the folder's path. */
static inline int make_folder(void **state) {
  char *folder = strdup("/tmp/oikos-import-XXXXXX");
  *state = folder;
  return folder && mkdtemp(folder) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *info, int type,
                             struct FTW *walk) {
  (void)info, (void)type, (void)walk;
  return remove(path);
}

static inline int remove_folder(void **state) {
  int result = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(*state);
  return result;
}

/* The path of a name in the folder; valid for the next seven calls. */
static inline const char *in(const void *state, const char *name) {
  static char paths[8][512];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", (const char *)state, name);
  return path;
}

static inline void put(const void *state, const char *name, const void *bytes, size_t size) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", (const char *)state, name);
  for (char *c = path + strlen(state) + 1; (c = strchr(c, '/')); *c++ = '/') {
    *c = '\0';
    mkdir(path, 0700);
  }
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static inline uint8_t *get(const char *path, size_t *size) {
  struct stat info;
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fstat(fileno(file), &info), 0);
  *size = (size_t)info.st_size;
  uint8_t *bytes = malloc(*size + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

typedef struct entry {
  const char *name;
  const void *bytes;
  size_t size;
  const char *link; /* where a symbolic link leads; NULL for a file */
} entry;

static inline void write_entry(struct archive *out, const entry *e) {
  struct archive_entry *header = archive_entry_new();
  if (e->name)
    archive_entry_copy_pathname(header, e->name);
  archive_entry_set_mode(header, (e->link ? AE_IFLNK : AE_IFREG) | 0644);
  archive_entry_set_size(header, (la_int64_t)e->size);
  if (e->link)
    archive_entry_copy_symlink(header, e->link);
  assert_true(archive_write_header(out, header) >= ARCHIVE_WARN);
  if (e->size)
    assert_int_equal(archive_write_data(out, e->bytes, e->size), e->size);
  archive_entry_free(header);
}

static inline const char *make_zip(const void *state, const char *name, const entry *entries,
                                   int n) {
  const char *path = in(state, name);
  struct archive *out = archive_write_new();
  archive_write_set_format_zip(out);
  assert_int_equal(archive_write_open_filename(out, path), ARCHIVE_OK);
  for (int i = 0; i < n; i++)
    write_entry(out, &entries[i]);
  assert_int_equal(archive_write_free(out), ARCHIVE_OK);
  return path;
}

static inline void put_gzip(const void *state, const char *name, const void *bytes, size_t size) {
  const entry e = {NULL, bytes, size, NULL};
  struct archive *out = archive_write_new();
  put(state, name, "", 0);
  archive_write_set_format_raw(out);
  archive_write_add_filter_gzip(out);
  assert_int_equal(archive_write_open_filename(out, in(state, name)), ARCHIVE_OK);
  write_entry(out, &e);
  assert_int_equal(archive_write_free(out), ARCHIVE_OK);
}

/* A PNG of packed rows; released by free(). */
static inline uint8_t *make_png(int height, int width, int bits, int colour, const void *rows,
                                size_t bytes, size_t *size) {
  struct spng_ihdr header = {
      (uint32_t)width, (uint32_t)height, (uint8_t)bits, (uint8_t)colour, 0, 0, 0};
  spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
  int code;
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_set_ihdr(context, &header);
  assert_int_equal(spng_encode_image(context, rows, bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  uint8_t *png = spng_get_png_buffer(context, size, &code);
  assert_non_null(png);
  spng_ctx_free(context);
  return png;
}

/* An image file, read by HDF5 alone. */
typedef struct images {
  int64_t n, height, width, classes;
  uint8_t *pixels;
  int64_t *start;
  char *name; /* (classes), each name_bytes long */
  size_t name_bytes;
  char *group; /* (groups), each group_bytes long */
  size_t group_bytes;
  int64_t groups;
  int32_t *class_group;
  uint8_t *split;
  char source[1024];
} images;

/* A whole dataset in a type of ours (or, below 0, its own); its dimensions go to dims (4). */
static inline void *read_dataset(hid_t file, const char *name, hid_t type, hsize_t *dims,
                                 size_t *bytes) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  hid_t own = H5Dget_type(dataset), used = type < 0 ? own : type;
  assert_true(dataset >= 0 && H5Sget_simple_extent_ndims(space) <= 4);
  H5Sget_simple_extent_dims(space, dims, NULL);
  *bytes = H5Tget_size(used);
  void *data = calloc((size_t)H5Sget_simple_extent_npoints(space) + 1, *bytes);
  assert_non_null(data);
  assert_true(H5Dread(dataset, used, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Tclose(own);
  H5Sclose(space);
  H5Dclose(dataset);
  return data;
}

static inline void read_attribute(hid_t file, const char *name, void *value) {
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
  assert_true(attribute >= 0 && H5Tget_size(type) <= 1024);
  assert_true(H5Aread(attribute, type, value) >= 0);
  H5Tclose(type);
  H5Aclose(attribute);
}

static inline void read_images(const char *path, images *out) {
  char format[1024];
  int32_t version;
  hsize_t dims[4], one[4], groups[4];
  size_t bytes;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  read_attribute(file, "format", format);
  assert_string_equal(format, "oikos images");
  read_attribute(file, "format_version", &version);
  assert_int_equal(version, 1);
  read_attribute(file, "source", out->source);
  out->pixels = read_dataset(file, "images", H5T_NATIVE_UINT8, dims, &bytes);
  out->n = (int64_t)dims[0];
  out->height = (int64_t)dims[1];
  out->width = (int64_t)dims[2];
  assert_int_equal(dims[3], 1);
  out->start = read_dataset(file, "class_start", H5T_NATIVE_INT64, one, &bytes);
  out->name = read_dataset(file, "class_name", H5I_INVALID_HID, dims, &out->name_bytes);
  out->classes = (int64_t)dims[0];
  assert_int_equal(one[0], dims[0] + 1);
  out->group = read_dataset(file, "group_name", H5I_INVALID_HID, groups, &out->group_bytes);
  out->groups = (int64_t)groups[0];
  out->class_group = read_dataset(file, "class_group", H5T_NATIVE_INT32, one, &bytes);
  assert_int_equal(one[0], dims[0]);
  out->split = read_dataset(file, "split", H5T_NATIVE_UINT8, one, &bytes);
  assert_int_equal(one[0], dims[0]);
  H5Fclose(file);
}

static inline void free_images(images *i) {
  free(i->pixels);
  free(i->start);
  free(i->name);
  free(i->group);
  free(i->class_group);
  free(i->split);
}

#endif
