/* SPDX-License-Identifier: MIT
 * Made-up releases of MovieLens, and a ratings file as HDF5 alone reads it. */
#ifndef OIKOS_TESTS_RATINGS_FILES_H
#define OIKOS_TESTS_RATINGS_FILES_H

#include "import_files.h"

/* What an import said. */
typedef struct told {
  int n;
  char last[512], first[512];
} told;

static inline void hear(void *user, const char *text) {
  told *t = user;
  snprintf(t->n++ ? t->last : t->first, sizeof t->last, "%s", text);
}

/* Import a source (NULL: none) into x.h5; what fails leaves nothing. */
static inline oikos_status import_ratings(const void *state, const char *kind, const char *source,
                                          oikos_import_options options, told *heard) {
  const char *const sources[] = {source};
  char output[512];
  snprintf(output, sizeof output, "%s/x.h5", (const char *)state);
  unlink(output);
  oikos_import_job job = {.n_sources = source != NULL,
                          .sources = sources,
                          .options = options,
                          .output = output,
                          .message = heard ? hear : NULL,
                          .user = heard};
  oikos_status status = oikos_import(kind, &job, &err);
  if (status != OIKOS_OK)
    assert_int_equal(access(output, F_OK), -1);
  return status;
}

/* Fail unless a dataset of x.h5 holds these numbers, or texts, joined by blanks. */
static inline void holds(const void *state, const char *name, const char *expected) {
  char joined[1024] = "";
  hsize_t dims[4] = {0}, n = 1;
  size_t bytes;
  hid_t file = H5Fopen(in(state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), own = H5Dget_type(dataset),
        space = H5Dget_space(dataset);
  bool text = H5Tget_class(own) == H5T_STRING;
  n = (hsize_t)H5Sget_simple_extent_npoints(space);
  char *data = read_dataset(file, name, text ? H5I_INVALID_HID : H5T_NATIVE_DOUBLE, dims, &bytes);
  for (size_t k = 0; k < n; k++) {
    size_t used = strlen(joined);
    if (text)
      snprintf(joined + used, sizeof joined - used, "%s%s", k ? " " : "", data + k * bytes);
    else
      snprintf(joined + used, sizeof joined - used, "%s%.9g", k ? " " : "", ((double *)data)[k]);
  }
  free(data);
  H5Sclose(space);
  H5Tclose(own);
  H5Dclose(dataset);
  H5Fclose(file);
  if (strcmp(joined, expected) != 0)
    fail_msg("/%s: expected '%s', found '%s'", name, expected, joined);
}

static inline bool has(const void *state, const char *name) {
  hid_t file = H5Fopen(in(state, "x.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  bool there = H5Lexists(file, name, H5P_DEFAULT) > 0;
  H5Fclose(file);
  return there;
}

static inline void put_text(const void *state, const char *name, const char *text) {
  put(state, name, text, strlen(text));
}

#define NO_GENRES "|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"

/* Ratings out of order, of users and items that no table knows, too. */
static inline void put_100k(const void *state) {
  put_text(state, "ml/u.data",
           "10\t2\t3\t50\n2\t1\t5\t70\n2\t2\t4\t60\n10\t7\t1\t50\n2\t7\t2\t60\n9\t1\t3\t-5\n");
  put_text(state, "ml/u.genre",
           "unknown|0\nAction|1\nDrama|2\na|3\nb|4\nc|5\nd|6\ne|7\nf|8\ng|9\nh|10\ni|11\nj|12\n"
           "k|13\nl|14\nm|15\nn|16\no|17\np|18\n\n");
  put_text(state, "ml/u.item",
           "1|\"A\" tale (1995)|01-Jan-1995||http://x|0|1|1" NO_GENRES "\n"
           "2|Caf\xE9, Le (1985)|01-Jan-1985|||0|0|1" NO_GENRES "\n"
           "3|unknown||||1|0|0" NO_GENRES "\n");
  put_text(state, "ml/u.user",
           "2|24|M|technician|85711\n10|53|F|\xE9"
           "colier|T8H1N\n11|25|F|none|\n");
  put_text(state, "ml/u1.base", "2\t1\t5\t70\n10\t2\t3\t50\n");
  put_text(state, "ml/u1.test", "9\t1\t3\t-5\n");
  put_text(state, "ml/ua.base", "2\t2\t4\t60\n");
}

#endif
